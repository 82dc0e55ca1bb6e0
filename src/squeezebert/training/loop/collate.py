"""From model inputs of many lengths to padded batches, numbered (see :mod:`batches`)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from squeezebert.errors import DataError
from squeezebert.spec import TaskName
from squeezebert.tasks.base import IGNORE_INDEX, Features
from squeezebert.tasks.masking import mask_tokens
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.loop.batches import Batch, generator
from squeezebert.training.recipe.run import LoopRecipe, MaskingRecipe

POOL = 64
"""Batches whose inputs are sorted by length together: little padding, yet a random order."""


class FeatureBatches:
    """Batches of inputs that are alike in length; the order is a function of (seed, epoch).

    Args:
        features: The inputs with their labels.
        task: Says what labels are: one an input, one a token, or masked tokens.
        tokenizer: For padding and masks.
        loop: Batch size or token budget, and the seed.
        masking: Masked LM only: masks are drawn anew for each batch.

    Raises:
        DataError: no inputs at all.
    """

    def __init__(
        self,
        features: Sequence[Features],
        *,
        task: TaskName,
        tokenizer: Tokenizer,
        loop: LoopRecipe,
        masking: MaskingRecipe | None = None,
    ) -> None:
        if not features:
            raise DataError("there is nothing to train on: no example gave a model input")
        self._features = unmasked(features) if task == "masked_lm" else list(features)
        self._lengths = np.array([len(item) for item in features])
        self._task = task
        self._tokenizer = tokenizer
        self._loop = loop
        self._masking = masking or MaskingRecipe()
        self._plan: tuple[int, list[NDArray[np.int64]]] = (-1, [])
        self._starts = [0]  # the number of each epoch's first batch
        self.key = self._digest()

    def batch(self, number: int) -> Batch:
        """Batch ``number`` of the run."""
        epoch = self.epoch(number)
        rows = self._epoch_plan(epoch)[number - self._starts[epoch]]
        items = [self._features[row] for row in rows]
        if self._task == "masked_lm":
            return self._masked(items, number)
        batch = collate(items, pad_id=self._tokenizer.pad_id)
        return replace(batch, rows=tuple(rows.tolist()))

    def epoch(self, number: int) -> int:
        """The epoch of batch ``number``."""
        while self._starts[-1] <= number:
            self._starts.append(self._starts[-1] + len(self._epoch_plan(len(self._starts) - 1)))
        return int(np.searchsorted(self._starts, number, side="right")) - 1

    def batches_in(self, epochs: float) -> int:
        """Batches of the first ``epochs``, at least one."""
        whole, rest = divmod(epochs, 1.0)
        while len(self._starts) <= int(whole) + 1:
            self._starts.append(self._starts[-1] + len(self._epoch_plan(len(self._starts) - 1)))
        first, after = self._starts[int(whole)], self._starts[int(whole) + 1]
        return max(first + round(rest * (after - first)), 1)

    def _epoch_plan(self, epoch: int) -> list[NDArray[np.int64]]:
        """The rows of each batch of an epoch."""
        if self._plan[0] != epoch:
            draw = generator(self._loop.seed, 1, epoch)
            order = draw.permutation(len(self._features))
            pool = POOL * (
                max(self._loop.token_budget // int(self._lengths.mean()), 1)
                if self._loop.token_budget
                else self._loop.batch_size
            )
            batches: list[NDArray[np.int64]] = []
            for start in range(0, len(order), pool):
                rows = order[start : start + pool]
                rows = rows[np.argsort(self._lengths[rows], kind="stable")]
                batches += self._cut(rows)
            self._plan = (epoch, [batches[index] for index in draw.permutation(len(batches))])
        return self._plan[1]

    def _cut(self, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Rows sorted by length, in batches."""
        if not self._loop.token_budget:
            size = self._loop.batch_size
            return [rows[start : start + size] for start in range(0, len(rows), size)]
        ends: list[int] = []
        start = 0
        for end in range(1, len(rows)):
            # The next row is the longest so far, so all would be padded to its length.
            if (end + 1 - start) * self._lengths[rows[end]] > self._loop.token_budget:
                ends.append(end)
                start = end
        return np.split(rows, ends)

    def _masked(self, items: Sequence[Features], number: int) -> Batch:
        plain = collate([replace(item, labels=None) for item in items], self._tokenizer.pad_id)
        masked, labels = mask_tokens(
            plain.inputs["input_ids"].numpy(),
            self._tokenizer,
            generator(self._loop.seed, 3, number),
            probability=self._masking.rate,
            whole_words=self._masking.whole_words,
        )
        positions = np.flatnonzero(labels != IGNORE_INDEX)
        return Batch(
            inputs={
                **plain.inputs,
                "input_ids": torch.from_numpy(masked.astype(np.int64)),
                "positions": torch.from_numpy(positions),
            },
            labels=torch.from_numpy(labels.ravel()[positions]),
            targets=len(positions),
            tokens=plain.tokens,
        )

    def _digest(self) -> str:
        digest = hashlib.sha256(f"{self._task} {len(self._features)}\n".encode())
        for item in self._features:
            digest.update(item.input_ids.tobytes())
            if item.labels is not None:
                digest.update(item.labels.tobytes())
            for more in (item.unsaid, item.soft):
                if more is not None:
                    digest.update(more.tobytes())
        return digest.hexdigest()[:24]


