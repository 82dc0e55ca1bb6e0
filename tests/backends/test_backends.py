"""Every backend against the model that it runs, on ragged batches."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from squeezebert.backends import BACKENDS, DEFAULT_BACKEND, open_backend
from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError, InvalidInputError, MissingDependencyError
from squeezebert.model import Encoder, HeadConfig, build_model, save_model
from squeezebert.model.heads import HeadKind

LENGTHS = (1, 7, 2, 30)
LABELS = ("a", "b", "c")


@pytest.fixture
def batch(tiny_config: EncoderConfig) -> RaggedBatch:
    generator = np.random.default_rng(0)
    return RaggedBatch.of(
        [generator.integers(5, tiny_config.vocab_size, size=length) for length in LENGTHS]
    )


def saved(config: EncoderConfig, kind: HeadKind, directory: Path) -> torch.nn.Module:
    torch.manual_seed(1)
    labels = LABELS if "classification" in kind else ()
    model = build_model(config, HeadConfig(kind=kind, labels=labels)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    save_model(model, directory)
    return model


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("kind", ["masked_lm", "text_classification", "token_classification"])
@pytest.mark.parametrize("grouped", [True, False], ids=["squeezebert", "bert"])
def test_ragged_batches_equal_one_by_one(
    name: str,
    kind: HeadKind,
    grouped: bool,
    batch: RaggedBatch,
    tiny_config: EncoderConfig,
    tiny_bert_config: EncoderConfig,
    tmp_path: Path,
) -> None:
    model = saved(tiny_config if grouped else tiny_bert_config, kind, tmp_path)
    backend = open_backend(name, tmp_path, precision="float32")
    assert backend.name == name
    logits, hidden = backend.logits(batch), backend.encode(batch)
    expected_logits, expected_hidden = [], []
    for start, end in zip(batch.cu_seqlens, batch.cu_seqlens[1:], strict=False):
        ids = torch.from_numpy(batch.input_ids[start:end]).long()[None]
        with torch.no_grad():
            expected_logits.append(model(ids).logits.flatten(0, -2))
            expected_hidden.append(model.encoder(ids).last_hidden_state[0])
    np.testing.assert_allclose(logits, torch.cat(expected_logits), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(hidden, torch.cat(expected_hidden), rtol=1e-5, atol=1e-5)
    assert logits.dtype == hidden.dtype == np.float32


@pytest.mark.parametrize("name", BACKENDS)
def test_masked_lm_positions(
    name: str, batch: RaggedBatch, tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    saved(tiny_config, "masked_lm", tmp_path)
    backend = open_backend(name, tmp_path, precision="float32")
    positions = np.array([0, 39, 8, 9], dtype=np.int64)
    np.testing.assert_allclose(
        backend.logits(batch, positions), backend.logits(batch)[positions], rtol=1e-5, atol=1e-5
    )


def test_too_long_a_sequence_is_refused(tiny_config: EncoderConfig, tmp_path: Path) -> None:
    saved(tiny_config, "masked_lm", tmp_path)
    with pytest.raises(InvalidInputError, match="has 65 tokens, but the model has positions"):
        open_backend("torch", tmp_path).encode(RaggedBatch.of([np.full(65, 7)]))


def test_unknown_backends_and_bare_encoders_are_refused(
    tiny_config: EncoderConfig, tiny_bottleneck_config: EncoderConfig, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match="no backend is called 'tpu'"):
        open_backend("tpu", tmp_path)
    save_model(Encoder(tiny_config), tmp_path / "bare")
    with pytest.raises(InvalidInputError, match="has no head"):
        open_backend("torch", tmp_path / "bare")
    with pytest.raises(CheckpointError, match="has no head"):
        open_backend("transformers", tmp_path / "bare")
    saved(tiny_bottleneck_config, "masked_lm", tmp_path / "narrow")
    with pytest.raises(CheckpointError, match="which transformers refuses"):
        open_backend("transformers", tmp_path / "narrow")


def test_a_missing_package_names_its_install_command(
    tiny_config: EncoderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tiny_config, "masked_lm", tmp_path)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingDependencyError, match=r"squeezebert\[baselines\]"):
        open_backend("transformers", tmp_path)


def test_a_batch_knows_its_shape() -> None:
    batch = RaggedBatch.of([np.array([5, 6]), np.array([7])])
    input_ids, mask, _ = batch.padded(0)
    assert input_ids.tolist() == [[5, 6], [7, 0]]
    assert mask.tolist() == [[True, True], [True, False]]
    with pytest.raises(InvalidInputError, match="at least one token"):
        RaggedBatch.of([np.array([5]), np.array([], dtype=np.int64)])


def test_the_engine_is_first_and_the_default() -> None:
    assert BACKENDS[0] == DEFAULT_BACKEND == "engine"


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_says_in_what_it_computes(
    name: str, tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    saved(tiny_config, "masked_lm", tmp_path)
    backend = open_backend(name, tmp_path, precision="float32")
    assert backend.precision == "float32"
    assert backend.instruction_set
    assert backend.pads == (name != "engine")


@pytest.mark.parametrize("name", ["torch", "transformers"])
@pytest.mark.parametrize("precision", ["int8", {"query": "float32"}])
def test_others_take_no_precision(
    name: str, precision: str | dict[str, str], tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    saved(tiny_config, "masked_lm", tmp_path)
    with pytest.raises(InvalidInputError, match=f"the backend {name} computes in float32"):
        open_backend(name, tmp_path, precision=precision)


@pytest.mark.parametrize(
    ("module", "backend", "message"),
    [
        ("squeezebert.engine._native", "engine", "the native engine cannot be loaded"),
        ("torch", "torch", r'pip install "squeezebert\[torch\]"'),
        ("torch", "transformers", r'pip install "squeezebert\[torch\]"'),
    ],
)
def test_what_is_not_there_is_named(module: str, backend: str, message: str) -> None:
    """In a fresh process: this one has imported everything."""
    code = f"""
import re
import subprocess
import sys
sys.modules[{module!r}] = None
from squeezebert.errors import MissingDependencyError
from squeezebert.pipeline import load
try:
    load("squeezebert-mini-news", backend={backend!r})
except MissingDependencyError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert re.search(message, done.stdout), done.stdout + done.stderr
