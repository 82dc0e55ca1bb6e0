"""A teacher's soft labels for all of the training data, computed once.

A teacher says the same of an example each time, so a run of several epochs need not ask it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from squeezebert.tasks.base import Features
from squeezebert.training.loop.batches import Batch
from squeezebert.training.loop.collate import collate

BATCH = 32
"""Inputs of like length that the teacher reads together: always the same ones, so that a run that
is resumed learns from the same numbers to the last bit."""


class KeptLabels:
    """Asks a teacher when the first batch comes, and keeps what it says.

    Args:
        ask: From a batch to logits: (B, L) or, of each token, (B, S, L).
        features: The training data, by the numbers that batches call its rows.
        pad_id: As :func:`~squeezebert.training.loop.collate.collate` takes it.
    """

    def __init__(
        self, ask: Callable[[Batch], Tensor], features: Sequence[Features], pad_id: int
    ) -> None:
        self._ask = ask
        self._features = features
        self._pad_id = pad_id
        self._kept: list[Tensor] = []

    def of(self, batch: Batch) -> Tensor:
        """The logits for a batch of the training data, as ``ask`` would give them; padding gets
        NaN.
        """
        assert batch.rows is not None
        device = batch.inputs["input_ids"].device
        if not self._kept:
            self._kept = self._all(device)
        found = [self._kept[row] for row in batch.rows]
        if found[0].dim() == 1:
            return torch.stack(found)
        length = batch.inputs["input_ids"].shape[1]
        return torch.stack(
            [pad(one, (0, 0, 0, length - len(one)), value=torch.nan) for one in found]
        )

    def _all(self, device: torch.device) -> list[Tensor]:
        lengths = np.array([len(item) for item in self._features])
        kept: list[Tensor | None] = [None] * len(lengths)
        order = np.argsort(lengths, kind="stable")
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch = collate([self._features[row] for row in rows], self._pad_id).to(device)
            for row, logits in zip(rows, self._ask(batch), strict=True):
                # A copy of its own, or the whole batch would stay in memory.
                kept[row] = (logits if logits.dim() == 1 else logits[: lengths[row]]).clone()
        return [one for one in kept if one is not None]
