from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from squeezebert.comparison.entrants import open_entrants
from squeezebert.comparison.results import Measured, build_results, busy_note, speedup
from squeezebert.comparison.schema import Latency
from squeezebert.data.catalog import Dataset
from squeezebert.evaluation import Run
from squeezebert.tasks import Scores

LATENCY = Latency(p50=1.0, p95=1.0, p99=1.0)


def _timed(run: Run, cpu: float, wall: float) -> Run:
    run.watch.cpu_seconds, run.watch.wall_seconds = cpu, wall
    return run


@pytest.fixture
def measured(tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]) -> list[Measured]:
    """Token classification, with times as they are told: 1, 2, 4 s against 2, 6, 8 s of CPU."""
    models = [tiny_models[f"{family}-token_classification"] for family in ("squeeze", "bert")]
    entrants = open_entrants(models, ["torch"], threads=1, batch_tokens=512)
    result: list[Measured] = []
    for entrant, times in zip(entrants, [(1.0, 2.0, 4.0), (2.0, 6.0, 8.0)], strict=True):
        runs = [Run(entrant.pipeline, keep=at == 0) for at in range(3)]
        for run in runs:
            run.block(tiny_sets["token_classification"].examples)
        result.append(
            Measured(
                entrant=entrant,
                runs=[_timed(run, cpu, cpu / 2) for run, cpu in zip(runs, times, strict=True)],
                latency=LATENCY,
                by_length=(),
                peak_memory_mb=9.0,
            )
        )
    return result


def test_speedup_is_taken_repetition_by_repetition(
    measured: list[Measured], tiny_sets: dict[str, Dataset]
) -> None:
    squeeze, bert = build_results(tiny_sets["token_classification"], measured, [1, 1])
    assert (squeeze.speedup, bert.speedup) == (2.0, 1.0)
    spread = squeeze.speedup_spread
    assert (spread.low, spread.median, spread.high) == (2.0, 2.0, 3.0)
    assert squeeze.speedup_wall == 2.0
    assert (squeeze.is_baseline, bert.is_baseline) == (False, True)
    assert squeeze.baseline == bert.baseline == bert.label


def test_times_are_medians_and_rates_follow_from_them(
    measured: list[Measured], tiny_sets: dict[str, Dataset]
) -> None:
    bert = build_results(tiny_sets["token_classification"], measured, [1, 1])[1]
    assert (bert.cpu_seconds, bert.wall_seconds) == (6.0, 3.0)
    assert [item.cpu_seconds for item in bert.repetitions] == [2.0, 6.0, 8.0]
    assert bert.texts_per_second == 12 / 3.0
    assert bert.tokens_per_second == bert.tokens / 3.0
    assert bert.mean_tokens == bert.tokens / 12


def test_sizes_are_those_of_the_model(
    measured: list[Measured], tiny_sets: dict[str, Dataset]
) -> None:
    results = build_results(tiny_sets["token_classification"], measured, [1, 1])
    for result, item in zip(results, measured, strict=True):
        backend: Any = item.entrant.pipeline.backend
        assert result.parameters == backend.model.num_parameters
        assert result.peak_memory_mb == 9.0
        assert result.gflop > 0
    assert results[0].gflop < results[1].gflop
    assert results[0].parameters < results[1].parameters


def test_scores_are_those_of_the_study(
    measured: list[Measured], tiny_sets: dict[str, Dataset]
) -> None:
    result = build_results(tiny_sets["token_classification"], measured, [1, 1])[0]
    assert {"token_accuracy", "entity_f1"} <= result.scores.keys()
    assert result.main_score == "entity_f1"
    assert result.confusion is not None
    assert len(result.confusion) == len(result.labels)
    assert sum(map(sum, result.confusion)) == 12 * 5
    assert {"PER", "LOC"} == set(result.per_class)


def test_scores_that_are_not_defined_are_left_out(
    measured: list[Measured], tiny_sets: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = Scores(values={"entity_f1": 0.5, "ece": math.nan}, main="entity_f1")
    monkeypatch.setattr(Run, "scores", lambda self: odd)
    result = build_results(tiny_sets["token_classification"], measured, [1, 1])[0]
    assert result.scores == {"entity_f1": 0.5}


def test_a_busy_machine_is_told(measured: list[Measured], tiny_sets: dict[str, Dataset]) -> None:
    for item in measured:
        for run in item.runs:
            _timed(run, 2.0, 2.2)
    dataset = tiny_sets["token_classification"]
    assert busy_note(build_results(dataset, measured, [1, 1])) is None
    _timed(measured[0].runs[0], 2.0, 14.0)
    note = busy_note(build_results(dataset, measured, [1, 1]))
    assert note is not None
    assert note.startswith("The machine was busy: 25 seconds went by on the clock for 12 of CPU")
    assert busy_note([]) is None


def test_speedup_by_the_wall(measured: list[Measured]) -> None:
    ours, theirs = measured
    _timed(ours.runs[0], 1.0, 10.0)
    assert speedup(ours.runs, theirs.runs, "wall_seconds").low == 0.1
    assert speedup(ours.runs, theirs.runs, "cpu_seconds").low == 2.0
