"""Rows of CSV and TSV, one at a time, and the endings of the names of all tables."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from squeezebert.data.lines import format_suffix
from squeezebert.data.messages import OnBad, broken, columns, listed, passing, refuse
from squeezebert.data.records import Row
from squeezebert.errors import InvalidInputError

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")
TABLE_SUFFIXES = (*DELIMITERS, *JSON_LINES, *PARQUET)

Lines = Iterable[tuple[int, str]]
"""Lines with their numbers, as :func:`squeezebert.data.lines.read_lines` gives them."""


@dataclass(frozen=True)
class Dialect:
    """How the cells of a line are told apart.

    Args:
        delimiter: What stands between them.
        quoted: Whether ``"`` quotes a cell.
    """

    delimiter: str
    quoted: bool

    @classmethod
    def of(
        cls, path: str | os.PathLike[str], delimiter: str | None = None, quoted: bool | None = None
    ) -> Dialect:
        r"""The dialect of a file: by its name, but for what is given.

        Raises:
            InvalidInputError: a name that does not tell, a delimiter that cannot be.

        >>> Dialect.of("a.tsv")
        Dialect(delimiter='\t', quoted=False)
        """
        if delimiter is None:
            suffix = format_suffix(path)
            if suffix not in DELIMITERS:
                raise InvalidInputError(
                    f"{path}: cannot tell the format from the suffix {suffix!r}, expected one of "
                    f"{', '.join(TABLE_SUFFIXES)}, or with .gz or .xz behind it",
                    hint=f"{passing('delimiter', ',')}, or rename the file",
                )
            delimiter = DELIMITERS[suffix]
        delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)  # as a shell passes it
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise InvalidInputError(f"delimiter is {delimiter!r}, expected a single character")
        return cls(delimiter, delimiter != "\t" if quoted is None else quoted)

    def rows(
        self,
        lines: Lines,
        name: str,
        *,
        header: bool = True,
        ragged: bool = False,
        blank: bool = False,
        bad: OnBad = refuse,
    ) -> Iterator[tuple[str, Row]]:
        """The rows as ``(where, row)``.

        Args:
            lines: Of the table.
            name: Of the file, for messages.
            header: Whether the first line names the columns; numbers from 0 do otherwise.
            ragged: Accept rows with more columns than the first.
            blank: Whether an empty line is a row of empty cells; it is passed over otherwise.
            bad: Gets the errors that concern one row, which is then left out.

        Raises:
            DataError: a line of names with a name twice, quotes that are never closed, and what
                ``bad`` raises.
        """
        names: list[str] | None = None
        for where, values in self._cells(lines, name, bad):
            if not values:
                if blank and names is not None:
                    yield where, dict.fromkeys(names, "")
                continue
            if names is None:
                names = _unique(values, where) if header else [*map(str, range(len(values)))]
                if header:
                    continue
            if len(values) < len(names) or (len(values) > len(names) and not ragged):
                bad(
                    broken(
                        where,
                        columns(len(values)),
                        f"{len(names)} as in the first line",
                        self._ragged_hint(len(values) - len(names)),
                    )
                )
                continue
            yield where, dict(zip(names, values, strict=False))

    def names(self, lines: Lines, name: str, *, header: bool = True) -> tuple[str, ...]:
        """The names of the columns; none where there is no line.

        Raises:
            DataError: as for :meth:`rows`.
        """
        for where, values in self._cells(lines, name, refuse):
            if values:
                return tuple(_unique(values, where) if header else map(str, range(len(values))))
        return ()

    def _cells(self, lines: Lines, name: str, bad: OnBad) -> Iterator[tuple[str, list[str]]]:
        """The cells of each row; none at all for an empty line."""
        if self.quoted:
            yield from self._quoted(lines, name, bad)
            return
        for number, line in lines:
            cells = line.split(self.delimiter) if line.strip("\r\n ") else []
            yield f"{name}:{number}", cells

    def _quoted(self, lines: Lines, name: str, bad: OnBad) -> Iterator[tuple[str, list[str]]]:
        # The csv module refuses cells over 128 KiB unless told otherwise, for the whole process;
        # raising that limit cannot break other readers.
        csv.field_size_limit(max(csv.field_size_limit(), min(sys.maxsize, 2**31 - 1)))
        first = last = 0

        def counted() -> Iterator[str]:
            nonlocal first, last
            for number, line in lines:
                first, last = first or number, number
                yield f"{line}\n"

        reader = csv.reader(counted(), delimiter=self.delimiter, strict=True)
        while True:
            first = 0  # the next line is the first of its row
            try:
                values = next(reader, None)
            except csv.Error as error:
                wrong = broken(
                    f"{name}:{first}",
                    f"a row that is not well quoted ({error})",
                    'cells with each " inside doubled',
                    f'close the quotes, or if " is part of the text {passing("quoted", False)}',
                )
                if "unexpected end" in str(error):
                    raise wrong from error  # everything behind the quote would be lost with it
                bad(wrong)
                continue
            if values is None:
                return
            yield f"{name}:{first}", values

    def _ragged_hint(self, surplus: int) -> str:
        if surplus < 0:
            other = passing("delimiter", ";")
            return f"a column is missing, or the delimiter is another one: {other}"
        if self.quoted:
            return f'put a cell that holds {self.delimiter!r} in "quotes"'
        return (
            f"take {self.delimiter!r} out of the cells, "
            f"or if cells are quoted {passing('quoted', True)}"
        )


def _unique(names: list[str], where: str) -> list[str]:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise broken(where, f"column {listed(twice)} twice", "each name once", "rename one")
    return names
