from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import pytest

from squeezebert.comparison.schema import Report, Result
from squeezebert.report.grouping import families_of, groups_of
from squeezebert.report.headline import (
    classical_of,
    contenders_of,
    geometric_mean,
    headline_of,
)
from squeezebert.report.pages.hero import lede_of, overview_of


def sentence(report: Report) -> str:
    return headline_of(groups_of(report)).plain


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            (0.900, 0.906, 1.0, 1.4),
            "new answers 1.4× faster than old and loses 0.6 points of accuracy",
        ),
        (
            (0.906, 0.900, 1.0, 1.4),
            "new answers 1.4× faster than old and gains 0.6 points of accuracy",
        ),
        ((0.9, 0.9, 1.0, 1.4), "new answers 1.4× faster than old with the same accuracy"),
        (
            (0.95, 0.90, 2.0, 1.0),
            "new answers 2.0× slower than old and gains 5.0 points of accuracy",
        ),
        (
            (0.90, 0.95, 1.0, 1.02),
            "new is about as fast as old and loses 5.0 points of accuracy",
        ),
    ],
)
def test_it_is_true_whichever_way_the_numbers_fall(
    versus: Callable[..., Report], row: tuple[float, ...], expected: str
) -> None:
    assert sentence(versus(row)) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [(0.90, 0.91, 1.0, 2.0), (0.80, 0.82, 1.0, 2.0)],
            (
                "new answers 2.0× faster than old on average and loses 1.0 to 2.0 points of "
                "accuracy across 2 data sets"
            ),
        ),
        (
            [(0.90, 0.91, 1.0, 2.0), (0.84, 0.82, 1.0, 2.0)],
            (
                "new answers 2.0× faster than old on average, scoring between 1.0 points worse and "
                "2.0 better across 2 data sets"
            ),
        ),
        (
            [(0.90, 0.91, 1.0, 2.0), (0.81, 0.82, 1.0, 2.0)],
            (
                "new answers 2.0× faster than old on average and loses 1.0 points of accuracy "
                "on each of 2 data sets"
            ),
        ),
        (
            [(0.91, 0.91, 1.0, 2.0), (0.81, 0.82, 1.0, 2.0)],
            (
                "new answers 2.0× faster than old on average and loses up to 1.0 points of "
                "accuracy across 2 data sets"
            ),
        ),
        (
            [(0.91, 0.91, 1.0, 2.0), (0.82, 0.82, 2.0, 1.0)],
            (
                "new is faster than old on 1 of 2 data sets (0.5× to 2.0×) with the same "
                "accuracy across 2 data sets"
            ),
        ),
    ],
)
def test_several_data_sets(
    versus: Callable[..., Report], rows: list[tuple[float, ...]], expected: str
) -> None:
    assert sentence(versus(*rows)) == expected


def test_an_unbounded_score_is_quoted(versus: Callable[..., Report]) -> None:
    report = versus((14.0, 12.5, 1.0, 1.5), task="masked_lm", main="perplexity")
    assert sentence(report) == "new answers 1.5× faster than old with perplexity 14.0 against 12.5"


def test_several_tasks_have_quality_in_common(pair: Report) -> None:
    assert sentence(pair) == (
        "SqueezeBERT-mini answers 1.5× faster than BERT-mini on average and loses 1.3 to 2.4 "
        "points of quality across 3 data sets"
    )


def test_of_many_models_the_best_and_the_fastest_are_named(many: Report) -> None:
    assert sentence(many) == (
        "Best of 6 models: squeezebert-uncased-distilled-longer gains 2.1 points of quality on "
        "each of 4 data sets at 0.37× the speed of BERT-mini; SqueezeBERT-mini answers 1.5× faster "
        "than BERT-mini on average and loses 1.2 points of quality on each of 4 data sets"
    )


def without(report: Report, *labels: str) -> Report:
    kept = tuple(result for result in report.results if result.label not in labels)
    return dataclasses.replace(report, results=kept)


def test_the_fastest_is_not_crowned_where_it_is_not_better(many: Report) -> None:
    slower = ("SqueezeBERT-small", "squeezebert-uncased-distilled-longer")
    report = without(many, *slower, "BERT-mini, transformers")
    assert sentence(report).startswith(
        "None of 3 models is better than BERT-mini; SqueezeBERT-mini answers 1.5× faster"
    )


def test_the_best_may_be_the_fastest(many: Report) -> None:
    report = without(many, "squeezebert-uncased-distilled-longer")
    results = tuple(
        dataclasses.replace(result, speedup=2.0) if result.label == "SqueezeBERT-small" else result
        for result in report.results
    )
    assert sentence(dataclasses.replace(report, results=results)) == (
        "Best and fastest of 5 models: SqueezeBERT-small answers 2.0× faster than BERT-mini on "
        "average and gains 0.9 points of quality on each of 4 data sets"
    )


