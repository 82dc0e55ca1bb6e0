"""Intervals and tests of scores, against plain Python and against what they promise."""

from __future__ import annotations

import random

import numpy as np
import pytest

from squeezebert.tasks import resampling
from squeezebert.tasks.resampling import (
    NOISE,
    Interval,
    Tally,
    bootstrap,
    interval,
    paired_differences,
)


def f1(sentences: list[tuple[int, int, int]]) -> float:
    """By the book: ``(right, predicted, true)`` of each sentence."""
    right, predicted, true = (sum(column) for column in zip(*sentences, strict=True))
    return 2 * right / (predicted + true) if predicted + true else 0.0


def tally(sentences: list[tuple[int, int, int]]) -> Tally:
    rows = np.array(sentences, dtype=np.float64)
    return Tally(2 * rows[:, 0], rows[:, 1] + rows[:, 2])


def sentences(count: int, seed: int) -> list[tuple[int, int, int]]:
    draw = random.Random(seed)
    found = [(draw.randrange(3), draw.randrange(3), draw.randrange(3)) for _ in range(count)]
    return [(right, right + more, right + missed) for right, more, missed in found]


def test_the_bootstrap_is_that_of_plain_python() -> None:
    given = sentences(7, seed=1)
    scores = bootstrap([tally(given)], seed=3, resamples=50)[0]
    drawn = np.random.default_rng(3).integers(7, size=(50, 7)).tolist()
    assert scores.tolist() == pytest.approx([f1([given[at] for at in row]) for row in drawn])
    low, high = np.quantile(scores, [0.025, 0.975])
    assert interval(tally(given), seed=3, resamples=50) == Interval(low=low, high=high)


def test_the_test_is_that_of_plain_python() -> None:
    first, second = sentences(6, seed=1), sentences(6, seed=2)
    found = paired_differences([tally(first), tally(second)], seed=5, resamples=200)[0, 1]
    assert found.difference == pytest.approx(f1(first) - f1(second))
    exchanges = np.random.default_rng([5, 1]).integers(2, size=(200, 6)).tolist()
    as_large = 0
    for kept in exchanges:
        one = [a if keep else b for a, b, keep in zip(first, second, kept, strict=True)]
        other = [b if keep else a for a, b, keep in zip(first, second, kept, strict=True)]
        as_large += abs(f1(one) - f1(other)) >= abs(f1(first) - f1(second)) - 1e-12
    assert found.p_value == (1 + as_large) / 201


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = [tally(sentences(40, seed=1)), tally(sentences(40, seed=2))]
    whole = paired_differences(pair)
    monkeypatch.setattr(resampling, "BLOCK", 4000)
    assert paired_differences(pair) == whole


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of many samples of a population where 80 % are right, 95 % or a little less of the
    intervals (they are a bit narrow on few texts) hold 0.8.
    """
    population = np.random.default_rng(0)
    held = 0
    for seed in range(300):
        right = (population.random(200) < 0.8).astype(np.float64)
        around = interval(Tally(right, np.ones(200)), seed=seed, resamples=300)
        held += around.low <= 0.8 <= around.high
    assert 0.90 <= held / 300 <= 0.98


def test_the_test_rejects_as_rarely_as_it_says() -> None:
    """Two models of the same quality are told apart by chance alone in about 5 % of samples."""
    population = np.random.default_rng(1)
    rejected = 0
    for seed in range(300):
        right = (population.random((2, 100)) < 0.7).astype(np.float64)
        pair = [Tally(one, np.ones(100)) for one in right]
        rejected += not paired_differences(pair, seed=seed, resamples=200)[0, 1].is_noise
    assert 0.01 <= rejected / 300 <= 0.09


def test_a_model_is_within_noise_of_itself() -> None:
    one = tally(sentences(50, seed=4))
    found = paired_differences([one, one])[0, 1]
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert found.is_noise


def test_a_large_difference_is_not() -> None:
    worse = Tally(np.array([1.0] * 60 + [0.0] * 40), np.ones(100))
    better = Tally(np.array([1.0] * 80 + [0.0] * 20), np.ones(100))
    found = paired_differences([better, worse])[0, 1]
    assert found.p_value < NOISE
    assert 0.1 < found.low < found.difference < found.high < 0.3
    # The same texts were drawn for both: the interval is narrower than that of two samples.
    assert found.high - found.low < 0.2


def test_nothing_to_divide_by_is_zero() -> None:
    empty = Tally(np.zeros(3), np.zeros(3))
    assert empty.score == 0.0
    assert interval(empty) == Interval(low=0.0, high=0.0)
    assert paired_differences([empty]) == {}
