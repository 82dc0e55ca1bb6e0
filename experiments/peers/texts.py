"""Real texts: read by the parent, answered end to end by each worker."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from experiments.peers.runtimes.base import Float32, Runtime
from squeezebert.batch import RaggedBatch

BUDGETS = (512, 2048, 8192)
"""Tokens of a batch, padding included; each peer takes what suits it best."""

BUDGET_TEXTS = 96
"""Texts that the choice is made on."""

SETS = {
    "ag_news": "text_classification",
    "conll2003_en": "token_classification",
    "dailydialog": "masked_lm",
}
"""The data sets of the benchmark and their tasks, by their names in the catalog."""


def read_texts(name: str, count: int, seed: int) -> list[str]:
    """Texts of the test split drawn at random; of a dialogue every turn is a text.

    Raises:
        DataError: the data is not there.
    """
    from squeezebert.data.catalog import open_dataset
    from squeezebert.data.examples import Document

    examples: list[Any] = open_dataset(name, task=SETS[name]).examples  # pyright: ignore
    texts: list[str] = []
    for example in examples:
        texts += example.turns if isinstance(example, Document) else (example.text,)
    chosen = np.random.default_rng(seed).permutation(len(texts))[:count]
    return [texts[index] for index in chosen]


class TextRunner:
    """Texts to vectors on one run-time, as a careful user would write it: one batch call of the
    tokenizer, batches by length within a budget of tokens, the order restored.
    """

    def __init__(
        self, runtime: Runtime, tokenizer: Path, texts: list[str], max_length: int
    ) -> None:
        import tokenizers

        self.runtime = runtime
        self.texts = texts
        self.max_length = max_length
        self.tokenizer: Any = tokenizers.Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_length - 2)
        self.ends = [self.tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]")]
        self.budget = BUDGETS[0]
        self.tokens = 0

    def choose_budget(self) -> None:
        """Tries the budgets on a few texts and keeps the fastest."""
        seconds: dict[int, float] = {}
        few, self.texts = self.texts, self.texts[:BUDGET_TEXTS]
        for self.budget in BUDGETS:
            for _ in range(3):
                start = time.perf_counter()
                self.run()
                taken = time.perf_counter() - start
                seconds[self.budget] = min(taken, seconds.get(self.budget, taken))
        self.texts = few
        self.budget = min(seconds, key=seconds.__getitem__)
        self.run()

    def run(self) -> Float32:
        """The state of the first token of every text, (texts, hidden_size)."""
        # Lighter than encode_batch, since it leaves the offsets out.
        encoded = self.tokenizer.encode_batch_fast(self.texts, add_special_tokens=False)
        start, end = self.ends
        rows = [np.array([start, *item.ids, end], dtype=np.int32) for item in encoded]
        lengths = [len(row) for row in rows]
        self.tokens = sum(lengths)
        parts: list[Float32] = []
        order = sorted(range(len(rows)), key=lengths.__getitem__)
        for indices in batches(order, lengths, self.budget, padded=self.runtime.padded):
            batch = RaggedBatch.of([rows[index] for index in indices])
            outputs = self.runtime.call(self.runtime.inputs(batch))
            parts.append(self.runtime.first(outputs, batch))
        vectors = np.concatenate(parts)
        restored = np.empty_like(vectors)
        restored[order] = vectors
        return restored


def batches(order: list[int], lengths: list[int], budget: int, *, padded: bool) -> list[list[int]]:
    """The indices of ``order`` (shortest first) in batches of at most ``budget`` tokens, padding
    included where there is some; a longer text is a batch of its own.

    >>> batches([1, 0, 2], [3, 2, 5], 6, padded=True)
    [[1, 0], [2]]
    """
    result: list[list[int]] = []
    cost = 0
    for index in order:
        length = lengths[index]
        grown = (len(result[-1]) + 1) * length if result and padded else cost + length
        if not result or grown > budget:
            result.append([index])
            cost = length
        else:
            result[-1].append(index)
            cost = grown
    return result
