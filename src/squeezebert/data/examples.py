"""What the readers give and the tasks take: one labeled item of a data set."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from squeezebert.errors import InvalidInputError


@dataclass(frozen=True, kw_only=True, slots=True)
class TextExample:
    """A text, or a pair of texts, with its class.

    Args:
        text: The text.
        pair: The second text of a pair, or None.
        label: A class name; several for multi-label data; a number for regression; None if
            unknown.
        where: ``file:line`` it came from, for messages.
        soft: (labels,) float, how probable a teacher thinks each class, in the order of the data
            set's labels; None where there is no teacher. Such an example is trained on and not
            scored.
    """

    text: str
    pair: str | None = None
    label: str | tuple[str, ...] | float | None = None
    where: str = ""
    soft: NDArray[np.floating] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A named stretch of a text: characters ``start`` up to, not including, ``end``."""

    start: int
    end: int
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenExample:
    """A sentence or text in words, with one tag a word.

    ``text`` holds the words as the user sees them and ``offsets`` says where each stands. CoNLL
    files keep no spacing, so there the text is the words joined by single spaces.

    Args:
        words: The words.
        offsets: ``(start, end)`` of each word in ``text``, in characters.
        text: The text.
        tags: One IOB2 tag a word (``O``, ``B-PER``, ``I-PER``, …), or None if unknown.
        where: ``file:line`` it came from, for messages.
        types: The entity types that its annotators looked for, or None for all there are: of a
            word that they left untagged it is known only that it is none of these.
        soft: (words, labels) float, what a teacher thinks each word is, as probabilities in the
            order of the data set's labels; None where there is no teacher. Such an example is
            trained on and not scored.

    Raises:
        InvalidInputError: words, offsets, tags and soft labels of different lengths.

    >>> TokenExample.from_words(["Ada", "wrote", "it"], ["B-PER", "O", "O"]).text
    'Ada wrote it'
    """

    words: tuple[str, ...]
    offsets: tuple[tuple[int, int], ...]
    text: str
    tags: tuple[str, ...] | None = None
    where: str = ""
    types: tuple[str, ...] | None = None
    soft: NDArray[np.floating] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.words) != len(self.offsets):
            raise InvalidInputError(f"{len(self.words)} words but {len(self.offsets)} offsets")
        if self.tags is not None and len(self.tags) != len(self.words):
            raise InvalidInputError(f"{len(self.words)} words but {len(self.tags)} tags")
        if self.soft is not None and len(self.soft) != len(self.words):
            raise InvalidInputError(f"{len(self.words)} words but {len(self.soft)} soft labels")

    @classmethod
    def from_words(
        cls, words: list[str], tags: list[str] | None = None, where: str = ""
    ) -> TokenExample:
        """Words without known spacing, joined by single spaces."""
        offsets: list[tuple[int, int]] = []
        at = 0
        for word in words:
            offsets.append((at, at + len(word)))
            at += len(word) + 1
        return cls(
            words=tuple(words),
            offsets=tuple(offsets),
            text=" ".join(words),
            tags=None if tags is None else tuple(tags),
            where=where,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A dialogue, one turn an item, or a plain text, one paragraph an item."""

    turns: tuple[str, ...]
    where: str = ""
