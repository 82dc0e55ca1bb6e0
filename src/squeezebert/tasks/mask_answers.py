"""What is kept of a masked language model's logits: a few numbers a gap, not the vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.errors import InvalidInputError
from squeezebert.tasks.base import Features

Float32 = NDArray[np.float32]

FEW = 32
"""Up to so many candidates, a pass for each costs less than sorting all."""


@runtime_checkable
class RanksTokens(Protocol):
    """A backend that finds a masked LM's likeliest tokens without making all logits."""

    def top_k(
        self, batch: RaggedBatch, positions: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.int32], Float32, Float32]:
        """The ``k`` likeliest tokens at each position, best first.

        Returns:
            ``(ids, logits, log_normalizers)``, (positions, k) twice and (positions,):
            ``logits - log_normalizers[:, None]`` are log-probabilities among all tokens.
        """
        ...


@dataclass(frozen=True, eq=False)
class MaskAnswers:
    """The answers for the gaps of one input, in order.

    Args:
        top_ids: (gaps, k) int32, the likeliest tokens, best first.
        top_log_probabilities: (gaps, k) float32; minus infinity where there were no more.
        true_log_probability: (gaps,) float32, of the true token; NaN where it is unknown.
        rank: (gaps,) int32, the true token's place, 1 for the likeliest (of equals, the lower id
            comes first); 0 where it is unknown.
    """

    top_ids: NDArray[np.int32]
    top_log_probabilities: Float32
    true_log_probability: Float32
    rank: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        logits: Float32,
        top_k: int,
        *,
        true_ids: NDArray[np.int64] | None = None,
        candidates: NDArray[np.bool_] | None = None,
    ) -> MaskAnswers:
        """The answers out of ``logits``.

        Args:
            logits: (gaps, vocab_size), no NaN.
            top_k: How many candidates to keep.
            true_ids: (gaps,) the true tokens, where they are known.
            candidates: (vocab_size,) the tokens that may be among the top; all where None.
                Probabilities are those among all tokens either way.

        >>> logits = np.array([[0.0, 2.0, 1.0]], dtype=np.float32)
        >>> answers = MaskAnswers.of(logits, 2, true_ids=np.array([2]))
        >>> answers.top_ids.tolist(), answers.rank.tolist()
        ([[1, 2]], [2])
        """
        highest = logits.max(axis=1, keepdims=True)
        normalizer = highest + np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))
        if true_ids is None:
            true_log_probability = np.full(len(logits), np.nan, dtype=np.float32)
            rank = np.zeros(len(logits), dtype=np.int32)
        else:
            true_logits = np.take_along_axis(logits, true_ids[:, None], axis=1)
            true_log_probability = (true_logits - normalizer)[:, 0]
            rank = _ranks(logits, true_ids, true_logits)
        if candidates is not None:
            logits = np.where(candidates, logits, np.float32(-np.inf))
        top_ids, top_logits = _largest(logits, top_k)
        return cls(top_ids, top_logits - normalizer, true_log_probability, rank)

    @classmethod
    def of_best(
        cls,
        ids: NDArray[np.int32],
        logits: Float32,
        log_normalizers: Float32,
        top_k: int,
        *,
        candidates: NDArray[np.bool_],
    ) -> MaskAnswers:
        """The answers out of the best tokens alone, where the true ones are unknown: the same as
        :meth:`of` gives, if at least ``top_k`` of them are candidates.

        Args:
            ids: (gaps, k) the likeliest tokens, best first.
            logits: (gaps, k) theirs.
            log_normalizers: (gaps,) the logarithm of the sum of the exponentials of all logits.
            top_k: How many candidates to keep.
            candidates: (vocab_size,) the tokens that may be among the top.

        >>> ids, logits = np.array([[0, 2, 1]]), np.array([[3.0, 2.0, 1.0]], dtype=np.float32)
        >>> candidates = np.array([False, True, True])
        >>> MaskAnswers.of_best(ids, logits, logits[:, 0], 1, candidates=candidates).top_ids
        array([[2]], dtype=int32)
        """
        # A stable sort moves the candidates to the front and keeps their order.
        kept = np.argsort(~candidates[ids], axis=1, kind="stable")[:, :top_k]
        best = np.take_along_axis(logits, kept, axis=1) - log_normalizers[:, None]
        return cls(
            np.take_along_axis(ids, kept, axis=1).astype(np.int32, copy=False),
            best.astype(np.float32, copy=False),
            np.full(len(ids), np.nan, dtype=np.float32),
            np.zeros(len(ids), dtype=np.int32),
        )


def truth(
    features: Sequence[Features],
    positions: Iterable[NDArray[np.int64]],
    reduced: Sequence[MaskAnswers],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(gaps,) the true ids and their log-probabilities, all inputs in a row.

    Args:
        features: The inputs, with labels.
        positions: The gaps of each.
        reduced: The answers for them.

    Raises:
        InvalidInputError: no gaps, or features without labels.
    """
    true: list[NDArray[np.int64]] = []
    for item, gaps in zip(features, positions, strict=True):
        if item.labels is None:
            raise InvalidInputError(
                "the features carry no labels", hint="encode them with with_labels=True"
            )
        true.append(item.labels[gaps])
    if not true:
        raise InvalidInputError("there are no masked tokens to score")
    log_probability = np.concatenate([answers.true_log_probability for answers in reduced])
    return np.concatenate(true), log_probability.astype(np.float64)


def _ranks(logits: Float32, ids: NDArray[np.int64], values: Float32) -> NDArray[np.int32]:
    """(gaps,) the place of ``ids`` (gaps,), whose logits are ``values`` (gaps, 1)."""
    ranks = 1 + np.count_nonzero(logits > values, axis=1)
    tied = np.flatnonzero(np.count_nonzero(logits == values, axis=1) > 1)
    for gap in tied.tolist():
        ranks[gap] += np.count_nonzero(logits[gap, : ids[gap]] == values[gap])
    return ranks.astype(np.int32)


def _largest(logits: Float32, count: int) -> tuple[NDArray[np.int32], Float32]:
    """(gaps, count) the indices of the largest and their values, in descending order; of equals,
    the lower index first. A few passes for the maximum are much faster than a partition.
    """
    if count > FEW:
        order = np.argsort(-logits, axis=1, kind="stable")[:, :count].astype(np.int32)
        return order, np.take_along_axis(logits, order, axis=1)
    left = logits.copy()
    gaps = np.arange(len(logits))
    ids = np.zeros((len(logits), count), dtype=np.int32)
    values = np.zeros((len(logits), count), dtype=np.float32)
    for place in range(count):
        ids[:, place] = left.argmax(axis=1)
        values[:, place] = left[gaps, ids[:, place]]
        left[gaps, ids[:, place]] = -np.inf
    return ids, values
