"""Sequences of one length out of token streams, in an order that is a function of the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.errors import ConfigError
from squeezebert.training.loop.batches import generator
from squeezebert.training.pretraining.corpus import STRETCH, TokenStream


class PackedSequences:
    """Sequences of one length without padding: ``[CLS] … [SEP]``, the text between cut wherever
    it falls; documents follow each other with ``[SEP]`` between.

    Each epoch shifts the cuts and shuffles anew, both by (seed, epoch) alone.

    Args:
        streams: The tokenized sources.
        length: Tokens a sequence.
        seed: Of shifts and order.
        cls_id: What a sequence starts with.
        sep_id: What it ends with.

    Raises:
        ConfigError: less text than one sequence.

    >>> stream = TokenStream(np.arange(10, 40), np.arange(0), 1.0, "")
    >>> packed = PackedSequences([stream], length=8, seed=0, cls_id=2, sep_id=3)
    >>> packed.per_epoch, packed.rows(0, np.array([0, 1])).shape
    (4, (2, 8))
    """

    def __init__(
        self,
        streams: Sequence[TokenStream],
        *,
        length: int,
        seed: int,
        cls_id: int,
        sep_id: int,
    ) -> None:
        self._streams = [s for s in streams if len(s.train) >= length - 2]
        self._body = length - 2
        self._seed = seed
        self._ends = (cls_id, sep_id)
        self._plan: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None
        self.per_epoch = sum(sum(self._copies(stream)) for stream in self._streams)
        if self.per_epoch == 0:
            raise ConfigError(
                f"the corpus has {sum(len(s.train) for s in streams)} tokens to train on, "
                f"fewer than one sequence of {length}",
                hint="give more text or lower corpus.sequence_length",
            )

    def _windows(self, stream: TokenStream) -> int:
        # As many as fit whatever the shift, so that all epochs are of one length.
        return max((len(stream.train) + 1) // self._body - 1, 1)

    def _copies(self, stream: TokenStream) -> list[int]:
        """Windows of each reading of the stream; the last reading may be a part."""
        windows = self._windows(stream)
        whole, part = divmod(stream.weight, 1.0)
        return [windows] * int(whole) + [round(part * windows)]

    def rows(self, epoch: int, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n, length) token ids of the sequences at ``indices`` of an epoch's order."""
        streams, starts = self._epoch_plan(epoch)
        bodies = np.empty((len(indices), self._body), dtype=np.int64)
        for number in np.unique(streams[indices]):
            mine = streams[indices] == number
            windows = np.lib.stride_tricks.sliding_window_view(
                np.asarray(self._streams[number].train), self._body
            )
            bodies[mine] = windows[starts[indices[mine]]]
        return _with_ends(bodies, self._ends)

    def document_ids(self, epoch: int, indices: NDArray[np.int64]) -> NDArray[np.int32]:
        """(n, length) the number of each token's document within its row, from 0; ``[CLS]`` counts
        to the first document and the last ``[SEP]`` to the last.
        """
        streams, starts = self._epoch_plan(epoch)
        bodies = np.empty((len(indices), self._body), dtype=np.int64)
        for number in np.unique(streams[indices]):
            mine = streams[indices] == number
            places = starts[indices[mine]][:, None] + np.arange(self._body)
            bodies[mine] = np.searchsorted(
                self._streams[number].train_documents, places, side="right"
            )
        return _document_rows(bodies)

    def taught(self, epoch: int, indices: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """(n,) whether teachers teach on the sequences; None where they do on all of the corpus."""
        if all(stream.taught for stream in self._streams):
            return None
        streams, _ = self._epoch_plan(epoch)
        return np.array([stream.taught for stream in self._streams])[streams[indices]]

    def _epoch_plan(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if self._plan is None or self._plan[0] != epoch:
            draw = generator(self._seed, 1, epoch)
            streams: list[NDArray[np.int64]] = []
            starts: list[NDArray[np.int64]] = []
            for number, stream in enumerate(self._streams):
                windows = self._windows(stream)
                room = min(len(stream.train) - windows * self._body, self._body - 1)
                for count in self._copies(stream):
                    chosen = draw.permutation(windows)[:count]
                    starts.append(draw.integers(room + 1) + chosen * self._body)
                    streams.append(np.full(count, number, dtype=np.int64))
            order = draw.permutation(self.per_epoch)
            self._plan = (epoch, np.concatenate(streams)[order], np.concatenate(starts)[order])
        return self._plan[1], self._plan[2]


@dataclass(frozen=True, eq=False)
class HeldOutText:
    """Held-out text as one array of tokens, from which every run measures the same.

    Args:
        input_ids: (tokens,) ids.
        documents: (tokens,) which document each is of.
        taught: (tokens,) whether teachers teach on it.
    """

    input_ids: NDArray[np.int64]
    documents: NDArray[np.int64]
    taught: NDArray[np.bool_]

    @classmethod
    def of(cls, streams: Sequence[TokenStream], limit: int) -> HeldOutText:
        """At most ``limit`` tokens of all streams, in stretches spread evenly."""
        ids = np.concatenate([stream.held_out.astype(np.int64) for stream in streams])
        taught = np.concatenate([np.full(len(s.held_out), s.taught) for s in streams])
        begins = np.zeros(len(ids), dtype=np.int64)
        at = 0
        for stream in streams:
            begins[at + stream.held_out_documents] = 1
            at += len(stream.held_out)
            begins[at : at + 1] = 1
        if len(ids) > limit:
            stretch = min(STRETCH, limit)
            chosen = np.linspace(0, len(ids) // stretch - 1, limit // stretch).astype(np.int64)
            begins[chosen * stretch] = 1
            places = (chosen[:, None] * stretch + np.arange(stretch)).ravel()
            ids, begins, taught = ids[places], begins[places], taught[places]
        return cls(ids, np.cumsum(begins), taught)

    def rows(self, values: NDArray[Any], length: int, ends: tuple[int, int]) -> NDArray[np.int64]:
        """(n, length) ``values``, one a token, in rows between ``ends``; a last part of a row is
        left out.
        """
        body = length - 2
        return _with_ends(values[: len(values) // body * body].reshape(-1, body), ends)

    def taught_rows(self, length: int) -> NDArray[np.bool_] | None:
        """(n,) as :meth:`PackedSequences.taught`: whether teachers teach on all of a row."""
        if self.taught.all():
            return None
        rows = self.rows(self.taught, length, (1, 1))
        return np.all(rows == 1, axis=1)

    def document_ids(self, length: int) -> NDArray[np.int32]:
        """As :meth:`PackedSequences.document_ids`, for :meth:`rows` of this length."""
        body = length - 2
        return _document_rows(
            self.documents[: len(self.documents) // body * body].reshape(-1, body)
        )


def _with_ends(bodies: NDArray[Any], ends: tuple[int, int]) -> NDArray[np.int64]:
    rows = np.empty((len(bodies), bodies.shape[1] + 2), dtype=np.int64)
    rows[:, 0], rows[:, -1] = ends
    rows[:, 1:-1] = bodies
    return rows


def _document_rows(bodies: NDArray[np.int64]) -> NDArray[np.int32]:
    counted = bodies - bodies[:, :1]
    return np.concatenate([counted[:, :1], counted, counted[:, -1:]], axis=1).astype(np.int32)
