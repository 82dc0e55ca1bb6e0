"""What all tests share: one tiny shape, one tiny vocabulary, and where the real data sets are."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import hypothesis
import pytest

from squeezebert.config import EncoderConfig, as_bert

# No test is timed, whatever else the machine does.
hypothesis.settings.register_profile("squeezebert", deadline=None)
hypothesis.settings.load_profile("squeezebert")

ROOT = Path(__file__).resolve().parent.parent

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

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
