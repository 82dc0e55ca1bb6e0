"""The batches of pretraining: packed sequences, masked; and held-out text, always the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from squeezebert.tasks.base import IGNORE_INDEX
from squeezebert.tasks.masking import mask_tokens
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.loop.batches import Batch, generator
from squeezebert.training.pretraining.corpus import TokenStream
from squeezebert.training.pretraining.sequences import HeldOutText, PackedSequences
from squeezebert.training.recipe.run import PretrainRecipe

DEV_SEED, DEV_RATE = 0, 0.15
"""Held-out text has the same masks in every run, so that dev losses compare."""

DEV_BATCH = 32


class PretrainingBatches:
    """Packed and masked sequences, numbered (see :class:`~batches.BatchSource`).

    Args:
        recipe: Sequence length, batch size, masking and seed.
        streams: The tokenized corpus.
        tokenizer: Special tokens and vocabulary.
    """

    def __init__(
        self, recipe: PretrainRecipe, streams: Sequence[TokenStream], tokenizer: Tokenizer
    ) -> None:
        self.packed = PackedSequences(
            streams,
            length=recipe.corpus.sequence_length,
            seed=recipe.loop.seed,
            cls_id=tokenizer.cls_id,
            sep_id=tokenizer.sep_id,
        )
        self._size = min(recipe.loop.batch_size, self.packed.per_epoch)
        self._seed = recipe.loop.seed
        self._tokenizer = tokenizer
        self._masking = recipe.masking
        self._masks = wants_masks(recipe)
        self._separate = recipe.corpus.separate_documents
        self._per_epoch = self.packed.per_epoch // self._size
        content = json.dumps([(stream.key, stream.weight) for stream in streams])
        self.key = hashlib.sha256(content.encode()).hexdigest()[:24]

    def batch(self, number: int) -> Batch:
        """Batch ``number``: an epoch's last sequences that fill no batch are left out of it."""
        epoch, index = divmod(number, self._per_epoch)
        indices = np.arange(index * self._size, (index + 1) * self._size)
        rows = self.packed.rows(epoch, indices)
        documents = self.packed.document_ids(epoch, indices) if self._separate else None
        if not self._masks:
            return plain_batch(rows, documents)
        taught = self.packed.taught(epoch, indices)
        draw = generator(self._seed, 3, number)
        if self._masking.sentence_order:
            rows, types, order = swap_segments(rows, self._tokenizer.sep_id, draw)
        else:
            types = order = None
        masked, labels = mask_tokens(
            rows,
            self._tokenizer,
            draw,
            probability=self._masking.rate,
            whole_words=self._masking.whole_words,
        )
        return masked_batch(masked, labels, types, order, documents, taught)

    def epoch(self, number: int) -> int:
        """The epoch of batch ``number``."""
        return number // self._per_epoch

    def batches_in(self, epochs: float) -> int:
        """Batches of the first ``epochs``, at least one."""
        return max(round(epochs * self._per_epoch), 1)


def masked_batch(
    input_ids: NDArray[np.integer[Any]],
    labels: NDArray[np.int64],
    types: NDArray[np.int64] | None = None,
    order: NDArray[np.int64] | None = None,
    documents: NDArray[np.int32] | None = None,
    taught: NDArray[np.bool_] | None = None,
) -> Batch:
    """Full rows (B, S) as a batch whose loss sees the masked tokens only."""
    positions = np.flatnonzero(labels != IGNORE_INDEX)
    inputs = {
        "input_ids": torch.from_numpy(input_ids.astype(np.int64)),
        "positions": torch.from_numpy(positions),
    }
    if types is not None:
        inputs["token_type_ids"] = torch.from_numpy(types)
    if documents is not None:
        inputs["document_ids"] = torch.from_numpy(documents)
    return Batch(
        inputs=inputs,
        labels=torch.from_numpy(labels.ravel()[positions]),
        targets=len(positions),
        tokens=input_ids.size,
        order=None if order is None else torch.from_numpy(order),
        taught=None if taught is None else torch.from_numpy(taught),
    )


def plain_batch(input_ids: NDArray[np.int64], documents: NDArray[np.int32] | None = None) -> Batch:
    """Full rows (B, S) as they are, for a student that learns from its teachers alone."""
    inputs = {"input_ids": torch.from_numpy(input_ids)}
    if documents is not None:
        inputs["document_ids"] = torch.from_numpy(documents)
    return Batch(
        inputs=inputs,
        labels=torch.zeros(0, dtype=torch.int64),
        targets=input_ids.size,
        tokens=input_ids.size,
    )


def swap_segments(
    rows: NDArray[np.int64], sep_id: int, draw: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Cuts each row's text in two, ``[CLS] A [SEP] B [SEP]``, and swaps every other pair or so.

    Args:
        rows: (B, S) packed sequences.
        sep_id: ``[SEP]``.
        draw: Where the chance comes from.

    Returns:
        The rows (B, S), one token of text shorter each; token types (B, S); and (B,) 1 where
        swapped, 0 where not, ``IGNORE_INDEX`` where a document ends inside.
    """
    count, length = rows.shape
    text = rows[:, 1:-2]
    cut = draw.integers(length // 4, length - length // 4, size=count)
    swapped = draw.random(count) < 0.5
    result = rows.copy()
    types = np.zeros_like(rows)
    for row in range(count):
        first, second = text[row, : cut[row]], text[row, cut[row] :]
        if swapped[row]:
            first, second = second, first
        middle = 1 + len(first)
        result[row, 1:middle] = first
        result[row, middle] = sep_id
        result[row, middle + 1 : -1] = second
        types[row, middle + 1 :] = 1
    order = np.where((text == sep_id).any(axis=1), IGNORE_INDEX, swapped).astype(np.int64)
    return result, types, order


def dev_batches(held_out: HeldOutText, recipe: PretrainRecipe, tokenizer: Tokenizer) -> list[Batch]:
    """Held-out text in sequences of the run's length.

    The same tokens are masked in all runs with this text and vocabulary, whatever their masking,
    length and batches: only what a token sees around it changes.
    """
    length, ends = recipe.corpus.sequence_length, (tokenizer.cls_id, tokenizer.sep_id)
    documents = held_out.document_ids(length) if recipe.corpus.separate_documents else None
    taught = held_out.taught_rows(length)

    def part(rows: NDArray[Any], start: int) -> NDArray[Any]:
        return rows[start : start + DEV_BATCH]

    if not wants_masks(recipe):
        rows = held_out.rows(held_out.input_ids, length, ends)
        return [
            plain_batch(part(rows, start), None if documents is None else part(documents, start))
            for start in range(0, len(rows), DEV_BATCH)
        ]
    draw = generator(DEV_SEED, 4)
    masked, labels = mask_tokens(held_out.input_ids, tokenizer, draw, probability=DEV_RATE)
    rows = held_out.rows(masked, length, ends)
    row_labels = held_out.rows(labels, length, (IGNORE_INDEX, IGNORE_INDEX))
    return [
        masked_batch(
            part(rows, start),
            part(row_labels, start),
            documents=None if documents is None else part(documents, start),
            taught=None if taught is None else part(taught, start),
        )
        for start in range(0, len(rows), DEV_BATCH)
    ]


def wants_masks(recipe: PretrainRecipe) -> bool:
    """Whether any loss wants masks: comparing states or relations alone does not."""
    learnt = recipe.distillation
    return not learnt.teachers or learnt.task > 0 or learnt.logits > 0
