"""``squeezebert export`` and ``card``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.cli.main import run


def test_export_writes_and_says_what_it_verified(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "onnx"
    words = ["export", str(models["text_classification"]), "-o", str(output)]
    assert run([*words, "--precision", "float32"]) == 0
    out, err = capsys.readouterr()
    assert "onnx/model.onnx: " in out
    assert "Compared with the engine in float32 on " in out
    assert f"wrote {output}" in err
    assert not (output / "onnx" / "model_quantized.onnx").exists()
    assert run(words) == 2
    assert "is there already" in capsys.readouterr().err


def test_export_as_json(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "onnx"
    words = ["export", str(models["bert_token_classification"]), "-o", str(output), "--json"]
    assert run(words) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told.pop("directory") == str(output)
    assert told == json.loads((output / "export.json").read_text())


def test_card(models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["card", str(models["masked_lm"]), "--name", "me/words", "--license", "mit"]
    assert run(words) == 0
    printed = capsys.readouterr().out
    assert "pipeline_tag: fill-mask" in printed
    assert "# words" in printed
    assert run([*words, "--output", str(tmp_path / "README.md")]) == 0
    assert (tmp_path / "README.md").read_text() == printed
