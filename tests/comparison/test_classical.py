"""Classical models beside the encoders of a comparison."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from squeezebert.comparison import CompareSettings, compare
from squeezebert.comparison.schema import Report
from squeezebert.data.catalog import Dataset
from squeezebert.data.examples import TextExample
from squeezebert.errors import InvalidInputError, MissingDependencyError

SETTINGS = CompareSettings(
    repetitions=2, block_texts=5, warmup_texts=2, latency_texts=3, threads=1, memory=False
)


def training_part(dataset: Dataset) -> Dataset:
    """Other texts of the same kind."""
    if dataset.task == "text_classification":
        examples = [dataclasses.replace(one, text=f"{one.text} again") for one in dataset.examples]
    elif dataset.task == "token_classification":
        examples = [dataclasses.replace(one, text=f"{one.text} ") for one in dataset.examples]
    else:
        examples = [dataclasses.replace(one, turns=(*one.turns, "run")) for one in dataset.examples]
    return dataclasses.replace(dataset, split="train", examples=examples)


@pytest.fixture(scope="module")
def compared(tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]) -> Report:
    sets = list(tiny_sets.values())
    return compare(
        list(tiny_models.values()),
        sets,
        SETTINGS,
        train_parts=[training_part(one) for one in sets],
    )


def test_one_takes_part_in_every_data_set(compared: Report) -> None:
    for info in compared.datasets:
        *encoders, classical = [one for one in compared.results if one.dataset == info.name]
        assert len(encoders) == 2
        assert classical.is_classical
        assert not any(one.is_classical or one.training for one in encoders)
        assert classical.label.endswith("(classical)")
        assert classical.training is not None
        assert classical.training.texts == 12
        assert len(classical.repetitions) == 2
        assert classical.texts == 12
        assert classical.baseline == next(one.label for one in encoders if one.is_baseline)
        assert classical.main_score in classical.scores
        assert (classical.gflop, classical.size_mb, classical.tokens_per_second) == (None,) * 3
        assert classical.parameters > 0
        for row in compared.examples:
            if row.dataset == info.name:
                assert row.predictions[-1].label == classical.label
    assert {one.backend for one in compared.results if one.is_classical} == {
        "scikit-learn",
        "python-crfsuite",
        "squeezebert",
    }
    assert "scikit-learn" in compared.versions


def test_it_learns_what_untrained_encoders_do_not_know(compared: Report) -> None:
    scores = {one.dataset: one.scores[one.main_score] for one in compared.results[2::3]}
    assert scores["topics"] > 0.9
    assert scores["names"] > 0.9


def test_the_gaps_are_those_of_the_encoders(compared: Report) -> None:
    rows = [one for one in compared.results if one.task == "masked_lm"]
    assert len({one.scores["masked_tokens"] for one in rows}) == 1
    assert len({one.scores["random_pair_cosine"] for one in rows}) == 1


def test_every_pair_is_tested_and_every_main_score_has_an_interval(compared: Report) -> None:
    for info in compared.datasets:
        results = [one for one in compared.results if one.dataset == info.name]
        for one in results:
            around = one.intervals[one.main_score]
            assert around.low <= one.scores[one.main_score] <= around.high
        told = [(one.first, one.second) for one in compared.differences if one.dataset == info.name]
        labels = [one.label for one in results]
        assert told == [(a, b) for at, a in enumerate(labels) for b in labels[at + 1 :]]
    scores = {(one.dataset, one.label): one.scores[one.main_score] for one in compared.results}
    for one in compared.differences:
        gap = scores[one.dataset, one.first] - scores[one.dataset, one.second]
        assert one.difference == pytest.approx(gap, abs=1e-6)
    assert Report.from_json(compared.to_json()) == compared


def test_the_study_is_about_encoders(compared: Report) -> None:
    for pair in compared.study:
        assert pair.ours is not None
        assert "classical" not in pair.ours.squeezebert.model + pair.ours.bert.model


def test_what_it_has_seen_is_no_test(
    tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]
) -> None:
    topics = tiny_sets["text_classification"]
    model = tiny_models["bert-text_classification"]
    with pytest.raises(InvalidInputError, match=r"every text of topics.*\n.*--classical"):
        compare([model], [topics], SETTINGS, train_parts=[topics])
    few = dataclasses.replace(
        training_part(topics), examples=[*training_part(topics).examples, topics.examples[0]]
    )
    report = compare([model], [topics], SETTINGS, train_parts=[few])
    assert any(note.startswith("1 of the 12 texts of topics") for note in report.notes)


def test_parts_that_do_not_fit(tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]) -> None:
    topics, names = tiny_sets["text_classification"], tiny_sets["token_classification"]
    model = tiny_models["bert-text_classification"]
    with pytest.raises(InvalidInputError, match="2 training parts for 1 data sets"):
        compare([model], [topics], SETTINGS, train_parts=[topics, topics])
    empty = dataclasses.replace(topics, examples=[])
    with pytest.raises(InvalidInputError, match="is empty"):
        compare([model], [topics], SETTINGS, train_parts=[empty])
    with pytest.raises(InvalidInputError, match="is for token_classification"):
        compare([model], [topics], SETTINGS, train_parts=[names])
    one_class = [TextExample(text=f"the cat {at}", label="animal") for at in range(5)]
    part = dataclasses.replace(topics, examples=one_class)
    with pytest.raises(InvalidInputError, match=r"the classical model for topics: .* one class"):
        compare([model], [topics], SETTINGS, train_parts=[part])


def test_a_missing_package_is_named_with_its_install(
    tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pycrfsuite", None)
    names = tiny_sets["token_classification"]
    with pytest.raises(MissingDependencyError, match=r'pip install "squeezebert\[classical\]"'):
        compare(
            [tiny_models["bert-token_classification"]],
            [names],
            SETTINGS,
            train_parts=[training_part(names)],
        )
