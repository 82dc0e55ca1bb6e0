from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from squeezebert.checkpoint import read_spec, read_tensors
from squeezebert.cli.main import run
from squeezebert.tokenizer import Tokenizer


@pytest.fixture
def model(models: dict[str, Path]) -> Path:
    return models["masked_lm"]


@pytest.mark.parametrize(
    ("storage", "kind", "bound"), [("float16", np.float16, 5e-4), ("int8", np.int8, 4e-3)]
)
def test_the_copy_is_smaller_and_nearly_the_same(
    storage: str,
    kind: type,
    bound: float,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "copy"
    assert run(["convert", str(model), "--storage", storage, "--output", str(output)]) == 0
    assert f" MB: {output}" in capsys.readouterr().out
    stored = load_file(output / "model.safetensors")
    assert all(value.dtype == kind for value in stored.values() if value.ndim >= 2)
    before, after = read_tensors(model), read_tensors(output)
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert np.abs(after[name] - value).max() <= bound * max(np.abs(value).max(), 1e-6)
    assert read_spec(output) == read_spec(model)
    assert Tokenizer.load(output).tokens == Tokenizer.load(model).tokens


def test_a_model_is_not_written_over_itself(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["convert", str(model), "--output", str(model)]) == 2
    assert "is the model itself" in capsys.readouterr().err
