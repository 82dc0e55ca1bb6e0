"""How sure a score is: bootstrap intervals and paired tests over texts.

Texts are what was drawn at random from the world, so they are what is drawn again: a text's words,
entities or gaps go together. Every score here is a sum over the texts divided by another one
(:class:`Tally`), so thousands of resamples are a few products of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
"""Data sets drawn anew, and exchanges of answers tried."""

LEVEL = 0.95
"""The share of resamples within an interval."""

NOISE = 0.05
"""A difference whose p-value is not below this is taken for noise."""

BLOCK = 4_000_000
"""The most numbers of a resampling matrix that are held at once."""

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tally:
    """What each text adds to a score: ``above.sum() / below.sum()``, 0 where ``below`` sums to 0.

    Accuracy counts right answers above and texts below; F1 twice the right entities above, the
    predicted and the true ones below.

    Args:
        above: (texts,) float64.
        below: (texts,) float64, none negative.

    >>> Tally(np.array([1.0, 0.0]), np.array([1.0, 1.0])).score
    0.5
    """

    above: Float64
    below: Float64

    @classmethod
    def of_items(
        cls,
        texts: int,
        of: Sequence[int] | NDArray[np.integer[Any]],
        above: NDArray[Any],
        below: NDArray[Any] | None = None,
    ) -> Tally:
        """From items such as words, (items,) each; ``of`` says which of the texts each is in. Where
        ``below`` is None each counts as one.

        >>> tally = Tally.of_items(2, [0, 0, 1], np.array([1, 0, 1]))
        >>> tally.above.tolist(), tally.below.tolist()
        ([1.0, 1.0], [2.0, 1.0])
        """
        items = np.asarray(of, dtype=np.int64)
        counted = np.ones(len(above)) if below is None else below
        sums = np.zeros((2, texts))
        np.add.at(sums[0], items, above)
        np.add.at(sums[1], items, counted)
        return cls(*sums)

    @property
    def score(self) -> float:
        """Over all texts."""
        return float(_ratio(self.above.sum(), self.below.sum()))


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where a score would fall on other texts of the same kind: :data:`LEVEL` of the resamples lie
    between ``low`` and ``high``.
    """

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """The first score minus the second, over the same texts.

    Args:
        difference: As measured.
        low, high: The interval of the difference, by the paired bootstrap.
        p_value: How often a difference as large comes about where each text's two answers are
            exchanged at random (approximate randomization, Noreen 1989; Yeh 2000).
    """

    difference: float
    low: float
    high: float
    p_value: float

    @property
    def is_noise(self) -> bool:
        """Whether chance explains it well enough."""
        return self.p_value >= NOISE


def interval(tally: Tally, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """The percentile bootstrap interval of a score (Efron 1979).

    Args:
        tally: At least one text.
        seed: Of the draws.
        resamples: How many data sets are drawn, each of as many texts as there are.

    >>> right = np.array([1.0] * 80 + [0.0] * 20)
    >>> interval(Tally(right, np.ones(100)))
    Interval(low=0.72, high=0.88)
    """
    (scores,) = bootstrap([tally], seed=seed, resamples=resamples)
    return _interval(scores)


def bootstrap(tallies: Sequence[Tally], *, seed: int = 0, resamples: int = RESAMPLES) -> Float64:
    """(tallies, resamples) the scores of data sets drawn with replacement; a draw is the same for
    all tallies, which must be over the same texts.
    """
    texts = len(tallies[0].above)
    columns = np.column_stack([part for tally in tallies for part in (tally.above, tally.below)])
    generator = np.random.default_rng(seed)
    sums = np.empty((resamples, columns.shape[1]))
    for start, stop in _blocks(resamples, texts):
        drawn = generator.integers(texts, size=(stop - start, texts))
        rows = np.arange(stop - start)[:, None] * texts
        counts = np.bincount((drawn + rows).ravel(), minlength=drawn.size)
        sums[start:stop] = counts.reshape(drawn.shape) @ columns
    return _ratio(sums[:, 0::2], sums[:, 1::2]).T


def paired_differences(
    tallies: Sequence[Tally], *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[tuple[int, int], PairedDifference]:
    """Every pair of some scores over the same texts, tested.

    Returns:
        By the numbers of the two, the lower one first.
    """
    pairs = [(a, b) for a in range(len(tallies)) for b in range(a + 1, len(tallies))]
    if not pairs:
        return {}
    drawn = bootstrap(tallies, seed=seed, resamples=resamples)
    as_large = _as_large(tallies, pairs, seed=seed, resamples=resamples)
    found: dict[tuple[int, int], PairedDifference] = {}
    for at, (a, b) in enumerate(pairs):
        around = _interval(drawn[a] - drawn[b])
        found[a, b] = PairedDifference(
            difference=tallies[a].score - tallies[b].score,
            low=around.low,
            high=around.high,
            # The answers as they are count as one of the exchanges.
            p_value=float((1 + as_large[at]) / (1 + resamples)),
        )
    return found


def _as_large(
    tallies: Sequence[Tally], pairs: Sequence[tuple[int, int]], *, seed: int, resamples: int
) -> NDArray[np.int64]:
    """(pairs,) how many random exchanges give a difference at least as large as measured."""
    first = np.column_stack(
        [part for a, _ in pairs for part in (tallies[a].above, tallies[a].below)]
    )
    second = np.column_stack(
        [part for _, b in pairs for part in (tallies[b].above, tallies[b].below)]
    )
    both = first.sum(axis=0) + second.sum(axis=0)
    measured = np.array([abs(tallies[a].score - tallies[b].score) for a, b in pairs])
    generator = np.random.default_rng([seed, 1])
    found = np.zeros(len(pairs), dtype=np.int64)
    for start, stop in _blocks(resamples, len(first)):
        kept = generator.integers(2, size=(stop - start, len(first))).astype(np.float64)
        one = kept @ (first - second) + second.sum(axis=0)
        other = both - one
        scores = _ratio(one[:, 0::2], one[:, 1::2]), _ratio(other[:, 0::2], other[:, 1::2])
        # Sums in another order differ in their last bits.
        found += (np.abs(scores[0] - scores[1]) >= measured - 1e-12).sum(axis=0)
    return found


def _blocks(resamples: int, texts: int) -> list[tuple[int, int]]:
    size = max(1, BLOCK // max(1, texts))
    return [(at, min(at + size, resamples)) for at in range(0, resamples, size)]


def _interval(values: Float64) -> Interval:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return Interval(low=low, high=high)


def _ratio(above: Float64, below: Float64) -> Float64:
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=np.asarray(below) > 0)
