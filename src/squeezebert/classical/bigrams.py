"""Gaps by counting: the likeliest token after the one before it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.classical.base import Classical
from squeezebert.data.examples import Document
from squeezebert.spec import TaskSpec
from squeezebert.tasks.base import Features
from squeezebert.tasks.masked_lm import MaskedLM
from squeezebert.tokenizer import Tokenizer

DISCOUNT = 0.75
"""Taken from every count of a pair and given to what was not seen (absolute discounting, Ney et
al. 1994)."""


class Bigrams(Classical):
    """Probabilities of a token after the token before it, mixed with how frequent tokens are.

    Args:
        spec: The length of inputs.
        tokenizer: Whose tokens are guessed.
    """

    library = "squeezebert"

    def __init__(self, spec: TaskSpec, tokenizer: Tokenizer) -> None:
        super().__init__(MaskedLM(spec, tokenizer))
        self.name = "bigrams"
        self._tokenizer = tokenizer
        self._after: dict[int, Counter[int]] = defaultdict(Counter)

    @property
    def parameters(self) -> int:
        """Counts that are not zero; a text begins as a turn does, and is counted twice."""
        return sum(map(len, self._after.values())) + int((self._frequency > 0).sum())

    def fit(self, examples: Sequence[Document]) -> None:
        """See :meth:`Classical.fit`."""
        counts = np.zeros(self._tokenizer.vocab_size, dtype=np.int64)
        turns = [turn for document in examples for turn in document.turns]
        for encoded in self._tokenizer.encode(turns):
            ids = encoded.ids.tolist()
            for before, token in pairwise([self._tokenizer.sep_id, *ids]):
                self._after[before][token] += 1
            np.add.at(counts, encoded.ids, 1)
        self._after[self._tokenizer.cls_id] = self._after[self._tokenizer.sep_id]
        counts[list(self._tokenizer.special_ids)] = 0
        # One more of each, so that no probability is zero.
        self._frequency = counts
        self._unigram = (counts + 1) / (counts.sum() + len(counts))

    def features(self, examples: Sequence[Document], *, with_labels: bool) -> list[Features]:
        """See :meth:`Classical.features`."""
        return self.task.encode(examples, with_labels=with_labels)

    def reduced(self, examples: Sequence[Document], features: Sequence[Features]) -> list[Any]:
        """See :meth:`Classical.reduced`."""
        del examples
        result: list[Any] = []
        for item in features:
            gaps = self.task.positions(item)
            assert gaps is not None
            rows = [self._logits(int(item.input_ids[at - 1])) for at in gaps.tolist()]
            shape = (len(rows), self._tokenizer.vocab_size)
            result.append(self.task.reduce(item, np.array(rows, dtype=np.float32).reshape(shape)))
        return result

    def _logits(self, before: int) -> NDArray[np.float64]:
        """(vocab_size,) logarithms of probabilities."""
        seen = self._after.get(before)
        if not seen:
            return np.log(self._unigram)
        total = sum(seen.values())
        probabilities = self._unigram * (DISCOUNT * len(seen) / total)
        ids = np.fromiter(seen.keys(), dtype=np.int64)
        counts = np.fromiter(seen.values(), dtype=np.float64)
        probabilities[ids] += (counts - DISCOUNT) / total
        return np.log(probabilities)
