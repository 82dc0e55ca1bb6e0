"""Programs of ExecuTorch, in the runtime of its wheel, and the module that they are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from squeezebert.errors import MissingDependencyError
from squeezebert.exporting import MANIFEST, PTE_FILES, export_executorch
from squeezebert.exporting.conv2d import Conv2dModel
from squeezebert.exporting.parameters import Parameters
from tests.exporting.test_export import INPUTS, difference, expected

Write = Callable[..., Path]

needs_executorch = pytest.mark.skipif(
    find_spec("executorch") is None, reason='needs pip install "squeezebert[executorch]"'
)


@pytest.mark.parametrize("kind", ["masked_lm", "single_label", "regression", "tokens", "encoder"])
def test_the_module_answers_as_ours(kind: str, write_model: Write, tmp_path: Path) -> None:
    check_module(write_model(tmp_path / "model", kind=kind))


@pytest.mark.parametrize(
    "shape", ["bert", "bottleneck", "heads in two groups", "unlike groups", "gelu_new", "silu"]
)
def test_every_shape_answers_as_ours(shape: str, write_model: Write, tmp_path: Path) -> None:
    check_module(write_model(tmp_path / "model", kind="tokens", shape=shape))


def check_module(source: Path) -> None:
    ours = expected(source)
    inputs = [torch.from_numpy(array) for array in INPUTS.values()]
    with torch.no_grad():
        plain = Conv2dModel(Parameters.read(source), int8=False).eval()(*inputs).numpy()
        rounded = Conv2dModel(Parameters.read(source), int8=True).eval()(*inputs).numpy()
    assert difference(ours, plain) < 1e-4
    assert 0 < difference(plain, rounded) < 0.05 * np.abs(plain).max() + 0.05


def test_a_missing_package_is_named(
    write_model: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_model(tmp_path / "model", kind="encoder")
    monkeypatch.setattr("squeezebert.exporting.export.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="torch"):
        export_executorch(source, tmp_path / "pte")
    assert not (tmp_path / "pte").exists()


@needs_executorch
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of theirs, about each other
def test_an_export_is_verified_in_its_runtime(write_model: Write, tmp_path: Path) -> None:
    source = write_model(tmp_path / "model", kind="single_label", shape="wide")
    manifest = export_executorch(source, tmp_path / "pte")
    told = json.loads((tmp_path / "pte" / MANIFEST).read_text())
    assert told["format"] == "executorch"
    plain, rounded = manifest.files
    assert (plain.path, rounded.path) == (PTE_FILES["float32"], PTE_FILES["int8"])
    assert plain.agreement.max_difference < 1e-4
    assert rounded.agreement.max_difference > plain.agreement.max_difference
    assert rounded.agreement.cosine > 0.97
    assert rounded.size_mb < plain.size_mb
    assert (tmp_path / "pte" / "tokenizer.json").is_file()
