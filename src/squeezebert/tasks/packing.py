"""Laying the turns of a document into model inputs, nothing left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from squeezebert.tokenizer import Tokenizer


class Packed(NamedTuple):
    """One model input.

    Args:
        input_ids: (length,) int32, [CLS] and [SEP] included.
        sources: (length,) int64, where each token stands among all tokens of the document; -1 for
            the [CLS] and [SEP] put around them.
    """

    input_ids: NDArray[np.int32]
    sources: NDArray[np.int64]


class TurnPacker:
    """Packs turns as ``[CLS] turn [SEP] turn [SEP] …``, as many whole ones as fit.

    A turn that is too long for an input of its own is cut, before the start of a word where one is
    in the second half of the piece. Turns without tokens are passed over.

    Args:
        tokenizer: Gives the special tokens, and says which tokens start a word.
        max_length: The most tokens of an input, at least 3.

    >>> tokenizer = Tokenizer.from_vocabulary(
    ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"], lowercase=True
    ... )
    >>> packer = TurnPacker(tokenizer, max_length=6)
    >>> turns = [np.array([5, 6]), np.array([5]), np.array([6])]
    >>> [packed.input_ids.tolist() for packed in packer.pack(turns)]
    [[2, 5, 6, 3, 5, 3], [2, 6, 3]]
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        self._cls_id, self._sep_id = tokenizer.cls_id, tokenizer.sep_id
        self._starts_word = np.array([not token.startswith("##") for token in tokenizer.tokens])
        self._max_length = max_length

    def pack(self, turns: Sequence[NDArray[np.int32]]) -> list[Packed]:
        """The inputs for one document, given as the ids of each turn."""
        inputs: list[list[tuple[NDArray[np.int32], int]]] = []
        room = 0
        at = 0
        for turn in turns:
            for start, end in self._cut(turn):
                needed = end - start + 1
                if needed > room:
                    inputs.append([])
                    room = self._max_length - 1
                inputs[-1].append((turn[start:end], at + start))
                room -= needed
            at += len(turn)
        return [self._join(pieces) for pieces in inputs]

    def _cut(self, ids: NDArray[np.int32]) -> Iterator[tuple[int, int]]:
        most = self._max_length - 2
        start = 0
        while start < len(ids):
            end = min(start + most, len(ids))
            if end < len(ids):
                cuts = np.flatnonzero(self._starts_word[ids[start + 1 : end + 1]])
                if len(cuts) and 2 * (cuts[-1] + 1) >= most:
                    end = start + 1 + int(cuts[-1])
            yield start, end
            start = end

    def _join(self, pieces: Sequence[tuple[NDArray[np.int32], int]]) -> Packed:
        ids = [np.array([self._cls_id], dtype=np.int32)]
        sources = [np.array([-1], dtype=np.int64)]
        for piece, start in pieces:
            ids += [piece, np.array([self._sep_id], dtype=np.int32)]
            sources += [np.arange(start, start + len(piece)), np.array([-1], dtype=np.int64)]
        return Packed(np.concatenate(ids).astype(np.int32), np.concatenate(sources))
