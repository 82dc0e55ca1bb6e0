"""Texts with named spans by character offsets, in JSON lines."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast

from squeezebert.data.examples import Span, TokenExample
from squeezebert.data.lines import read_lines
from squeezebert.data.messages import OnBad, broken, listed, refuse, shown
from squeezebert.data.records import Row, field, json_rows, matches, string
from squeezebert.data.tags import is_tag
from squeezebert.data.words import split_words
from squeezebert.errors import DataError, near


def read_spans(
    path: str | os.PathLike[str],
    *,
    text: str = "text",
    entities: str = "entities",
    types: Collection[str] | None = None,
    only: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    bad: OnBad = refuse,
) -> list[TokenExample]:
    """Texts with entities out of JSON lines such as::

        {"text": "Ada met Bo.", "entities": [{"start": 0, "end": 3, "type": "PER"}]}

    ``start`` and ``end`` count Unicode characters, ``end`` is the first one after the entity. An
    entity may carry its own ``"text"``, which is then compared. The text is cut into words by
    :func:`squeezebert.data.words.split_words`, and further where an entity starts or ends within
    a word, so that every entity is whole words. White space at its edges is not part of it.

    Args:
        path: The file, plain, ``.gz`` or ``.xz``.
        text: The field of the text.
        entities: The field of the entities.
        types: The entity types that may stand there; any where None.
        only: Take only lines that hold these values, such as ``{"split": "train"}``.
        encoding: Of the file.
        bad: Gets the errors that concern one line, which is then left out.

    Raises:
        DataError: a line that is not as described: an entity outside the text, over nothing but
            white space, overlapping another one, of an unknown type, or with another text.
    """
    examples: list[TokenExample] = []
    for where, row in json_rows(read_lines(path, encoding=encoding), str(path), bad=bad):
        if only is not None and not matches(row, only, where):
            continue
        try:
            examples.append(read_span_row(row, where, text=text, entities=entities, types=types))
        except DataError as error:
            bad(error)
    if not examples:
        kept = "" if only is None else f" with {dict(only)!r}"
        raise broken(str(path), f"no texts{kept}", "at least one JSON object", "check the file")
    return examples


def read_span_row(
    row: Row,
    where: str,
    *,
    text: str = "text",
    entities: str = "entities",
    types: Collection[str] | None = None,
) -> TokenExample:
    """One text of :func:`read_spans`, with its entities.

    Args:
        row: Its fields.
        where: File and line, for messages.
        text: The field of the text.
        entities: The field of the entities.
        types: The entity types that may stand there; any where None.

    Raises:
        DataError: as for :func:`read_spans`.
    """
    body = string(row, text, where)
    if not body.strip():
        raise broken(where, "the text is empty", "some text", "take the line out")
    listing = field(row, entities, where)
    if not isinstance(listing, list):
        raise broken(
            where,
            f"{entities!r} is {shown(listing)}",
            "a list of entities",
            "write [] where there are none",
        )
    spans = [_span(entity, body, types, where) for entity in cast(list[object], listing)]
    return tag_text(body, spans, where=where)


def tag_text(text: str, spans: Iterable[Span], *, where: str = "") -> TokenExample:
    """An example out of running text and its entities, cut into words and tagged with IOB2.

    Args:
        text: The text.
        spans: The entities, in any order.
        where: ``file:line``, for messages.

    Raises:
        DataError: spans that overlap, stand outside the text, or hold no word.

    >>> example = tag_text("Swansea-based Ada", [Span(start=0, end=7, type="LOC")])
    >>> example.words, example.tags
    (('Swansea', '-based', 'Ada'), ('B-LOC', 'O', 'O'))
    """
    ordered = sorted(spans, key=lambda span: (span.start, span.end))
    previous: Span | None = None
    for span in ordered:
        if not 0 <= span.start < span.end <= len(text):
            raise broken(
                where or "text",
                f"an entity from {span.start} to {span.end}",
                f"0 ≤ start < end ≤ {len(text)}, the length of the text",
                "offsets count Unicode characters, not bytes; end is the character after it",
            )
        if previous is not None and span.start < previous.end:
            raise broken(
                where or "text",
                f"the entity from {span.start} to {span.end} overlaps the one from "
                f"{previous.start} to {previous.end}",
                "entities side by side",
                "keep the outer or the inner one; nested entities are not supported",
            )
        previous = span
    edges = sorted({edge for span in ordered for edge in (span.start, span.end)})
    offsets = _cut(split_words(text), edges)
    tags = ["O"] * len(offsets)
    word = 0
    for span in ordered:
        while word < len(offsets) and offsets[word][0] < span.start:
            word += 1
        first = word
        while word < len(offsets) and offsets[word][1] <= span.end:
            tags[word] = f"{'B' if word == first else 'I'}-{span.type}"
            word += 1
        if word == first:
            raise broken(
                where or "text",
                f"the entity from {span.start} to {span.end} is "
                f"{shown(text[span.start : span.end])}",
                "at least one letter, digit or sign",
                "offsets count Unicode characters, not bytes; end is the character after it",
            )
    return TokenExample(
        words=tuple(text[start:end] for start, end in offsets),
        offsets=tuple(offsets),
        text=text,
        tags=tuple(tags),
        where=where,
    )


def _cut(words: Sequence[tuple[int, int]], edges: Sequence[int]) -> list[tuple[int, int]]:
    """The words, cut at the edges that fall inside them; both in order."""
    pieces: list[tuple[int, int]] = []
    at = 0
    for start, end in words:
        while at < len(edges) and edges[at] <= start:
            at += 1
        while at < len(edges) and edges[at] < end:
            pieces.append((start, edges[at]))
            start = edges[at]
            at += 1
        pieces.append((start, end))
    return pieces


def _span(entity: object, text: str, types: Collection[str] | None, where: str) -> Span:
    if not isinstance(entity, dict):
        raise broken(
            where,
            f"the entity {shown(entity)}",
            'an object such as {"start": 0, "end": 3, "type": "PER"}',
            "write each entity as an object",
        )
    row = cast(Row, entity)
    start, end = _offset(row, "start", where), _offset(row, "end", where)
    kind = string(row, "type", where)
    if not is_tag(f"B-{kind}"):
        raise broken(
            where,
            f"the entity type {shown(kind)}",
            "a name without outer spaces, '=' or '|', and not O",
            "correct the type",
        )
    if types is not None and kind not in types:
        raise broken(
            where,
            f"unknown entity type {shown(kind)}",
            f"one of {listed(sorted(types))}",
            near(kind, types) or "correct the type, or add it to the types",
        )
    if "text" in row and string(row, "text", where) != text[start:end]:
        raise broken(
            where,
            f"the entity from {start} to {end} is {shown(text[start:end])} in the text",
            f"{shown(row['text'])} as it says itself",
            "offsets count Unicode characters, not bytes or UTF-16 units",
        )
    return Span(start=start, end=end, type=kind)


def _offset(row: Row, name: str, where: str) -> int:
    value = field(row, name, where)
    if not isinstance(value, int) or isinstance(value, bool):
        raise broken(
            where, f"{name!r} is {shown(value)}", "a whole number", "write it without quotes"
        )
    return value
