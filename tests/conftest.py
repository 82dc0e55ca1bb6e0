"""What all tests share: one tiny shape, one tiny vocabulary, tiny recipes to train by, and where
the real data sets are.
"""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from squeezebert.config import EncoderConfig, as_bert
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.recipe.file import load_recipe
from squeezebert.training.recipe.run import FinetuneRecipe, PretrainRecipe

# No test is timed, whatever else the machine does.
hypothesis.settings.register_profile("squeezebert", deadline=None)
hypothesis.settings.load_profile("squeezebert")

ROOT = Path(__file__).resolve().parent.parent

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

TINY_VOCABULARY = (
    *SPECIAL_TOKENS,
    *"abcdefghijklmnopqrstuvwxyz0123456789.,!?'-",
    *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"),
    *("the", "cat", "dog", "sat", "on", "mat", "ran", "home", "good", "bad", "ada", "london"),
    *("##ing", "##ed", "##er"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out what this machine cannot run, with the reason."""
    network = os.environ.get("SQUEEZEBERT_NETWORK") == "1"
    for item in items:
        if "network" in item.keywords and not network:
            item.add_marker(pytest.mark.skip(reason="set SQUEEZEBERT_NETWORK=1 to reach the net"))
        if "gpu" in item.keywords and not _has_gpu():
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def tiny_config() -> EncoderConfig:
    """SqueezeBERT with 2 layers of width 32: every test that needs a model takes this one."""
    return EncoderConfig(
        vocab_size=len(TINY_VOCABULARY),
        embedding_size=32,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=64,
    )


@pytest.fixture(scope="session")
def tiny_bert_config(tiny_config: EncoderConfig) -> EncoderConfig:
    """The same with every group count 1."""
    return as_bert(tiny_config)


@pytest.fixture(scope="session")
def tiny_bottleneck_config(tiny_config: EncoderConfig) -> EncoderConfig:
    """The same with embeddings half as wide as the blocks."""
    return dataclasses.replace(tiny_config, embedding_size=16)


@pytest.fixture(scope="session")
def tiny_vocabulary() -> tuple[str, ...]:
    """Special tokens, letters, digits, a few words: ``len`` is ``tiny_config.vocab_size``."""
    return TINY_VOCABULARY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the real data sets; skips the test where there is none."""
    folder = Path(os.environ.get("SQUEEZEBERT_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}; set SQUEEZEBERT_DATA to their folder")
    return folder


# -- training, at the size of a test ---------------------------------------------------------------

WORDS = ("the", "cat", "dog", "sat", "on", "mat", "ran", "home", "good", "bad", "ada", "london")

SHAPE = (
    "{hidden_size = 32, embedding_size = 16, num_hidden_layers = 2, num_attention_heads = 4, "
    "intermediate_size = 64, max_position_embeddings = 64, hidden_dropout_prob = 0.1}"
)
"""As conftest's tiny config, with a bottleneck, and dropout so that random numbers matter."""


@pytest.fixture(scope="session")
def tokenizer(tiny_vocabulary: tuple[str, ...]) -> Tokenizer:
    return Tokenizer.from_vocabulary(tiny_vocabulary, lowercase=True)


@pytest.fixture(scope="session")
def vocabulary(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("vocabulary")
    tokenizer.save(directory)
    return directory


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 9,000 tokens in documents of four lines."""
    draw = random.Random(0)
    lines: list[str] = []
    for _ in range(150):
        lines += [" ".join(draw.choices(WORDS, k=draw.randint(5, 25))) for _ in range(4)]
        lines.append("")
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_pretraining(vocabulary: Path, corpus: Path) -> PretrainRecipe:
    """Twelve steps of four sequences of 16 tokens, evaluated twice."""
    return load_recipe(
        None,
        "pretrain",
        {
            "model.tokenizer": str(vocabulary),
            "model.shape": SHAPE,
            "corpus.sources": str([str(corpus)]),
            "corpus.sequence_length": "16",
            "corpus.held_out_every": "4",
            "corpus.held_out_tokens": "128",
            "optimizer.learning_rate": "1e-2",
            "loop.max_steps": "12",
            "loop.batch_size": "4",
            "loop.evaluate_steps": "6",
            "loop.log_steps": "2",
            "loop.torch_threads": "1",
            "loop.tensorboard": "false",
        },
    )


@pytest.fixture
def sentiment(tmp_path: Path) -> Path:
    """A table of 60 texts whose class stands in one of their words."""
    draw = random.Random(1)
    rows = ["text,label"]
    for index in range(60):
        word, label = (("good", "yes"), ("bad", "no"))[index % 2]
        words = [*draw.choices(("the", "cat", "dog", "sat", "ran"), k=draw.randint(1, 6)), word]
        rows.append(f"{' '.join(words)},{label}")
    path = tmp_path / "sentiment.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def tiny_classification(vocabulary: Path, sentiment: Path) -> FinetuneRecipe:
    """Ten epochs over a task that a tiny model learns."""
    return load_recipe(
        None,
        "finetune",
        {
            "task": "text_classification",
            "max_length": "16",
            "model.tokenizer": str(vocabulary),
            "model.shape": SHAPE.replace("0.1", "0.0"),
            "data.train": str([str(sentiment)]),
            "optimizer.learning_rate": "1e-2",
            "loop.epochs": "10",
            "loop.batch_size": "8",
            "loop.precision": "float32",
            "loop.torch_threads": "1",
            "loop.tensorboard": "false",
        },
    )


# More than Ray takes on a machine that does something else.
RAY_SECONDS = 240
BARE_RAY = """
import ray
ray.init(num_cpus=1, include_dashboard=False, object_store_memory=100 << 20)
"""


@pytest.fixture(scope="session")
def ray_starts() -> None:
    """Skips where Ray is not installed, or does not start by itself, as without shared memory."""
    if find_spec("ray") is None or find_spec("ray.serve") is None:
        pytest.skip('needs pip install "squeezebert[ray,ray-serve]"')
    try:
        done = subprocess.run(
            [sys.executable, "-c", BARE_RAY],
            capture_output=True,
            text=True,
            check=False,
            timeout=RAY_SECONDS,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"Ray does not start here within {RAY_SECONDS} seconds")
    if done.returncode != 0:
        pytest.skip(f"Ray does not start here: {done.stderr.strip()[-200:]}")


# Of a module: while it is open, an event loop runs, and tests after it want one of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        opened.close()
