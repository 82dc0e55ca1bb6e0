from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from squeezebert.comparison.measure import (
    Silent,
    fitting_lengths,
    run_passes,
    take_latency,
    take_latency_by_length,
)
from squeezebert.data.catalog import Dataset
from squeezebert.pipeline import Answers, Pipeline, load


class Scribe:
    """A pipeline that writes down who was asked what, and takes as long as it is told."""

    def __init__(self, name: str, log: list[tuple[str, list[int]]], clock: list[float]) -> None:
        self.name = name
        self.task = self
        self._log = log
        self._clock = clock
        self.seconds = 1.0

    def answer(self, examples: list[int], *, with_labels: bool) -> Answers:
        self._log.append((self.name, list(examples)))
        self._clock[0] += self.seconds
        return Answers(features=[], reduced=[])

    def predict(self, examples: list[int], features: Any, reduced: Any) -> list[int]:
        return list(examples)


class Count:
    def __init__(self) -> None:
        self.steps = 0

    def stage(self, name: str, steps: int) -> None:
        raise AssertionError("the caller announces stages")

    def advance(self) -> None:
        self.steps += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(time, "process_time", lambda: now[0])
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_models_take_turns_block_by_block(clock: list[float]) -> None:
    log: list[tuple[str, list[int]]] = []
    pipelines: list[Any] = [Scribe(name, log, clock) for name in "ab"]
    count = Count()
    runs = run_passes(
        pipelines, [0, 1, 2, 3, 4], repetitions=2, block_texts=2, warmup_texts=1, progress=count
    )
    # Each warms up; then block by block, another one first each time; twice over all texts.
    assert log[:2] == [("a", [0]), ("b", [0])]
    assert log[2:] == [
        ("a", [0, 1]), ("b", [0, 1]),
        ("b", [2, 3]), ("a", [2, 3]),
        ("a", [4]), ("b", [4]),
        ("b", [0, 1]), ("a", [0, 1]),
        ("a", [2, 3]), ("b", [2, 3]),
        ("b", [4]), ("a", [4]),
    ]  # fmt: skip
    assert count.steps == 12
    assert [run.texts for own in runs for run in own] == [5, 5, 5, 5]
    assert [run.predictions for run in runs[0]] == [[0, 1, 2, 3, 4], []]


def test_each_run_has_the_time_of_its_own_blocks_only(clock: list[float]) -> None:
    fast, slow = Scribe("fast", [], clock), Scribe("slow", [], clock)
    slow.seconds = 3.0
    pipelines: list[Any] = [fast, slow]
    runs = run_passes(
        pipelines, [0, 1, 2, 3], repetitions=2, block_texts=2, warmup_texts=9, progress=Silent()
    )
    seconds = [[run.watch.cpu_seconds for run in own] for own in runs]
    assert seconds == [[2.0, 2.0], [6.0, 6.0]]


def test_latency_is_of_one_text_at_a_time_in_milliseconds(clock: list[float]) -> None:
    log: list[tuple[str, list[int]]] = []
    pipelines: list[Any] = [Scribe(name, log, clock) for name in "ab"]
    pipelines[1].seconds = 0.5
    first, second = take_latency(pipelines, [7, 8], repetitions=3, progress=Silent())
    assert (first.p50, first.p95, first.p99) == (1000.0, 1000.0, 1000.0)
    assert second.p50 == 500.0
    assert sorted(log) == sorted([(name, [text]) for name in "ab" for text in (7, 8)] * 3)
    assert [name for name, _ in log[:4]] == ["a", "b", "b", "a"]


def test_latency_by_length_stops_at_the_shortest_model(
    tiny_models: dict[str, Path], tiny_sets: dict[str, Dataset]
) -> None:
    pipelines: list[Pipeline] = [
        load(directory) for name, directory in tiny_models.items() if "masked_lm" in name
    ]
    lengths = fitting_lengths(pipelines)
    assert lengths == [8, 16, 32, 64]
    count = Count()
    curves = take_latency_by_length(pipelines, lengths, seed=0, progress=count)
    assert count.steps == len(lengths)
    for curve in curves:
        assert [point.tokens for point in curve] == lengths
        assert all(0 < point.p50 <= point.p95 <= point.p99 for point in curve)
