"""IOB2 tags to entities and back, as the CoNLL scorer reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from squeezebert.errors import InvalidInputError


@dataclass(frozen=True, kw_only=True)
class Entity:
    """A named stretch of a text; a word with its label, where a model labels words.

    Args:
        text: ``source[start:end]``, where ``source`` is the text that was given.
        type: Its kind, such as ``PER``; the label of a word, such as ``NOUN``.
        start: Its first character.
        end: The character after its last.
        score: The least probability among the tags of its words.
    """

    text: str
    type: str
    start: int
    end: int
    score: float


Entities: TypeAlias = tuple[Entity, ...]
"""The entities of a text, in its order."""


class WordSpan(NamedTuple):
    """An entity over words ``start`` up to, not including, ``end``."""

    start: int
    end: int
    type: str


def split_tag(tag: str) -> tuple[str, str]:
    """``B-PER`` as ``("B", "PER")``, ``O`` as ``("O", "")``.

    Raises:
        InvalidInputError: not an IOB2 tag.

    >>> split_tag("I-B-DNA")
    ('I', 'B-DNA')
    """
    prefix, _, kind = tag.partition("-")
    if tag == "O" or (prefix in ("B", "I") and kind):
        return prefix, kind
    raise InvalidInputError(
        f"{tag!r} is not an IOB2 tag, expected O, B-TYPE or I-TYPE",
        hint="the data readers turn IOB1 and IOBES into IOB2",
    )


def spans_from_tags(tags: Sequence[str]) -> list[WordSpan]:
    """The entities of one sentence, in order.

    An ``I-X`` that follows neither ``B-X`` nor ``I-X`` starts a new entity, as in conlleval.

    Raises:
        InvalidInputError: something that is not an IOB2 tag.

    >>> spans_from_tags(["B-PER", "I-PER", "O", "I-LOC", "I-ORG"])  # doctest: +ELLIPSIS
    [WordSpan(start=0, end=2, type='PER'), WordSpan(start=3, end=4, type='LOC'), ...]
    """
    spans: list[WordSpan] = []
    start, inside = 0, ""
    for index, tag in enumerate(tags):
        prefix, kind = split_tag(tag)
        if prefix == "I" and kind == inside:
            continue
        if inside:
            spans.append(WordSpan(start, index, inside))
        start, inside = index, kind
    if inside:
        spans.append(WordSpan(start, len(tags), inside))
    return spans


def tags_from_spans(spans: Iterable[WordSpan], length: int) -> list[str]:
    """The IOB2 tags of a sentence of ``length`` words.

    Raises:
        InvalidInputError: an empty span, one outside the sentence, or two that overlap.

    >>> tags_from_spans([WordSpan(1, 3, "LOC")], 4)
    ['O', 'B-LOC', 'I-LOC', 'O']
    """
    tags = ["O"] * length
    for start, end, kind in spans:
        if not 0 <= start < end <= length:
            raise InvalidInputError(f"the span {start} to {end} is not within {length} words")
        if any(tag != "O" for tag in tags[start:end]):
            raise InvalidInputError(f"the span {start} to {end} overlaps another one")
        tags[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
    return tags


class EntityCounts:
    """Counts entities over sentences: one is right if its words and its type are.

    >>> counts = EntityCounts()
    >>> counts.add(true=["B-PER", "I-PER", "O"], predicted=["B-PER", "I-PER", "B-LOC"])
    >>> counts.right, counts.predicted["LOC"], counts.types
    (Counter({'PER': 1}), 1, ['LOC', 'PER'])
    """

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.predicted: Counter[str] = Counter()
        self.true: Counter[str] = Counter()

    def add(self, *, true: Sequence[str], predicted: Sequence[str]) -> None:
        """Counts one sentence, given as IOB2 tags."""
        self.add_spans(true=spans_from_tags(true), predicted=spans_from_tags(predicted))

    def add_spans(self, *, true: Sequence[WordSpan], predicted: Sequence[WordSpan]) -> None:
        """Counts one sentence, given as entities."""
        self.true.update(span.type for span in true)
        self.predicted.update(span.type for span in predicted)
        self.right.update(span.type for span in set(true) & set(predicted))

    @property
    def types(self) -> list[str]:
        """The types seen, sorted."""
        return sorted(self.true | self.predicted)