def test_classical_models_are_out_of_the_race(tested: Report) -> None:
    """Much faster and better, but fitted to this very data: the bar, not a contender."""
    assert sentence(tested) == (
        "new answers 1.4× faster than old and loses 0.6 points of accuracy, which is within noise"
    )
    groups = groups_of(tested)
    assert [one.label for one in contenders_of(groups)] == ["new"]
    bar = classical_of(groups)
    assert bar is not None
    assert bar.label == "TF-IDF (classical)"
    assert "beats every encoder on 1 of 1 data set: set0" in lede_of(
        groups, contenders_of(groups), tested
    )
    row = overview_of(groups, contenders_of(groups)).rows[-1]
    assert row[:3] == ("TF-IDF (classical)", "7.00×", "+3.0")


def test_no_model_is_called_fastest_across_baselines(many: Report) -> None:
    """Speed-ups over different baselines say nothing about who is fastest."""
    first, second, third, fourth, *_ = many.results
    third = dataclasses.replace(third, baseline=fourth.label)
    fourth = dataclasses.replace(fourth, is_baseline=True)
    report = dataclasses.replace(many, results=(first, second, third, fourth))
    assert "Fastest" not in sentence(report)


def test_a_model_alone(single: Report) -> None:
    assert sentence(single) == (
        "BERT-mini reaches 90.7% accuracy on sample_news at 89.3 texts a second"
    )


def test_missing_numbers(missing: Report, versus: Callable[..., Report]) -> None:
    assert "nan" not in sentence(missing)
    report = versus((0.9, 0.9, 1.0, 1.4))
    new, old = report.results
    new = dataclasses.replace(new, speedup=math.nan)
    report = dataclasses.replace(report, results=(new, old))
    assert sentence(report) == "new stands beside old with the same accuracy"


def test_nothing_measured(single: Report) -> None:
    assert sentence(dataclasses.replace(single, results=())) == "Nothing was measured"


def test_the_news_is_marked(pair: Report) -> None:
    parts = headline_of(groups_of(pair)).parts
    assert [part for part, kind in parts if kind == "news"] == ["1.5× faster", "1.3 to 2.4 points"]


def test_means(pair: Report) -> None:
    [contender] = contenders_of(groups_of(pair))
    assert contender.speedup == pytest.approx((6.54 / 4.12 * 4.39 / 2.71 * 2.01 / 1.43) ** (1 / 3))
    assert contender.mean_points == pytest.approx((-2.11 - 1.34 - 2.43) / 3)
    assert geometric_mean([]) is None
    assert geometric_mean([1.0, 0.0]) is None


def test_a_family_of_one_model_a_task_stands_as_one(pair: Report) -> None:
    """As the shipped models: squeezebert-mini-news beside bert-mini-news, and so on."""

    def renamed(label: str, task: str) -> str:
        return f"{label}-{task}"

    results = tuple(
        dataclasses.replace(
            result,
            label=renamed(result.label, result.task),
            model=renamed(result.model, result.task),
            baseline=renamed(result.baseline, result.task),
        )
        for result in pair.results
    )
    report = dataclasses.replace(pair, results=results)
    (family,) = contenders_of(groups_of(report))
    assert (family.label, family.baselines) == ("SqueezeBERT-mini", ("BERT-mini",))
    assert len(family.pairs) == 3
    assert sentence(report) == sentence(pair)


def shipped(pair: Report, small_on: int) -> Report:
    """One model a task, as those that ship: a mini pair on every data set, and a small
    SqueezeBERT on the last ``small_on`` of them.
    """
    results: list[Result] = []
    for number, group in enumerate(groups_of(pair)):
        old, new = group.results
        suffix = group.task.replace("_", "")
        old = dataclasses.replace(old, label=f"bert-mini-{suffix}")
        new = dataclasses.replace(new, label=f"squeezebert-mini-{suffix}", baseline=old.label)
        small = dataclasses.replace(new, label=f"squeezebert-small-{suffix}")
        results += [old, new, small] if number >= len(groups_of(pair)) - small_on else [old, new]
    return dataclasses.replace(pair, results=tuple(results))


def test_several_families_of_one_model_a_task(pair: Report) -> None:
    groups = groups_of(shipped(pair, small_on=2))
    assert list(families_of(groups)) == ["bert-mini", "squeezebert-mini", "squeezebert-small"]
    mini, small = contenders_of(groups)
    assert (mini.label, mini.baselines, len(mini.pairs)) == ("squeezebert-mini", ("bert-mini",), 3)
    assert (small.label, small.baselines, len(small.pairs)) == (
        "squeezebert-small",
        ("bert-mini",),
        2,
    )
    # The one that ran everywhere.
    assert headline_of(groups).plain.startswith("squeezebert-mini answers 1.5× faster than bert-")
    table = overview_of(groups, [mini, small])
    assert [row[:2] for row in table.rows] == [
        ("bert-mini", "baseline"),
        ("squeezebert-mini", "1.53×"),
        ("squeezebert-small", "1.51×"),
    ]
    assert table.rows[2].count("–") == 1
    assert "–" not in table.rows[1]


def test_models_that_meet_are_no_family(many: Report) -> None:
    groups = groups_of(many)
    assert all(labels == [name] for name, labels in families_of(groups).items())
    assert len(families_of(groups)) == 6
