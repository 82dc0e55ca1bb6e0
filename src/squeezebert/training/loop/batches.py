"""What the loop is fed with: numbered batches, each a pure function of its number.

Nothing iterates and nothing is saved: batch 1,234 of a run is the same whether the run came there
by itself, was resumed just before, or shares the work with other processes.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
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
        taught: (B,) whether teachers teach on a row; None for all.
        rows: Fine-tuning only: the number of each row's input among the training data.
        unsaid: Token classification only: (B, labels) bool, what an ``O`` of a row may be as well;
            None where every ``O`` is ``O``.
        soft: A teacher's probabilities, (B, S, labels) for token classification and (B, labels)
            for one class a text, NaN in rows that have none; None where no row has them.
    """

    inputs: Mapping[str, Tensor]
    labels: Tensor
    targets: int
    tokens: int
    order: Tensor | None = None
    taught: Tensor | None = None
    rows: tuple[int, ...] | None = None
    unsaid: Tensor | None = None
    soft: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same on ``device``."""
        if device.type == "cpu":
            return self
        return self._with(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> Batch:
        """The same in memory that a GPU copies from while the processor goes on."""
        return self._with(Tensor.pin_memory)

    def _with(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return dataclasses.replace(
            self,
            inputs={name: change(tensor) for name, tensor in self.inputs.items()},
            labels=change(self.labels),
            order=None if self.order is None else change(self.order),
            taught=None if self.taught is None else change(self.taught),
            unsaid=None if self.unsaid is None else change(self.unsaid),
            soft=None if self.soft is None else change(self.soft),
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


class Prefetched:
    """Batches of a source, made in a thread while a GPU computes; the same as the source's own.

    Args:
        source: Where they come from; only ever used by one thread at a time.
        ahead: How many are made before they are asked for.
        stride: From the number of one to the next that will be asked for.
        pinned: Put them into pinned memory.
    """

    def __init__(self, source: BatchSource, *, ahead: int, stride: int, pinned: bool) -> None:
        self._source = source
        self._ahead = ahead
        self._stride = stride
        self._pinned = pinned
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches")
        self._coming: dict[int, Future[Batch]] = {}

    @property
    def key(self) -> str:
        """As the source's."""
        return self._source.key

    def batch(self, number: int) -> Batch:
        """As the source's; the next ones are begun."""
        wanted = [number + self._stride * step for step in range(self._ahead + 1)]
        self._coming = {n: future for n, future in self._coming.items() if n in wanted}
        for one in wanted:
            if one not in self._coming:
                self._coming[one] = self._thread.submit(self._make, one)
        return self._coming.pop(number).result()

    def _make(self, number: int) -> Batch:
        with self._lock:
            batch = self._source.batch(number)
        return batch.pinned() if self._pinned else batch

    def epoch(self, number: int) -> int:
        """As the source's."""
        with self._lock:
            return self._source.epoch(number)

    def batches_in(self, epochs: float) -> int:
        """As the source's."""
        with self._lock:
            return self._source.batches_in(epochs)

    def close(self) -> None:
        """Makes no more."""
        self._thread.shutdown(cancel_futures=True)


def generator(*seeds: int) -> np.random.Generator:
    """NumPy's generator for a place in the run, such as (seed, epoch, batch)."""
    return np.random.default_rng(np.random.SeedSequence(seeds))
