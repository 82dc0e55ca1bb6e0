"""A row of what is read, whatever it is read from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from squeezebert.data.records import Row
from squeezebert.errors import DataError


@dataclass(frozen=True, kw_only=True, eq=False)
class Item:
    """A row of the input, or what stands in the way of it.

    Args:
        where: File and line (or row, for Parquet).
        row: Its fields; None for one that cannot be read.
        error: Why it cannot be read.
        batch: The Arrow batch that the row is of, for Parquet.
        index: The row's place in it.
        example: What the row is to a task, where it comes from a data set.
    """

    where: str
    row: Row | None = None
    error: DataError | None = None
    batch: Any = None
    index: int = 0
    example: Any = None


class Texts:
    """Texts that were typed, as rows.

    Args:
        texts: Each a text or a pair.
    """

    text = "text"
    read = 0.0

    def __init__(self, texts: Sequence[str | tuple[str, str]]) -> None:
        self._texts = texts
        self.pair = "pair" if texts and not isinstance(texts[0], str) else None

    def items(self) -> Iterator[Item]:
        """A row each."""
        for number, text in enumerate(self._texts, start=1):
            if isinstance(text, str):
                yield Item(where=f"text {number}", row={"text": text})
            else:
                yield Item(where=f"pair {number}", row={"text": text[0], "pair": text[1]})