def unmasked(features: Sequence[Features]) -> list[Features]:
    """Masked-LM inputs as they were before the evaluation's masks were put in."""
    return [
        replace(
            item,
            input_ids=item.input_ids
            if item.labels is None
            else np.where(item.labels != IGNORE_INDEX, item.labels, item.input_ids).astype(
                np.int32
            ),
            labels=None,
        )
        for item in features
    ]


def collate(items: Sequence[Features], pad_id: int) -> Batch:
    """Inputs as one batch, padded on the right to the longest. No ``attention_mask`` where there
    is no padding.

    Returns:
        ``input_ids`` and ``token_type_ids`` (B, S); labels (B, S) for one label a token, (B,) or
        (B, labels) for one an input, empty for inputs without labels.
    """
    lengths = np.array([len(item) for item in items])
    mask = np.arange(lengths.max())[None, :] < lengths[:, None]
    inputs = {
        "input_ids": _pad([item.input_ids for item in items], mask, pad_id),
        "token_type_ids": _pad([item.token_type_ids for item in items], mask, 0),
    }
    if not mask.all():
        inputs["attention_mask"] = mask
    given = [item.labels for item in items if item.labels is not None]
    labels: NDArray[Any] = np.zeros(0, dtype=np.int64)
    targets = len(items)
    if given and given[0].shape == items[0].input_ids.shape and given[0].dtype == np.int64:
        labels = _pad(given, mask, IGNORE_INDEX)
        targets = int(np.count_nonzero(labels != IGNORE_INDEX))
    elif given:
        labels = np.stack(given)
    return Batch(
        inputs={name: torch.from_numpy(value) for name, value in inputs.items()},
        labels=torch.from_numpy(labels),
        targets=targets,
        tokens=int(lengths.sum()),
        unsaid=_unsaid(items),
        soft=_soft(items, mask),
    )


def _unsaid(items: Sequence[Features]) -> torch.Tensor | None:
    given = [item.unsaid for item in items if item.unsaid is not None]
    if not given:
        return None
    nothing = np.zeros_like(given[0])
    rows = [nothing if item.unsaid is None else item.unsaid for item in items]
    return torch.from_numpy(np.stack(rows))


def _soft(items: Sequence[Features], mask: NDArray[np.bool_]) -> torch.Tensor | None:
    given = [item.soft for item in items if item.soft is not None]
    if not given:
        return None
    shape = mask.shape if given[0].ndim == 2 else mask.shape[:1]
    padded = np.full((*shape, given[0].shape[-1]), np.nan, dtype=np.float32)
    for row, item in enumerate(items):
        if item.soft is not None:
            padded[(row, slice(len(item))) if item.soft.ndim == 2 else row] = item.soft
    return torch.from_numpy(padded)


def _pad(rows: Sequence[NDArray[Any]], mask: NDArray[np.bool_], filler: int) -> NDArray[np.int64]:
    padded = np.full(mask.shape, filler, dtype=np.int64)
    padded[mask] = np.concatenate(rows)
    return padded
