from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

import squeezebert
from squeezebert.comparison import CompareSettings, compare, run
from squeezebert.comparison.schema import Report
from squeezebert.data.catalog import Dataset
from squeezebert.engine import available_isas
from squeezebert.errors import CheckpointError, InvalidInputError, SqueezeBertError

SMALL: dict[str, Any] = {
    "repetitions": 2,
    "block_texts": 5,
    "warmup_texts": 2,
    "latency_texts": 3,
    "threads": 1,
    "memory": False,
}


SETTINGS = CompareSettings(**SMALL)


class Steps:
    """A progress that checks that each stage has as many steps as it said."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.done: list[int] = []

    def stage(self, name: str, steps: int) -> None:
        self.stages.append((name, steps))
        self.done.append(0)

    def advance(self) -> None:
        self.done[-1] += 1


@pytest.fixture(scope="module")
def compared(tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]) -> tuple[Report, Steps]:
    """All tiny models over all three tasks."""
    steps = Steps()
    report = compare(
        list(tiny_models.values()),
        list(tiny_sets.values()),
        CompareSettings(**SMALL),
        command="squeezebert compare …",
        progress=steps,
    )
    return report, steps


def test_every_model_has_a_result_on_the_data_sets_of_its_task(
    compared: tuple[Report, Steps], tiny_models: dict[str, Path]
) -> None:
    report, _ = compared
    assert sorted(result.model for result in report.results) == sorted(tiny_models)
    scores = {result.task: result.scores.keys() for result in report.results}
    assert {"average_cosine_similarity", "pseudo_perplexity"} <= scores["masked_lm"]
    assert "accuracy" in scores["text_classification"]
    assert {"token_accuracy", "entity_f1"} <= scores["token_classification"]
    # All together: some systems count processor time in hundredths of a second.
    assert sum(result.cpu_seconds for result in report.results) > 0
    for result in report.results:
        assert result.texts == 12
        assert result.baseline.startswith("bert-")
        assert result.is_baseline == (result.family == "bert")
        assert len(result.repetitions) == 2
        assert result.latency_by_length
        assert result.main_score in result.scores


def test_models_of_a_task_see_the_same_tokens_and_masks(compared: tuple[Report, Steps]) -> None:
    report, _ = compared
    for dataset in report.datasets:
        rows = [result for result in report.results if result.dataset == dataset.name]
        assert len({result.tokens for result in rows}) == 1
        assert len({result.scores.get("masked_tokens") for result in rows}) == 1
        assert len({result.scores.get("random_pair_cosine") for result in rows}) == 1


def test_the_report_tells_how_it_was_made(compared: tuple[Report, Steps]) -> None:
    report, _ = compared
    assert report.command == "squeezebert compare …"
    assert report.settings.repetitions == 2
    assert report.settings.reference == "the word vectors that come with squeezebert"
    assert report.machine.threads == 1
    assert report.versions["squeezebert"] == squeezebert.__version__
    assert report.baseline == "bert-masked_lm"
    assert all(pair.ours for pair in report.study)
    assert [note for note in report.notes if not note.startswith("The machine was busy")] == []
    assert Report.from_json(report.to_json()) == report


def test_examples_name_every_model_of_their_data_set(compared: tuple[Report, Steps]) -> None:
    report, _ = compared
    assert report.examples
    for row in report.examples:
        labels = [result.label for result in report.results if result.dataset == row.dataset]
        assert [shown.label for shown in row.predictions] == labels
        assert len({shown.prediction for shown in row.predictions}) > 1


def test_every_stage_takes_the_steps_it_announced(compared: tuple[Report, Steps]) -> None:
    _, steps = compared
    assert [planned for _, planned in steps.stages] == steps.done
    names = [name for name, _ in steps.stages]
    assert names[:4] == ["loading models", "talk", "talk: latency", "talk: latency by length"]


def test_the_same_seed_gives_the_same_scores(
    compared: tuple[Report, Steps], tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]
) -> None:
    report, _ = compared
    again = compare(
        [tiny_models["squeeze-masked_lm"], tiny_models["bert-masked_lm"]],
        [tiny_sets["masked_lm"]],
        CompareSettings(**SMALL | {"block_texts": 3, "repetitions": 1}),
    )
    first = {result.label: result for result in report.results}
    for result in again.results:
        assert result.scores == pytest.approx(dict(first[result.label].scores), rel=1e-5)


def test_each_precision_of_the_engine_runs_beside_the_others(
    tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]
) -> None:
    report = compare(
        [tiny_models["squeeze-token_classification"]],
        [tiny_sets["token_classification"]],
        CompareSettings(backends=["engine", "torch"], precisions=["int8", "float32"], **SMALL),
    )
    name = "squeeze-token_classification"
    told = [(item.label, item.backend, item.precision) for item in report.results]
    assert told == [
        (name, "engine", "int8"),
        (f"{name} (float32)", "engine", "float32"),
        (f"{name} (torch)", "torch", "float32"),
    ]
    assert report.results[0].instruction_set in available_isas()
    assert [item.batch_tokens for item in report.results] == [2048, 2048, 512]
    assert report.results[1].scores == pytest.approx(dict(report.results[2].scores), abs=1e-5)


def test_transformers_as_baseline_runs_beside_each_model(
    tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]
) -> None:
    models = [tiny_models[f"{family}-text_classification"] for family in ("squeeze", "bert")]
    report = compare(
        models,
        [tiny_sets["text_classification"]],
        CompareSettings(precisions=["float32"], baseline="transformers", **SMALL),
    )
    assert [(result.label, result.backend, result.baseline) for result in report.results] == [
        (label, backend, f"{model} (transformers)")
        for model in ("squeeze-text_classification", "bert-text_classification")
        for label, backend in ((model, "engine"), (f"{model} (transformers)", "transformers"))
    ]
    ours, theirs = report.results[:2]
    assert ours.scores == pytest.approx(dict(theirs.scores), abs=1e-5)
    assert report.baseline == "transformers"


def test_nothing_is_measured_before_every_model_has_been_loaded(
    tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset], tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_models["bert-masked_lm"], broken)
    (broken / "model.safetensors").write_bytes(b"nothing")
    steps = Steps()
    with pytest.raises(CheckpointError, match="broken does not load"):
        compare(
            [tiny_models["squeeze-masked_lm"], broken],
            [tiny_sets["masked_lm"]],
            CompareSettings(**SMALL),
            progress=steps,
        )
    assert [name for name, _ in steps.stages] == ["loading models"]


def test_memory_is_measured_before_anything_else(
    tiny_models: dict[str, Path],
    tiny_sets: dict[str, Dataset],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(run, "peak_memory_mb", lambda probe: asked.append(probe) or 12.5)
    steps = Steps()
    settings = CompareSettings(**SMALL | {"memory": True, "batch_tokens": 77})
    given = [tiny_models["bert-masked_lm"]], [tiny_sets["masked_lm"]], settings
    report = compare(*given, progress=steps)
    assert [result.peak_memory_mb for result in report.results] == [12.5]
    assert (asked[0].threads, asked[0].batch_tokens) == (1, 77)
    assert all("[MASK]" in text for text in asked[0].texts)
    assert steps.stages[1] == ("peak memory", 1)

    def refuse(probe: Any) -> float:
        raise SqueezeBertError("too little memory")

    monkeypatch.setattr(run, "peak_memory_mb", refuse)
    steps.stages.clear()
    with pytest.raises(SqueezeBertError, match="too little memory"):
        compare(*given, progress=steps)
    assert [name for name, _ in steps.stages] == ["loading models", "peak memory"]


def test_different_vocabularies_are_noted(
    tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_models["bert-masked_lm"], other)
    (other / "tokenizer.json").unlink()
    tokens = (other / "vocab.txt").read_text().split("\n")
    (other / "vocab.txt").write_text("\n".join(tokens).replace("london", "berlin"))
    report = compare([tiny_models["bert-masked_lm"], other], [tiny_sets["masked_lm"]], SETTINGS)
    assert sum("different vocabularies" in note for note in report.notes) == 1
    assert report.differences == ()


def test_a_limit_holds_for_every_data_set(
    tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]
) -> None:
    report = compare(
        [tiny_models["bert-masked_lm"]],
        [tiny_sets["masked_lm"]],
        CompareSettings(limit=4, examples=0, pseudo_texts=0, **SMALL),
    )
    assert [item.texts for item in report.datasets] == [4]
    assert [result.texts for result in report.results] == [4]
    assert report.examples == ()
    assert "pseudo_perplexity" not in report.results[0].scores


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repetitions": 0}, "repetitions is 0, expected 1 or more"),
        ({"limit": -1}, "limit is -1"),
        ({"threads": 0}, "threads is 0"),
        ({"block_texts": 0}, "block_texts is 0"),
        ({"pseudo_texts": -1}, "pseudo_texts is -1, expected 0 or more"),
        ({"baseline": "gpt"}, "'gpt' is none of the models"),
        ({"backends": ()}, "needs a model, a backend and a precision"),
        ({"precisions": ()}, "needs a model, a backend and a precision"),
        ({"precisions": ("int3",)}, "no precision is called 'int3'"),
        ({"backends": ("abacus",)}, "no backend is called 'abacus'"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tiny_models: dict[str, Path],
    tiny_sets: dict[str, Dataset],
    options: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        compare(
            [tiny_models["bert-masked_lm"]],
            [tiny_sets["masked_lm"]],
            CompareSettings(**SMALL | options),
        )


def test_a_data_set_for_which_there_is_no_model_is_refused(
    tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]
) -> None:
    german = dataclasses.replace(tiny_sets["masked_lm"], name="de", task="token_classification")
    with pytest.raises(InvalidInputError, match="no model fits the data set de"):
        compare([tiny_models["bert-masked_lm"]], [tiny_sets["masked_lm"], german], SETTINGS)
