"""How a teacher of another vocabulary reads a batch, and which of its words are which.

Two WordPiece tokenizers cut the same words in different pieces. A word's pieces are put together
again and cut anew, so that the teacher reads the same words; what the two models compute is then
compared word by word, pieces averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from squeezebert.tokenizer import Tokenizer
from squeezebert.training.loop.batches import Batch

CACHED_WORDS = 1 << 17


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where student and teacher are compared in a batch: at the same tokens, or at words.

    Args:
        inputs: What the teacher reads.
        shown: (B, P) the places that count.
        ours: (B, P, S) averages the student's tokens to places; None where places are tokens.
        theirs: (B, P, T) averages the teacher's tokens to places, likewise.
        first: (B, S) the teacher's first token for the word of each of the student's tokens, -1
            where it has none; None where both read the same tokens.
    """

    inputs: dict[str, Tensor]
    shown: Tensor
    ours: Tensor | None = None
    theirs: Tensor | None = None
    first: Tensor | None = None

    def of_student(self, states: Float[Tensor, "B S H"]) -> Float[Tensor, "B P H"]:
        """The student's states at the places."""
        return states if self.ours is None else self.ours @ states.float()

    def of_teacher(self, states: Float[Tensor, "B T H"]) -> Float[Tensor, "B P H"]:
        """The teacher's states at the places."""
        return states if self.theirs is None else self.theirs @ states.float()

    def at_tokens(self, logits: Float[Tensor, "B T L"]) -> Float[Tensor, "B S L"]:
        """The teacher's logits at the student's tokens: those of the word's first piece; NaN where
        it has none.
        """
        if self.first is None:
            return logits
        found = logits.gather(
            1, self.first.clamp(min=0)[..., None].expand(-1, -1, logits.shape[-1])
        )
        return found.masked_fill(self.first[..., None] < 0, torch.nan)


def same_tokens(batch: Batch) -> Alignment:
    """For a teacher of the same vocabulary."""
    return Alignment(dict(batch.inputs), _shown(batch))


class Rereader:
    """Puts batches of one vocabulary into another.

    Args:
        mine: The student's.
        theirs: The teacher's. Where it knows small letters only, it reads small letters; where the
            student does, so does a teacher that knows both.
        longest: The teacher's inputs are cut at so many tokens.
    """

    def __init__(self, mine: Tokenizer, theirs: Tokenizer, longest: int) -> None:
        self._mine = mine.tokens
        self._theirs = theirs
        self._longest = longest
        self._continues = np.array([token.startswith("##") for token in mine.tokens])
        self._ends = [mine.cls_id, mine.sep_id]
        self._special = {
            mine.unk_id: theirs.unk_id,
            mine.cls_id: theirs.cls_id,
            mine.sep_id: theirs.sep_id,
            mine.mask_id: theirs.mask_id,
        }
        self._word = lru_cache(CACHED_WORDS)(self._reread)

    def __call__(self, batch: Batch) -> Alignment:
        """The batch as the teacher reads it.

        Args:
            batch: Its token types and documents go along; ``positions`` do not, as they are tokens
                of the student's.
        """
        ids = batch.inputs["input_ids"]
        rows, shown = ids.cpu().numpy(), _shown(batch).cpu().numpy()
        lengths = shown.sum(axis=1)
        starts = ~self._continues[rows]
        starts[:, 0] = True
        starts[:, 1:] |= np.isin(rows[:, :-1], self._ends)  # the rest of a word that was cut
        starts &= shown
        words = np.where(shown, np.cumsum(starts, axis=1) - 1, -1)
        pieces = [
            self._row(row[:length], start[:length])
            for row, start, length in zip(rows, starts, lengths, strict=True)
        ]
        sizes = [np.array([len(word) for word in row]) for row in pieces]
        width = min(max(int(size.sum()) for size in sizes), self._longest)
        places = max(len(row) for row in pieces)
        their_ids = np.full((len(rows), width), self._theirs.pad_id, dtype=np.int64)
        their_words = np.full((len(rows), width), -1)
        known = np.zeros((len(rows), places), dtype=bool)
        first = np.full((len(rows), places + 1), -1)  # the last is for no word, -1
        for index, (row, size) in enumerate(zip(pieces, sizes, strict=True)):
            ends = np.cumsum(size)
            flat = np.concatenate(row)[:width]
            their_ids[index, : len(flat)] = flat
            their_words[index, : len(flat)] = np.repeat(np.arange(len(row)), size)[:width]
            known[index, : len(row)] = ends <= width
            first[index, : len(row)] = np.where(ends <= width, ends - size, -1)
        inputs = {"input_ids": their_ids, "attention_mask": their_words >= 0}
        begins = np.zeros((len(rows), places), dtype=np.int64)
        row_numbers, columns = np.nonzero(starts)
        begins[row_numbers, words[row_numbers, columns]] = columns
        for name in ("token_type_ids", "document_ids"):
            if name in batch.inputs:
                value = np.take_along_axis(batch.inputs[name].cpu().numpy(), begins, axis=1)
                inputs[name] = np.take_along_axis(value, np.maximum(their_words, 0), axis=1)
        if inputs["attention_mask"].all():
            del inputs["attention_mask"]

        def tensor(array: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(array).to(ids.device)

        return Alignment(
            inputs={name: tensor(array) for name, array in inputs.items()},
            shown=tensor(known),
            ours=tensor(_averages(words, places)),
            theirs=tensor(_averages(their_words, places)),
            first=tensor(np.take_along_axis(first, words % (places + 1), axis=1)),
        )

    def _row(self, ids: NDArray[np.int64], starts: NDArray[np.bool_]) -> list[tuple[int, ...]]:
        begins = np.flatnonzero(starts).tolist()
        values: list[int] = ids.tolist()
        return [
            self._word(tuple(values[begin:end]))
            for begin, end in zip(begins, [*begins[1:], len(values)], strict=True)
        ]

    def _reread(self, pieces: tuple[int, ...]) -> tuple[int, ...]:
        """The teacher's pieces of a word."""
        for piece in pieces:
            if piece in self._special:
                return (self._special[piece],)
        word = "".join(self._mine[piece].removeprefix("##") for piece in pieces)
        found = self._theirs.encode([word])[0].ids.tolist()
        return tuple(found) or (self._theirs.unk_id,)


def _shown(batch: Batch) -> Tensor:
    mask = batch.inputs.get("attention_mask")
    if mask is None:
        return torch.ones_like(batch.inputs["input_ids"], dtype=torch.bool)
    return mask.bool()


def _averages(words: NDArray[np.int64], places: int) -> NDArray[np.float32]:
    """(B, S) word numbers, -1 for none, as (B, places, S) weights that average a word's tokens."""
    member = (words[:, None, :] == np.arange(places)[None, :, None]).astype(np.float32)
    return member / np.maximum(member.sum(axis=2, keepdims=True), 1)
