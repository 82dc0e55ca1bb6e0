from __future__ import annotations

import dataclasses

import pytest

from squeezebert.comparison.schema import Latency, Result, Spread
from squeezebert.comparison.study import STUDY, beside_study


def _result(model: str, family: str, dataset: str, backend: str = "torch") -> Result:
    return Result(
        model=model,
        label=f"{model} by {backend}",
        family=family,
        task="text_classification",
        dataset=dataset,
        backend=backend,
        scores={"accuracy": 0.5},
        main_score="accuracy",
        cpu_seconds=2.0,
        wall_seconds=1.0,
        texts_per_second=1.0,
        tokens_per_second=1.0,
        latency_ms=Latency(p50=1.0, p95=1.0, p99=1.0),
        peak_memory_mb=None,
        parameters=1,
        gflop=1.0,
        size_mb=1.0,
        speedup=1.0,
        speedup_spread=Spread(median=1.0, low=1.0, high=1.0),
        speedup_wall=1.0,
        is_baseline=False,
        baseline="",
        texts=1,
        tokens=1,
        mean_tokens=1.0,
        repetitions=(),
    )


def test_the_table_is_1_6_times_faster_on_average() -> None:
    assert [row.task for row in STUDY] == [
        "masked_lm",
        "text_classification",
        "token_classification",
    ]
    assert sum(row.speedup for row in STUDY) / 3 == pytest.approx(1.6, abs=0.05)
    assert all(row.squeezebert.score < row.bert.score for row in STUDY)


def test_tasks_that_were_not_measured_stand_without_ours() -> None:
    results = [_result("bert", "bert", "news"), _result("squeeze", "squeezebert", "news")]
    assert [pair.ours is None for pair in beside_study(results)] == [True, False, True]


def test_where_nothing_of_ours_stands_beside_it_the_study_is_left_out() -> None:
    assert beside_study([]) == ()
    assert beside_study([_result("squeeze", "squeezebert", "news")]) == ()


def test_ours_is_the_first_pair_by_our_own_backend_on_each_data_set() -> None:
    results = [
        _result("their-bert", "bert", "news", backend="transformers"),
        _result("bert", "bert", "news"),
        _result("squeeze", "squeezebert", "news"),
        _result("squeeze-2", "squeezebert", "news"),
        _result("bert", "bert", "spam"),
        _result("squeeze", "squeezebert", "spam"),
        _result("bert", "bert", "alone"),
    ]
    pairs = [pair for pair in beside_study(results) if pair.study.task == "text_classification"]
    assert [pair.ours.data for pair in pairs if pair.ours] == ["news", "spam"]
    news = pairs[0].ours
    assert news is not None
    assert (news.squeezebert.model, news.bert.model) == ("squeeze by torch", "bert by torch")
    assert news.speedup == 1.0


def test_ours_is_of_the_size_of_its_twin() -> None:
    sizes = {"squeezebert-large": 7, "squeezebert-tiny": 1, "squeezebert-mini": 3, "bert-mini": 5}
    results = [
        dataclasses.replace(_result(name, name.split("-")[0], "news"), parameters=size)
        for name, size in sizes.items()
    ]
    ours = next(pair.ours for pair in beside_study(results) if pair.ours is not None)
    assert ours.squeezebert.model == "squeezebert-mini by torch"
    assert ours.bert.model == "bert-mini by torch"


def test_a_result_without_the_measure_gives_no_row() -> None:
    results = [
        _result("bert", "bert", "news"),
        dataclasses.replace(_result("squeeze", "squeezebert", "news"), scores={}),
    ]
    assert all(pair.ours is None for pair in beside_study(results))
