"""The likeliest tags of a sentence that spell entities: no ``I-X`` without ``X`` before it.

What a model says of each word by itself may spell what no IOB2 text has, mostly where it is
unsure. Ruling that out while decoding is worth about as much as a CRF on top (Lester et al. 2020),
and costs next to nothing where the words agree.
"""

from __future__ import annotations

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
        allowed = (self._continues < 0) | (self._opens[:, None] == self._continues)
        self._barred = np.where(allowed, 0.0, -np.inf)

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
        total = scores[0].astype(np.float64)
        if first:
            total[self._continues >= 0] = -np.inf
        came_from = np.zeros(scores.shape, dtype=np.int32)
        for word in range(1, len(scores)):
            paths = total[:, None] + self._barred
            came_from[word] = paths.argmax(axis=0)
            total = paths.max(axis=0) + scores[word]
        labels[-1] = total.argmax()
        for word in range(len(scores) - 1, 0, -1):
            labels[word - 1] = came_from[word, labels[word]]
        return labels

    def _legal(self, labels: NDArray[np.int32], first: bool) -> bool:
        continues = self._continues[labels]
        if first and len(continues) and continues[0] >= 0:
            return False
        later = continues[1:]
        return bool(((later < 0) | (later == self._opens[labels[:-1]])).all())
