from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from squeezebert.comparison.entrants import (
    Entrant,
    assign,
    check_baseline,
    choose_baselines,
    open_entrants,
)
from squeezebert.data.catalog import Dataset
from squeezebert.errors import CheckpointError, InvalidInputError


@pytest.fixture(scope="module")
def opened(tiny_models: dict[str, Path]) -> list[Entrant]:
    """All tiny models by torch and by transformers."""
    return open_entrants(
        list(tiny_models.values()), ["torch", "transformers"], threads=1, batch_tokens=512
    )


def _of(opened: list[Entrant], *labels: str) -> list[Entrant]:
    return [next(entrant for entrant in opened if entrant.label == label) for label in labels]


def test_every_model_enters_under_every_backend(
    opened: list[Entrant], tiny_models: dict[str, Path]
) -> None:
    assert len(opened) == 2 * len(tiny_models)
    assert len({entrant.label for entrant in opened}) == len(opened)
    first, second = opened[:2]
    assert (first.label, first.backend) == ("squeeze-masked_lm", "torch")
    assert (second.label, second.backend) == ("squeeze-masked_lm (transformers)", "transformers")
    assert {entrant.family for entrant in opened} == {"squeezebert", "bert"}
    weights = tiny_models["squeeze-masked_lm"] / "model.safetensors"
    assert first.size_mb == pytest.approx(weights.stat().st_size / 1e6)


def test_directories_of_one_name_are_told_apart(
    tmp_path: Path, tiny_models: dict[str, Path]
) -> None:
    copies = [tmp_path / run / "model" for run in ("a", "b")]
    for copy in copies:
        shutil.copytree(tiny_models["bert-masked_lm"], copy)
    entrants = open_entrants(copies, ["torch"], threads=1, batch_tokens=9)
    assert [entrant.model for entrant in entrants] == ["a/model", "b/model"]


def test_a_model_that_does_not_load_is_named(tmp_path: Path, tiny_models: dict[str, Path]) -> None:
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        open_entrants([tmp_path], ["torch"], threads=1, batch_tokens=9)
    broken = tmp_path / "broken"
    shutil.copytree(tiny_models["bert-masked_lm"], broken)
    (broken / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"broken does not load under torch: .*safetensors"):
        open_entrants([broken], ["torch"], threads=1, batch_tokens=9)


@pytest.mark.parametrize(
    ("models", "backends", "message"),
    [
        ([], ["torch"], "needs a model"),
        (["x"], [], "needs a model, a backend"),
        (["x", "x"], ["torch"], "the model 'x' is given twice"),
        (["x"], ["torch", "torch"], "the backend 'torch' is given twice"),
    ],
)
def test_nothing_and_doubles_are_refused(
    models: list[str], backends: list[str], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        open_entrants(models, backends, threads=1, batch_tokens=9)


def test_models_run_on_the_data_sets_of_their_task(
    opened: list[Entrant], tiny_sets: dict[str, Dataset]
) -> None:
    rows, notes = assign(opened, list(tiny_sets.values()))
    for dataset, row in zip(tiny_sets.values(), rows, strict=True):
        assert len(row) == 4
        assert {entrant.pipeline.task.name for entrant in row} == {dataset.task}
    assert notes == []


def test_a_data_set_with_other_labels_is_left_out_with_a_note(
    opened: list[Entrant], tiny_sets: dict[str, Dataset]
) -> None:
    squeeze, bert = _of(opened, "squeeze-text_classification", "bert-text_classification")
    spec = dataclasses.replace(bert.pipeline.task.spec, labels=("animal", "mineral"))
    task = type(bert.pipeline.task)(spec, bert.pipeline.task.tokenizer)  # type: ignore[call-arg,attr-defined]
    pipeline = type(bert.pipeline)(task, bert.pipeline.backend)
    other = dataclasses.replace(bert, pipeline=pipeline, label="other")
    topics = tiny_sets["text_classification"]
    minerals = dataclasses.replace(topics, name="minerals", labels=("mineral",))
    rows, notes = assign([squeeze, other], [topics, minerals])
    assert rows == [[squeeze], [other]]
    assert notes == [
        "other was not run on topics: it does not know the labels place",
        "squeeze-text_classification was not run on minerals: it does not know the labels mineral",
    ]


def test_entity_types_fit_tags(opened: list[Entrant], tiny_sets: dict[str, Dataset]) -> None:
    row = _of(opened, "bert-token_classification")
    by_type = dataclasses.replace(tiny_sets["token_classification"], labels=("PER",))
    assert assign(row, [by_type])[0] == [row]


def test_models_do_not_run_on_other_languages(
    opened: list[Entrant], tiny_sets: dict[str, Dataset]
) -> None:
    (english,) = _of(opened, "bert-token_classification")
    english.pipeline.task.spec = dataclasses.replace(english.pipeline.task.spec, languages=("en",))
    german = dataclasses.replace(tiny_sets["token_classification"], languages=("de",))
    with pytest.raises(InvalidInputError, match="is made for en, not de"):
        assign([english], [german])
    both = dataclasses.replace(german, languages=("de", "en"))
    assert assign([english], [both])[0] == [[english]]


def test_a_data_set_without_a_model_and_a_model_without_a_data_set_are_refused(
    opened: list[Entrant], tiny_sets: dict[str, Dataset]
) -> None:
    names, talk = tiny_sets["token_classification"], tiny_sets["masked_lm"]
    (masked,) = _of(opened, "bert-masked_lm")
    with pytest.raises(InvalidInputError, match=r"no model fits the data set names .*masked_lm"):
        assign([masked], [talk, names])
    (text,) = _of(opened, "bert-text_classification")
    with pytest.raises(InvalidInputError, match=r"bert-text_classification .* fits none"):
        assign([masked, text], [talk])


def test_the_first_bert_is_the_baseline_unless_another_is_named(opened: list[Entrant]) -> None:
    row = _of(opened, "squeeze-masked_lm", "bert-masked_lm")
    assert choose_baselines(row, None) == [1, 1]
    assert choose_baselines(row, "squeeze-masked_lm") == [0, 0]
    assert choose_baselines(row, "model-of-another-task") == [1, 1]
    assert choose_baselines(row[:1], None) == [0]


def test_under_transformers_each_model_meets_its_double(opened: list[Entrant]) -> None:
    labels = ("squeeze-masked_lm", "squeeze-masked_lm (transformers)",
              "bert-masked_lm", "bert-masked_lm (transformers)")  # fmt: skip
    assert choose_baselines(_of(opened, *labels), "transformers") == [1, 1, 3, 3]


def test_a_baseline_must_be_one_of_the_models(opened: list[Entrant]) -> None:
    check_baseline(opened, None)
    check_baseline(opened, "transformers")
    check_baseline(opened, "bert-masked_lm (transformers)")
    with pytest.raises(InvalidInputError, match="'gpt' is none of the models"):
        check_baseline(opened, "gpt")
