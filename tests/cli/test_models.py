from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert import hub
from squeezebert.cli.main import run
from squeezebert.hub import ShippedModel
from squeezebert.spec import TaskSpec

MODEL = ShippedModel(
    name="tiny-news",
    directory=Path("somewhere") / "tiny-news",
    spec=TaskSpec(task="text_classification", labels=("a", "b"), languages=("en", "de")),
    size_mb=1.25,
    description="Sorts news by topic.",
)


@pytest.fixture(autouse=True)
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "shipped_models", lambda: [MODEL])


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "tiny-news" in line)
    for cell in ("text_classification", "en, de", "1.2", "Sorts news by topic."):
        assert cell in line


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "name": "tiny-news",
        "task": "text_classification",
        "languages": ["en", "de"],
        "size_mb": 1.25,
        "description": "Sorts news by topic.",
        "directory": str(MODEL.directory),
    }
