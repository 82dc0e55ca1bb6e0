"""Which column of a table holds the text, and which the label, where nobody said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from squeezebert.data.messages import listed
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
        hint=f"name it: --{role} COLUMN (in Python {role}='COLUMN')",
    )
