from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.cli.main import EXIT_ERROR, run
from squeezebert.config import EncoderConfig


@pytest.mark.parametrize(
    ("model", "parameters", "gflop"),
    [("squeezebert-base", "51.1 M", "7.4 GFLOP"), ("bert-base", "109.5 M", "22.4 GFLOP")],
)
def test_base_models_come_to_the_published_figures(
    model: str, parameters: str, gflop: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["info", model, "--length", "128"]) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert parameters in last
    assert gflop in last


def test_shows_layers_and_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "squeezebert-mini"]) == 0
    first_words = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()]
    for name in ("embeddings", "blocks.0", "blocks.3", "pooler", "grouped", "dense", "attention"):
        assert name in first_words
    assert "blocks.4" not in first_words


def test_all_shows_projections(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "squeezebert-mini", "--all"]) == 0
    assert "blocks.2.post_attention" in capsys.readouterr().out


def test_json_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "bert-mini", "--length", "32", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tokens"] == 32
    for name in ("parameters", "multiply_adds"):
        assert sum(row[name] for row in found["rows"]) == found[name]
        assert sum(kind[name] for kind in found["by_kind"].values()) == found[name]
    assert "grouped" not in found["by_kind"]
    assert found["size_mb"] is None


def test_a_directory_has_a_head_and_a_size(
    tmp_path: Path, tiny_config: EncoderConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {**tiny_config.to_dict(), "architectures": ["SqueezeBertForQuestionAnswering"]}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(bytes(2_500_000))
    assert run(["info", str(tmp_path), "--length", "8", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["head"] == "question_answering"
    assert found["size_mb"] == 2.5


def test_too_long_an_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "bert-base", "--length", "513"]) == EXIT_ERROR
    assert "expected 1 to 512" in capsys.readouterr().err
