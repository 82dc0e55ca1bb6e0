"""The likeliest tags of a sentence that spell entities: no ``I-X`` without ``X`` before it.

What a model says of each word by itself may spell what no IOB2 text has, mostly where it is
unsure. Ruling that out while decoding is worth about as much as a CRF on top (Lester et al. 2020),
and costs next to nothing where the words agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from squeezebert.tasks.entities import split_tag


class EntityDecoder:
    """Finds the best sequence of tags.

    Args:
        labels: IOB2 tags, in the order of the scores.

    >>> decoder = EntityDecoder(["O", "B-PER", "I-PER"])
    >>> scores = np.array([[2.0, 1.5, 0.0], [0.0, 0.0, 3.0]], dtype=np.float32)
    >>> decoder.best(scores, first=True).tolist()  # by themselves O, I-PER
    [1, 2]
    """

    def __init__(self, labels: Sequence[str]) -> None:
        tags = [split_tag(label) for label in labels]
        kinds = {kind: number for number, kind in enumerate(dict.fromkeys(k for _, k in tags if k))}
        # What a tag leaves open to be gone on with, and what it goes on with.
        self._opens = np.array([kinds.get(kind, -1) for _, kind in tags])
        self._continues = np.array([kinds[kind] if p == "I" else -1 for p, kind in tags])
        # The tags that may stand before each one; None: all.
        self._before = [
            np.flatnonzero(self._opens == kind).tolist() if kind >= 0 else None
            for kind in self._continues.tolist()
        ]

    def best(self, scores: NDArray[np.float32], *, first: bool) -> NDArray[np.int32]:
        """The label of each word: of all IOB2 sequences the one with the highest sum of scores.

        Args:
            scores: (words, labels) logits.
            first: Whether the first word is the first of its text, and so begins no ``I-X``.

        Returns:
            (words,) int32.
        """
        labels = scores.argmax(axis=1).astype(np.int32)
        if self._legal(labels, first):
            return labels
        return np.array(self._search(scores.tolist(), first), dtype=np.int32)

    def _legal(self, labels: NDArray[np.int32], first: bool) -> bool:
        continues = self._continues[labels]
        inside = np.flatnonzero(continues >= 0)
        if not len(inside):
            return True
        if inside[0] == 0:
            if first:
                return False
            inside = inside[1:]
        return bool((continues[inside] == self._opens[labels[inside - 1]]).all())

    def _search(self, scores: list[list[float]], first: bool) -> list[int]:
        """Viterbi's algorithm. In plain Python: for a handful of tags that is several times as fast
        as NumPy's calls, one word at a time.
        """
        total = scores[0]
        if first:
            total = [
                s if before is None else -math.inf
                for s, before in zip(total, self._before, strict=True)
            ]
        steps: list[list[int]] = []
        for row in scores[1:]:
            best = total.index(max(total))
            step: list[int] = []
            reached: list[float] = []
            for score, before in zip(row, self._before, strict=True):
                origin = best if before is None else max(before, key=total.__getitem__)
                step.append(origin)
                reached.append(total[origin] + score)
            steps.append(step)
            total = reached
        labels = [total.index(max(total))]
        for step in reversed(steps):
            labels.append(step[labels[-1]])
        return labels[::-1]
