"""``squeezebert benchmark``: what it prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.benchmark import limits, turns
from squeezebert.cli.main import run


@pytest.fixture(autouse=True)
def _few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_CALLS", 2)
    monkeypatch.setattr(turns, "TURN_S", 0.0)
    monkeypatch.setattr(limits, "LONGEST_S", 0.003)


def test_tables_and_files(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, output = str(models["text_classification"]), tmp_path / "out"
    words = ["benchmark", model, "--seconds", "300", "--length", "8", "--batch", "2"]
    assert run([*words, "--threads", "1", "--output", str(output)]) == 0
    out, err = capsys.readouterr()
    for title in ("milliseconds by length", "Throughput by batch, 64 tokens", "Stages at", "L1"):
        assert title in out
    assert "benchmark.html" in err
    assert {path.name for path in output.iterdir()} == {
        "benchmark.html",
        "benchmark.json",
        "roofline.svg",
    }
    content = json.loads((output / "benchmark.json").read_text(encoding="utf-8"))
    assert content["command"].startswith("squeezebert benchmark ")


def test_json(models: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["benchmark", str(models["masked_lm"]), "--seconds", "300", "--json"]
    words += ["--precision", "int8", "--threads", "1", "--isa", "portable", "--batch", "1"]
    assert run(words) == 0
    content = json.loads(capsys.readouterr().out)
    assert {one["setting"]["isa"] for one in content["timings"]} == {"portable"}


def test_what_cannot_be(capsys: pytest.CaptureFixture[str], models: dict[str, Path]) -> None:
    assert run(["benchmark", "nothing such"]) == 2
    assert "no model is called" in capsys.readouterr().err
    assert run(["benchmark", str(models["masked_lm"]), "--isa", "sse9"]) == 2
    assert "sse9" in capsys.readouterr().err
    assert run(["benchmark", str(models["masked_lm"]), "--precision", "int4"]) == 2
    assert "int4" in capsys.readouterr().err
