from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from squeezebert.benchmark import cpu_time
from squeezebert.checkpoint import shipped
from squeezebert.checkpoint.shipped import ShippedModel, ShippedScore, ShippedSpeed
from squeezebert.cli.main import run
from squeezebert.spec import TaskSpec

SPEED = ShippedSpeed(cpu_ms=1.5, tokens=64, precision="int8", isa="avx2", cpu="Some Processor")

MODEL = ShippedModel(
    name="tiny-news",
    directory=Path("somewhere") / "tiny-news",
    spec=TaskSpec(task="text_classification", labels=("a", "b"), languages=("en", "de")),
    languages=("en", "de"),
    size_mb=1.25,
    description="Sorts news by topic.",
    scores=(ShippedScore(name="accuracy", value=0.8125, data="sample_news", split="test"),),
    speed=SPEED,
)


@pytest.fixture(autouse=True)
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "shipped_models", lambda: [MODEL])


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "tiny-news" in line)
    for cell in (
        "text_classification",
        "en, de",
        "1.2",
        "Sorts news by topic.",
        "accuracy 0.812 (sample_news)",
        "1.5",
    ):
        assert cell in line


def test_the_machine_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    for part in ("64 tokens", "one thread", "int8 on avx2", "Some Processor"):
        assert part in last


def test_a_model_that_was_not_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = dataclasses.replace(MODEL, scores=(), speed=None)
    monkeypatch.setattr(shipped, "shipped_models", lambda: [bare])
    assert run(["models"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("–") == 2
    assert "CPU ms:" not in shown


def test_measured_now(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def measure(models: list[ShippedModel], *, cpu: str, seconds: float) -> list[ShippedSpeed]:
        assert (models, seconds) == ([MODEL], 2.0)
        return [dataclasses.replace(SPEED, cpu_ms=77.0, cpu=cpu)]

    monkeypatch.setattr(cpu_time, "measure_shipped", measure)
    assert run(["models", "--measure", "--seconds", "2"]) == 0
    shown = capsys.readouterr().out
    assert " 77" in shown
    assert "Some Processor" not in shown


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "name": "tiny-news",
        "task": "text_classification",
        "languages": ["en", "de"],
        "size_mb": 1.25,
        "scores": [{"name": "accuracy", "value": 0.8125, "data": "sample_news", "split": "test"}],
        "speed": {
            "cpu_ms": 1.5,
            "tokens": 64,
            "precision": "int8",
            "isa": "avx2",
            "cpu": "Some Processor",
        },
        "description": "Sorts news by topic.",
        "directory": str(MODEL.directory),
    }


def test_an_encoder_of_sentences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = dataclasses.replace(MODEL, name="tiny-sentences", spec=None, languages=("en",))
    monkeypatch.setattr(shipped, "shipped_models", lambda: [encoder])
    assert run(["models", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["task"], told["languages"]) == ("sentence_vectors", ["en"])
