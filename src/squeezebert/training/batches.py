"""What the loop is fed with: numbered batches, each a pure function of its number.

Nothing iterates and nothing is saved: batch 1,234 of a run is the same whether the run came there
by itself, was resumed just before, or shares the work with other processes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs and what should come out.

    Args:
        inputs: The model's keyword arguments: ``input_ids`` (B, S) and what else it takes.
        labels: For the loss; its shape is the task's (see :mod:`losses`).
        targets: How many labels count in the loss.
        tokens: Input tokens without padding.
        order: Pretraining with sentence order only: (B,), 1 where the segments were swapped,
            ``IGNORE_INDEX`` where that cannot be told.
    """

    inputs: Mapping[str, Tensor]
    labels: Tensor
    targets: int
    tokens: int
    order: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same on ``device``."""
        if device.type == "cpu":
            return self
        return dataclasses.replace(
            self,
            inputs={name: t.to(device, non_blocking=True) for name, t in self.inputs.items()},
            labels=self.labels.to(device, non_blocking=True),
            order=None if self.order is None else self.order.to(device, non_blocking=True),
        )


class BatchSource(Protocol):
    """Numbered batches without end; epochs follow each other without a gap."""

    @property
    def key(self) -> str:
        """Names the data: a resumed run must find the same."""
        ...

    def batch(self, number: int) -> Batch:
        """Batch ``number`` of the run, from 0."""
        ...

    def epoch(self, number: int) -> int:
        """The epoch that batch ``number`` lies in."""
        ...

    def batches_in(self, epochs: float) -> int:
        """How many batches the first ``epochs`` have."""
        ...


def generator(*seeds: int) -> np.random.Generator:
    """NumPy's generator for a place in the run, such as (seed, epoch, batch)."""
    return np.random.default_rng(np.random.SeedSequence(seeds))
