"""Batches of single sentences, for encoders that give a text one vector."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from squeezebert.errors import ConfigError
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.loop.batches import Batch, generator
from squeezebert.training.pretraining.corpus import TokenStream
from squeezebert.training.recipe.run import PretrainRecipe

SHORTEST = 3
"""Tokens, at least, of a sentence that is worth a vector."""

POOL = 16
"""Batches whose sentences are sorted by length together, so that little is padded."""


class SentenceBatches:
    """Sentences by the batch, numbered (see :class:`~batches.BatchSource`).

    Which sentences come together is a function of (seed, epoch) alone.

    Args:
        recipe: Sequence length, batch size and seed.
        streams: The corpus, with ``[SEP]`` after each sentence.
        tokenizer: Special tokens.

    Raises:
        ConfigError: fewer sentences than a batch has.
    """

    def __init__(
        self, recipe: PretrainRecipe, streams: Sequence[TokenStream], tokenizer: Tokenizer
    ) -> None:
        self._streams = streams
        self._tokenizer = tokenizer
        self._seed = recipe.loop.seed
        self._size = recipe.loop.batch_size
        self._length = recipe.corpus.sequence_length
        self._bounds = [sentence_bounds(stream.train, tokenizer.sep_id) for stream in streams]
        self._plan: tuple[int, NDArray[np.int64]] | None = None
        sentences = sum(
            round(stream.weight * len(bounds))
            for stream, bounds in zip(streams, self._bounds, strict=True)
        )
        self._per_epoch = sentences // self._size
        if not self._per_epoch:
            raise ConfigError(
                f"the corpus has {sentences} sentences to train on, fewer than the "
                f"{self._size} of a batch",
                hint="give more text or lower loop.batch_size",
            )
        content = json.dumps([(stream.key, stream.weight) for stream in streams])
        self.key = hashlib.sha256(content.encode()).hexdigest()[:24]

    def batch(self, number: int) -> Batch:
        """Batch ``number``: an epoch's last sentences that fill no batch are left out of it."""
        epoch, index = divmod(number, self._per_epoch)
        chosen = self._epoch_plan(epoch)[index]
        return sentence_batch(
            [self._streams[stream].train[start:end] for stream, start, end in chosen],
            self._tokenizer,
            self._length,
        )

    def epoch(self, number: int) -> int:
        """The epoch of batch ``number``."""
        return number // self._per_epoch

    def batches_in(self, epochs: float) -> int:
        """Batches of the first ``epochs``, at least one."""
        return max(round(epochs * self._per_epoch), 1)

    def _epoch_plan(self, epoch: int) -> NDArray[np.int64]:
        """(batches, batch size, 3) stream, start and end of each sentence."""
        if self._plan is None or self._plan[0] != epoch:
            draw = generator(self._seed, 5, epoch)
            found: list[NDArray[np.int64]] = []
            for number, (stream, bounds) in enumerate(
                zip(self._streams, self._bounds, strict=True)
            ):
                wanted = round(stream.weight * len(bounds))
                readings = -(-wanted // max(len(bounds), 1))
                order = np.concatenate(
                    [
                        np.zeros(0, np.int64),
                        *(draw.permutation(len(bounds)) for _ in range(readings)),
                    ]
                )[:wanted]
                numbers = np.full((wanted, 1), number)
                found.append(np.concatenate([numbers, bounds[order]], axis=1))
            rows = draw.permutation(np.concatenate(found))[: self._per_epoch * self._size]
            pool = POOL * self._size
            for start in range(0, len(rows), pool):
                part = rows[start : start + pool]
                rows[start : start + pool] = part[np.argsort(part[:, 2] - part[:, 1])]
            batches = rows.reshape(self._per_epoch, self._size, 3)
            self._plan = (epoch, draw.permutation(batches))
        return self._plan[1]


def sentence_bounds(ids: NDArray[np.integer], sep_id: int) -> NDArray[np.int64]:
    """(n, 2) where sentences of at least :data:`SHORTEST` tokens begin and end in a stream.

    >>> sentence_bounds(np.array([7, 8, 9, 3, 5, 3, 4, 4, 4, 4, 3]), sep_id=3).tolist()
    [[0, 3], [6, 10]]
    """
    ends = np.flatnonzero(np.asarray(ids) == sep_id)
    starts = np.concatenate([[0], ends[:-1] + 1])[: len(ends)]
    bounds = np.stack([starts, ends], axis=1).astype(np.int64)
    return bounds[ends - starts >= SHORTEST]


def sentence_batch(
    sentences: Sequence[NDArray[np.integer]], tokenizer: Tokenizer, length: int
) -> Batch:
    """Sentences between ``[CLS]`` and ``[SEP]``, cut at ``length`` tokens and padded to the
    longest.
    """
    bodies = [sentence[: length - 2] for sentence in sentences]
    width = max(map(len, bodies)) + 2
    ids = np.full((len(bodies), width), tokenizer.pad_id, dtype=np.int64)
    mask = np.zeros((len(bodies), width), dtype=np.bool_)
    for row, body in enumerate(bodies):
        end = len(body) + 1
        ids[row, 0], ids[row, 1:end], ids[row, end] = tokenizer.cls_id, body, tokenizer.sep_id
        mask[row, : end + 1] = True
    inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    if mask.all():
        del inputs["attention_mask"]
    tokens = int(mask.sum())
    return Batch(
        inputs=inputs, labels=torch.zeros(0, dtype=torch.int64), targets=tokens, tokens=tokens
    )


def held_out_sentences(
    streams: Sequence[TokenStream], recipe: PretrainRecipe, tokenizer: Tokenizer
) -> list[Batch]:
    """Held-out sentences, at most ``corpus.held_out_tokens`` of them spread evenly over the text.

    Raises:
        ConfigError: none.
    """
    found = [
        np.asarray(stream.held_out[start:end])
        for stream in streams
        for start, end in sentence_bounds(stream.held_out, tokenizer.sep_id)
    ]
    share = recipe.corpus.held_out_tokens / max(sum(map(len, found)), 1)
    count = min(len(found), int(share * len(found)))
    chosen = np.linspace(0, len(found) - 1, count).astype(np.int64)
    size = recipe.loop.batch_size
    batches = [
        sentence_batch(
            [found[index] for index in chosen[start : start + size]],
            tokenizer,
            recipe.corpus.sequence_length,
        )
        for start in range(0, count - 1, size)  # one alone resembles nothing
    ]
    if not batches:
        raise ConfigError(
            "the corpus is too small to hold sentences out for the dev loss",
            hint="give more text, lower corpus.held_out_every or raise corpus.held_out_tokens",
        )
    return batches
