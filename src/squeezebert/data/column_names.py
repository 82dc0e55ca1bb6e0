"""Which column of a table holds the text, and which the label, where nobody said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from squeezebert.data.messages import broken, listed, shown
from squeezebert.errors import DataError

Role = Literal["text", "label"]

NAMES: Mapping[Role, tuple[str, ...]] = MappingProxyType(
    {
        "text": (
            *("text", "sentence", "headline", "title", "body", "content", "message", "review"),
            *("document", "tweet", "post", "comment", "utterance", "query", "question"),
        ),
        "label": (
            *("label", "labels", "category", "class", "topic", "target", "sentiment", "intent"),
            *("rating", "stars"),
        ),
    }
)
"""What such columns are called, whatever the case. The first is taken without a word."""


def names_column(value: object, role: Role) -> bool:
    """Whether a cell of a table's first row holds what such columns are called, and so is no value.

    >>> names_column("Headline", "text"), names_column("The striker scored.", "text")
    (True, False)
    """
    return isinstance(value, str) and value.strip().lower() in NAMES[role]


def line_of_names(value: object, where: str) -> DataError:
    """The error for a first row that :func:`names_column` says is none."""
    return broken(
        where,
        f"the text is {shown(value)}",
        "a text, not the name of a column",
        f"where the first line names the columns, ask by name: --text {value}",
    )


def looks_like_header(line: str) -> bool:
    """Whether a line names the columns of a table rather than being a text: words without blanks,
    with a delimiter between them, one of which is what a column of texts is called.

    >>> looks_like_header("id,headline"), looks_like_header("Comment, please")
    (True, False)
    """
    for delimiter in ",;\t|":
        cells = [cell.strip('"') for cell in line.strip("\r\n").split(delimiter)]
        if len(cells) > 1 and all(re.fullmatch(r"[\w.-]+", cell) for cell in cells):
            return any(names_column(cell, "text") for cell in cells)
    return False


def find_column(names: Sequence[str], role: Role, where: str) -> str:
    """The column for ``role``: the one that is called so, else the only one whose name suggests it.

    Args:
        names: Of the columns.
        role: What is looked for.
        where: The file, for messages.

    Raises:
        DataError: no column or several suggest themselves.

    >>> find_column(["id", "Headline", "category"], "text", "news.csv")
    'Headline'
    """
    usual = NAMES[role]
    if usual[0] in names:
        return usual[0]
    found = [name for name in names if name.strip().lower() in usual]
    if len(found) == 1:
        return found[0]
    several = f"{listed(found)} all could be" if found else f"none of {listed(names)} looks like"
    raise DataError(
        f"{where}: {several} the column of the {role}",
        hint=f"name it: --{role} COLUMN (in Python {role}='COLUMN'); columns of a table without a "
        "line of names have numbers, from 0",
    )
