"""Dialogues and plain text, for masked language modeling."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Literal, cast

from squeezebert.data.examples import Document
from squeezebert.data.lines import format_suffix, read_lines
from squeezebert.data.messages import broken, listed, shown
from squeezebert.data.records import checked, matches, read_json_lines
from squeezebert.errors import InvalidInputError

TURN_END = "__eou__"
"""What DailyDialog puts after each utterance."""

_EXAMPLE = 'for example {"turns": ["Hi!", "Hello."]}'

Layout = Literal["dialogues", "text", "jsonl"]


def read_documents(
    path: str | os.PathLike[str],
    *,
    layout: Layout | None = None,
    only: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> list[Document]:
    """All documents of a file, see :func:`iter_documents`.

    Raises:
        DataError: a file or line that cannot be read as asked, or a file without any document.
    """
    documents = list(iter_documents(path, layout=layout, only=only, encoding=encoding))
    if not documents:
        kept = "" if only is None else f" with {dict(only)!r}"
        raise broken(
            str(path), f"no documents{kept}", "at least one line of text", "check the file"
        )
    return documents


def iter_documents(
    path: str | os.PathLike[str],
    *,
    layout: Layout | None = None,
    only: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> Iterator[Document]:
    """The documents of a file one by one, plain, ``.gz`` or ``.xz``; memory holds one at a time.

    ==============  ============================================================================
    ``dialogues``   One dialogue a line, its turns divided by ``__eou__``. What follows a tab is
                    left out: XDailyDialog has labels there.
    ``text``        A line is a paragraph, or a turn; a blank line ends the document.
    ``jsonl``       Objects with ``"turns"``, a list of strings, or ``"text"``, one string whose
                    lines are its paragraphs.
    ==============  ============================================================================

    Empty turns are passed over; a document without any other is an error.

    Args:
        path: The file.
        layout: One of the above; where None, ``jsonl`` by the suffix, else ``dialogues`` if the
            first line with text holds ``__eou__``, else ``text``.
        only: Of ``jsonl``: take only objects that hold these values.
        encoding: Of the file.

    Raises:
        DataError: a file or line that cannot be read as asked; it names file and line.
        InvalidInputError: ``only`` for another layout than ``jsonl``.
    """
    if layout is None and format_suffix(path) in (".jsonl", ".ndjson"):
        layout = "jsonl"
    if layout == "jsonl":
        yield from _json(path, only, encoding)
        return
    if only is not None:
        raise InvalidInputError(f"only={dict(only)!r} needs a JSON lines file, not {path}")
    turns: list[str] = []
    start = 0
    for number, line in read_lines(path, encoding=encoding):
        if layout is None and line.strip():
            layout = "dialogues" if TURN_END in line else "text"
        if layout == "dialogues":
            if line.strip():
                yield _dialogue(line, f"{path}:{number}")
        elif line.strip():
            start = start if turns else number
            turns.append(line.strip())
        elif turns:
            yield Document(turns=tuple(turns), where=f"{path}:{start}")
            turns = []
    if turns:
        yield Document(turns=tuple(turns), where=f"{path}:{start}")


def _dialogue(line: str, where: str) -> Document:
    parts = (part.strip() for part in line.partition("\t")[0].split(TURN_END))
    turns = tuple(part for part in parts if part)
    if not turns:
        raise broken(where, "a dialogue without words", "turns divided by __eou__", "take it out")
    return Document(turns=turns, where=where)


def _json(
    path: str | os.PathLike[str], only: Mapping[str, str] | None, encoding: str
) -> Iterator[Document]:
    for where, row in read_json_lines(path, encoding=encoding):
        if only is not None and not matches(row, only, where):
            continue
        if "turns" in row:
            listing = row["turns"]
            if not isinstance(listing, list):
                raise broken(where, f"'turns' is {shown(listing)}", "a list of strings", _EXAMPLE)
            values = cast(list[object], listing)
        elif "text" in row:
            values = [row["text"]]
        else:
            raise broken(where, f"the fields {listed(row)}", "'turns' or 'text'", _EXAMPLE)
        turns: list[str] = []
        for value in values:
            if not isinstance(value, str):
                raise broken(where, f"a turn is {shown(value)}", "a string", _EXAMPLE)
            lines = [value] if "turns" in row else value.split("\n")
            turns.extend(checked(part.strip(), "a turn", where) for part in lines if part.strip())
        if not turns:
            raise broken(
                where, "a document without words", "at least one turn with text", "take it out"
            )
        yield Document(turns=tuple(turns), where=where)
