"""The best tags of a text's words, taken together.

What a model says of each word by itself may spell what no text has: an ``I-X`` with no ``X`` before
it, or a name of five types in five words, mostly where the model is unsure. So a score is added for
each tag that follows another one, as in a conditional random field (Lafferty et al. 2001), and the
sequence with the highest sum is the answer. The scores are fitted once the model is trained
(:mod:`squeezebert.training.finetuning.transitions`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from squeezebert.errors import ConfigError
from squeezebert.tasks.entities import split_tag

Transitions = tuple[tuple[float | None, ...], ...]
"""A row for each label before, and one for the beginning of a text; a column for each label after.
None is what never comes."""

Float32 = NDArray[np.float32]

BATCH = 256
"""Texts that are decoded side by side."""


def iob2_transitions(labels: Sequence[str]) -> Transitions:
    """Transitions that rule out what is not IOB2, and prefer nothing.

    >>> iob2_transitions(["O", "B-PER", "I-PER"])
    ((0.0, 0.0, None), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, None))
    """
    after = [split_tag(label) for label in labels]
    before = [kind for _, kind in after]
    return tuple(
        tuple(None if prefix == "I" and kind != last else 0.0 for prefix, kind in after)
        for last in (*before, "")
    )


class TagDecoder:
    """Finds the best sequence of labels for each text.

    Args:
        transitions: In the logits' units.
        labels: How many there are.

    Raises:
        ConfigError: transitions of another shape or not finite, a label that nothing may follow,
            or none to begin with.

    >>> decoder = TagDecoder(iob2_transitions(["O", "B-PER", "I-PER"]), 3)
    >>> scores = np.array([[2.0, 1.5, 0.0], [0.0, 0.0, 3.0]], dtype=np.float32)
    >>> decoder.decode([scores])[0].tolist()  # by themselves O, I-PER
    [1, 2]
    """

    def __init__(self, transitions: Transitions, labels: int) -> None:
        if len(transitions) != labels + 1 or {len(row) for row in transitions} != {labels}:
            raise ConfigError(
                f"the transitions have {len(transitions)} rows of "
                f"{'/'.join(sorted({str(len(row)) for row in transitions}))} scores, "
                f"expected {labels + 1} of {labels}"
            )
        table = np.array(
            [[-np.inf if score is None else score for score in row] for row in transitions],
            dtype=np.float64,
        )
        if np.isnan(table).any() or (table == np.inf).any():
            raise ConfigError("the transitions hold numbers that are not finite")
        if not np.isfinite(table).any(axis=1).all():
            raise ConfigError("the transitions let nothing follow one of the labels")
        self._after, self._first = table[:-1], table[-1]
        self._before = np.ascontiguousarray(self._after.T)

    def decode(self, scores: Sequence[Float32]) -> list[NDArray[np.int32]]:
        """The label of each word: of all sequences the one with the highest sum of scores and
        transitions.

        Args:
            scores: (words, labels) logits of each text.

        Returns:
            (words,) of each text.
        """
        found: list[NDArray[np.int32]] = [np.zeros(0, dtype=np.int32) for _ in scores]
        # Longest first, so that those still going on are the first so many of their batch.
        order = sorted(
            (i for i in range(len(scores)) if len(scores[i])), key=lambda i: -len(scores[i])
        )
        if len(order) == 1:
            found[order[0]] = self._search_one(scores[order[0]])
            return found
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            for index, labels in zip(part, self._search([scores[i] for i in part]), strict=True):
                found[index] = labels
        return found

    def _search_one(self, scores: Float32) -> NDArray[np.int32]:
        """As :meth:`_search`, for a lone text, with fewer of NumPy's calls: twice as fast."""
        sums = scores.astype(np.float64)
        sums[0] += self._first
        last = sums[0][:, None]
        for row in sums[1:]:
            row += np.maximum.reduce(last + self._after, axis=0)
            last = row[:, None]
        label = int(sums[-1].argmax())
        labels = [label]
        for row in sums[-2::-1]:
            label = int((row + self._before[label]).argmax())
            labels.append(label)
        return np.array(labels[::-1], dtype=np.int32)

    def _search(self, scores: Sequence[Float32]) -> list[NDArray[np.int32]]:
        """Viterbi's algorithm, word after word, on texts from the longest to the shortest."""
        lengths = np.array([len(one) for one in scores])
        longest, count = int(lengths[0]), len(scores)
        table = np.zeros((longest, count, len(self._first)))
        for index, one in enumerate(scores):
            table[: len(one), index] = one
        going_on = [count, *((lengths > word).sum() for word in range(1, longest)), 0]
        # The best sum of a sequence up to each word, by the label that it ends in.
        sums = [table[0] + self._first]
        for word in range(1, longest):
            n = going_on[word]
            sums.append((sums[-1][:n, :, None] + self._after).max(axis=1) + table[word, :n])
        labels = np.zeros((longest, count), dtype=np.int32)
        for word in range(longest - 1, -1, -1):
            n, later = going_on[word], going_on[word + 1]
            if later:
                # The row of what stands before each label.
                sums[word][:later] += self._before[labels[word + 1, :later]]
            labels[word, :n] = sums[word].argmax(axis=1)
        return [labels[:length, index] for index, length in enumerate(lengths)]
