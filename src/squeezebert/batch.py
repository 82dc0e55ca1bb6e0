"""Several token sequences in a row, without padding: what every backend takes.

Axes: ``tokens`` is the sum of all lengths, ``sequences`` their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from squeezebert.errors import InvalidInputError

Int32 = NDArray[np.int32]


class Sequenced(Protocol):
    """Anything that carries the ids of one sequence."""

    @property
    def input_ids(self) -> Int32:
        """(length,)"""
        ...

    @property
    def token_type_ids(self) -> Int32:
        """(length,)"""
        ...


@dataclass(frozen=True, eq=False)
class RaggedBatch:
    """Token sequences laid end to end.

    Args:
        input_ids: (tokens,) int32.
        cu_seqlens: (sequences + 1,) int32, the running sum of the lengths, starting at 0:
            sequence ``i`` is ``input_ids[cu_seqlens[i]:cu_seqlens[i + 1]]``.
        token_type_ids: (tokens,) int32.

    Raises:
        InvalidInputError: shapes that do not fit together, or an empty sequence.

    >>> batch = RaggedBatch.of([np.array([2, 9, 3]), np.array([2, 3])])
    >>> batch.cu_seqlens.tolist(), batch.lengths.tolist()
    ([0, 3, 5], [3, 2])
    """

    input_ids: Int32
    cu_seqlens: Int32
    token_type_ids: Int32

    def __post_init__(self) -> None:
        if self.input_ids.ndim != 1 or self.input_ids.shape != self.token_type_ids.shape:
            raise InvalidInputError(
                f"input_ids has shape {self.input_ids.shape} and token_type_ids "
                f"{self.token_type_ids.shape}, expected the same (tokens,)"
            )
        ends = self.cu_seqlens
        if ends.ndim != 1 or len(ends) < 1 or ends[0] != 0 or ends[-1] != len(self.input_ids):
            raise InvalidInputError(
                f"cu_seqlens must run from 0 to the number of tokens, {len(self.input_ids)}"
            )
        if np.any(np.diff(ends) < 1):
            raise InvalidInputError("cu_seqlens must grow: a sequence has at least one token")

    @classmethod
    def of(cls, sequences: Iterable[NDArray[np.integer]]) -> RaggedBatch:
        """Sequences of ids, all of token type 0."""
        rows = [np.asarray(row, dtype=np.int32) for row in sequences]
        return cls._join(rows, [np.zeros_like(row) for row in rows])

    @classmethod
    def from_features(cls, features: Iterable[Sequenced]) -> RaggedBatch:
        """The sequences of ``features`` in their order."""
        items = list(features)
        return cls._join([f.input_ids for f in items], [f.token_type_ids for f in items])

    @classmethod
    def _join(cls, ids: list[Int32], types: list[Int32]) -> RaggedBatch:
        ends = np.zeros(len(ids) + 1, dtype=np.int32)
        np.cumsum([len(row) for row in ids], out=ends[1:])
        empty = np.zeros(0, dtype=np.int32)
        return cls(
            input_ids=np.concatenate([empty, *ids]).astype(np.int32, copy=False),
            cu_seqlens=ends,
            token_type_ids=np.concatenate([empty, *types]).astype(np.int32, copy=False),
        )

    def __len__(self) -> int:
        """The number of sequences."""
        return len(self.cu_seqlens) - 1

    @property
    def lengths(self) -> Int32:
        """(sequences,) the number of tokens of each."""
        return np.diff(self.cu_seqlens)

    def padded(self, pad_token_id: int) -> tuple[NDArray[np.int64], NDArray[np.bool_], Int32]:
        """The batch as a rectangle, for a backend that needs one.

        Returns:
            ``(input_ids, attention_mask, token_type_ids)``, each (sequences, longest). Row-major
            indexing by ``attention_mask`` gives the tokens back in ragged order.
        """
        longest = int(self.lengths.max(initial=0))
        attention_mask = np.arange(longest)[None, :] < self.lengths[:, None]
        input_ids = np.full(attention_mask.shape, pad_token_id, dtype=np.int64)
        token_type_ids = np.zeros(attention_mask.shape, dtype=np.int32)
        input_ids[attention_mask] = self.input_ids
        token_type_ids[attention_mask] = self.token_type_ids
        return input_ids, attention_mask, token_type_ids


def plan_batches(
    lengths: Sequence[int], batch_tokens: int, *, pads: bool = True
) -> list[list[int]]:
    """Which inputs go together: alike in length, longest first, at most ``batch_tokens`` tokens,
    padding included if the backend ``pads``.

    >>> plan_batches([2, 9, 3, 8], batch_tokens=20)
    [[1, 3], [2, 0]]
    >>> plan_batches([2, 9, 3, 8], batch_tokens=20, pads=False)
    [[1, 3, 2], [0]]
    """
    batches: list[list[int]] = []
    room = 0
    for index in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        cost = lengths[batches[-1][0]] if pads and batches else lengths[index]
        if not batches or cost > room:
            batches.append([])
            room, cost = batch_tokens, lengths[index]
        batches[-1].append(index)
        room -= cost
    return batches
