from __future__ import annotations

import dataclasses
import json
import signal
import time
from pathlib import Path

import pytest

from squeezebert import scored_runs as scored
from squeezebert.data import open_dataset
from squeezebert.errors import CheckpointError
from squeezebert.evaluation import evaluate
from squeezebert.pipeline import load
from squeezebert.scored_runs import Spread, interrupted_after, train_and_score
from squeezebert.training.recipe.run import DataRecipe, DataSource, FinetuneRecipe


@pytest.fixture
def news(tiny_classification: FinetuneRecipe) -> FinetuneRecipe:
    """A few steps on the news that ship."""
    return dataclasses.replace(
        tiny_classification,
        data=DataRecipe(train=(DataSource(path="sample_news", limit=60),)),
        loop=dataclasses.replace(tiny_classification.loop, max_steps=6),
    )


def test_scores_are_those_of_the_engine_on_the_test_part(
    news: FinetuneRecipe, tmp_path: Path
) -> None:
    run = train_and_score(news, tmp_path, tests=["sample_news"], split="test")
    assert run.training.steps == 6
    examples = open_dataset("sample_news", task="text_classification", split="test").examples
    assert run.texts == {"sample_news": len(examples)}
    assert set(run.scores["sample_news"]) == {"float32", "int8"}
    for precision, found in run.scores["sample_news"].items():
        expected = evaluate(load(tmp_path, precision=precision), examples).scores
        assert found.values == expected.values
        assert found.per_class == expected.per_class
        assert found.main == "accuracy"


def test_what_is_done_is_not_done_again(
    news: FinetuneRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"tests": ["sample_news"], "split": "dev", "precisions": ["float32"]}
    first = train_and_score(news, tmp_path, **given, limit=8)
    before = (tmp_path / "model.safetensors").stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr(scored, "evaluate", None)
        assert train_and_score(news, tmp_path, **given, limit=8) == first
    assert train_and_score(news, tmp_path, **given, limit=9).texts == {"sample_news": 9}
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == before


def test_scores_of_a_run_that_went_on_are_taken_anew(news: FinetuneRecipe, tmp_path: Path) -> None:
    given = {"tests": ["sample_news"], "split": "dev", "precisions": ["float32"], "limit": 8}
    train_and_score(news, tmp_path, **given)
    path = tmp_path / "scores.json"
    old = json.loads(path.read_text())
    old["about"]["steps"] = 3
    old["scores"]["sample_news"]["float32"]["values"]["accuracy"] = 2.0
    path.write_text(json.dumps(old))
    run = train_and_score(news, tmp_path, **given)
    assert run.scores["sample_news"]["float32"].values["accuracy"] <= 1.0


def test_masked_lms_get_their_cosine_too(news: FinetuneRecipe, tmp_path: Path) -> None:
    recipe = dataclasses.replace(
        news,
        task="masked_lm",
        max_length=32,
        data=DataRecipe(train=(DataSource(path="sample_dialogues", limit=20),)),
        loop=dataclasses.replace(news.loop, max_steps=2),
    )
    run = train_and_score(
        recipe, tmp_path, tests=["sample_dialogues"], split="test", precisions=["int8"], limit=4
    )
    assert "average_cosine_similarity" in run.scores["sample_dialogues"]["int8"].values


def test_a_broken_file_of_scores(news: FinetuneRecipe, tmp_path: Path) -> None:
    given = {"tests": ["sample_news"], "split": "dev", "precisions": ["float32"], "limit": 8}
    train_and_score(news, tmp_path, **given)
    (tmp_path / "scores.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"scores\.json(?s:.*)delete it"):
        train_and_score(news, tmp_path, **given)


def test_a_block_ends_when_its_time_is_up() -> None:
    with pytest.raises(KeyboardInterrupt), interrupted_after(0.1 / 60):
        time.sleep(20)
    with interrupted_after(20 / 60):
        pass
    with interrupted_after(None):
        pass
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0


def test_spread() -> None:
    spread = Spread(values=(0.7, 0.8, 0.9))
    assert spread.mean == pytest.approx(0.8)
    assert spread.deviation == pytest.approx(0.1)
    assert Spread(values=(0.5,)).deviation is None
