"""Files, folders, globs and standard input as rows, one at a time."""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from typing import IO, Any

from squeezebert.data.column_names import (
    find_column,
    line_of_names,
    looks_like_header,
    names_column,
)
from squeezebert.data.delimited import Dialect, Lines
from squeezebert.data.lines import check_file, lines_of, unpacked
from squeezebert.data.messages import OnBad, broken, listed, passing, shown
from squeezebert.data.records import Row, batch_rows, field, import_parquet, json_rows
from squeezebert.errors import DataError, InvalidInputError
from squeezebert.predicting.finding import Format, find_files, format_of
from squeezebert.predicting.items import Item
from squeezebert.predicting.values import Kind, joined

_LOG = logging.getLogger(__name__)

STDIN = "-"
_BATCH_ROWS = 1024
_HOPELESS = 10_000
"""So many bad rows without a good one between them are a wrong option, not dirty data."""


class Inputs:
    """What is to be read, known to be there and to have the same columns throughout.

    Args:
        given: A file, a folder (all files in it of the formats below, and in its folders), a glob
            pattern, or ``-`` for standard input.
        format: Of the files; by their names where None, and ``text``, one text a line, for
            standard input.
        text: The column of the text; guessed where None.
        pair: The column of the second text of a pair.
        label: The column of the labels that rows have already; None where nothing is done with it.
        delimiter: What stands between the columns of CSV and TSV.
        quoted: Whether ``"`` quotes a cell of a table.
        encoding: Of all but Parquet.
        without: A file that is not read, though it lies in the folder: what is to be written.

    Raises:
        DataError: nothing there, files of several formats or with different columns, no such
            column.
        InvalidInputError: options that cannot be.
        MissingDependencyError: Parquet without pyarrow.
    """

    def __init__(
        self,
        given: str,
        *,
        format: Format | None = None,  # noqa: A002 - the option's own name
        text: str | None = None,
        pair: str | None = None,
        label: str | None = None,
        delimiter: str | None = None,
        quoted: bool | None = None,
        encoding: str = "utf-8",
        without: Path | None = None,
    ) -> None:
        self.given = given
        self.files: tuple[Path, ...] = ()
        if given != STDIN:
            self.files = find_files(given, without, any_name=format is not None)
        self.format: Format = format or format_of(self.files, delimiter)
        pipe = next((file for file in self.files if not file.is_file()), None)
        if pipe is not None and self.format != "text":
            raise InvalidInputError(
                f"{pipe} is a pipe or a device, but a table is opened twice, for columns and rows",
                hint=f"let it end in standard input: … | squeezebert … --input - --format "
                f"{self.format}; or save it as a file",
            )
        self.encoding = encoding
        self.read = 0.0
        """The share of the input that was read, 0 to 1; stays 0 where nobody can tell."""
        self.dialect: Dialect | None = None
        if self.format in ("csv", "tsv"):
            usual = delimiter or ("\t" if self.format == "tsv" else ",")
            self.dialect = Dialect.of(given, usual, quoted)
        elif delimiter is not None or quoted is not None:
            raise InvalidInputError(
                f"a delimiter or quotes are for CSV and TSV, not for {self.format}",
                hint="leave them out, or say --format csv",
            )
        if self.format == "parquet" and not self.files:
            raise InvalidInputError(
                "Parquet cannot be read from standard input", hint="save it as a file"
            )
        asked = [name for name in (text, pair, label) if name is not None]
        # As in `read_table`: numbers ask for the columns of a table without a line of names.
        self.header = not (asked and all(name.isdecimal() for name in asked))
        self.schema: Any = None
        self._stdin: Lines | None = None
        self._kinds: dict[str, Kind] | None = None
        self._sure = format is not None
        self.columns = self._columns()
        """The names of the columns; of JSON Lines those of the first object."""
        only = self.columns[0] if len(self.columns) == 1 else None
        if text is None and only is not None and self.dialect is not None:
            _check_divided(only, self.name)
        self.text = text or only or find_column(self.columns, "text", self.name)
        self.pair = pair
        self.label = label
        self.guessed = text is None and self.text != "text" and self.format != "text"
        if self.columns or self.format != "jsonl":
            for name, option in ((self.text, "text"), (pair, "pair"), (label, "label")):
                if name is not None:
                    field(dict.fromkeys(self.columns), name, self.name, option=option)

    @property
    def name(self) -> str:
        """What messages call it."""
        if not self.files:
            return "stdin"
        return str(self.files[0]) if len(self.files) == 1 else self.given

    def only(self, file: Path) -> Inputs:
        """One of the files, read as it is among the others."""
        alone = copy(self)
        alone.files = (file,)
        return alone

    def items(self, *, whole: bool = True) -> Iterator[Item]:
        """All rows, in the order of the files. Blank ones are among them: of an empty line of a
        table all cells are empty, of JSON Lines the object has no field.

        Args:
            whole: Whether all columns of Parquet are wanted in ``Item.row``, or only those of texts
                and labels.

        Raises:
            DataError: what cannot be read at all.
        """
        if not self.files:
            yield from self._collected("stdin", self._stdin or _stdin_lines(self.encoding), None)
            return
        sizes = [file.stat().st_size for file in self.files]
        before = 0
        for file, size in zip(self.files, sizes, strict=True):
            for item, share in self._of_file(file, size, whole=whole):
                self.read = (before + share * size) / max(sum(sizes), 1)
                yield item
            before += size
        self.read = 1.0

    def survey(self) -> dict[str, Kind]:
        """All fields of JSON Lines and what they hold, found by reading everything once; for other
        formats the columns, which hold strings.

        Raises:
            InvalidInputError: JSON Lines on standard input, which can be read only once.
        """
        if self.format != "jsonl":
            return dict.fromkeys(self.columns, "string")
        if self._kinds is None:
            self._kinds = self._survey()
        return self._kinds

    def _survey(self) -> dict[str, Kind]:
        if not self.files:
            raise InvalidInputError(
                "JSON Lines on standard input can only become JSON Lines: a table's columns must "
                "be known before the first row is written",
                hint="write .jsonl, or save the input as a file",
            )
        kinds: dict[str, Kind | None] = {}
        for item in self.items():
            for name, value in (item.row or {}).items():
                kinds[name] = joined(kinds.get(name), value)
        self.read = 0.0
        return {name: kind or "string" for name, kind in kinds.items()}

    def _columns(self) -> tuple[str, ...]:
        if self.format == "text":
            if not self._sure:
                self._check_no_table()
            return ("text",)
        if not self.files:
            self._stdin, names = self._peek(_stdin_lines(self.encoding), "stdin")
            return names
        first: tuple[str, ...] = ()
        for at, file in enumerate(self.files):
            check_file(file)
            names = self._parquet_columns(file) if self.format == "parquet" else self._names(file)
            if at == 0:
                first = names
            elif self.format == "jsonl" or not names:
                first = first or names  # objects may differ
            elif names != first:
                raise DataError(
                    f"{file} has the columns {listed(names)}, but {self.files[0]} {listed(first)}",
                    hint="files that are read together have the same columns in one order",
                )
        return first

    def _check_no_table(self) -> None:
        """Refuses lines of text that are a table by the look of the first."""
        if self.files:
            if not check_file(self.files[0]).is_file():
                return  # a pipe, which can be read only once
            with self.files[0].open("rb") as raw, unpacked(raw, self.name) as stream:
                first = next(iter(lines_of(stream, self.name, encoding=self.encoding)), None)
        else:
            lines = iter(_stdin_lines(self.encoding))
            first = next(lines, None)
            self._stdin = lines if first is None else itertools.chain([first], lines)
        if first is None:
            return
        if names_column(first[1], "text"):
            _LOG.warning(
                "%s: the first line, %s, is read as a text; --format csv takes it for the name of "
                "a column",
                self.name,
                shown(first[1]),
            )
        if looks_like_header(first[1]):
            raise DataError(
                f"{self.name}: the first line is {shown(first[1])}, which names the columns of a "
                "table, expected a text a line",
                hint="say --format csv, or tsv, with the --delimiter if it is another; "
                "if it is a text, --format text",
            )

    def _names(self, file: Path) -> tuple[str, ...]:
        with file.open("rb") as raw, unpacked(raw, str(file)) as stream:
            return self._peek(lines_of(stream, str(file), encoding=self.encoding), str(file))[1]

    def _peek(self, lines: Iterable[tuple[int, str]], name: str) -> tuple[Lines, tuple[str, ...]]:
        """The lines again, and the columns that they have."""
        taken: list[tuple[int, str]] = []
        rest = iter(lines)

        def taking() -> Iterator[tuple[int, str]]:
            for line in rest:
                taken.append(line)
                yield line

        if self.dialect is not None:
            names = self.dialect.names(taking(), name, header=self.header)
        else:
            names = tuple(next((row for _, row in json_rows(taking(), name, bad=_pass)), {}))
        return itertools.chain(taken, rest), names

    def _parquet_columns(self, file: Path) -> tuple[str, ...]:
        parquet, failures = import_parquet()
        try:
            schema = parquet.read_schema(file)
        except failures as error:
            raise broken(
                str(file), "not a readable Parquet file", "one", str(error)[:200]
            ) from None
        schema = schema.remove_metadata()
        if self.schema is not None and schema != self.schema:
            raise DataError(
                f"{file} has other columns, or of other types, than {self.files[0]}",
                hint="files that are read together have the same schema",
            )
        self.schema = schema
        return tuple(schema.names)

    def _of_file(self, file: Path, size: int, *, whole: bool) -> Iterator[tuple[Item, float]]:
        """The rows of a file, each with the share of it that was read."""
        if self.format == "parquet":
            yield from self._of_parquet(file, whole=whole)
            return
        with ExitStack() as stack:
            try:
                raw = stack.enter_context(file.open("rb"))
            except OSError as error:
                raise DataError(f"{file} cannot be read ({error.strerror or error})") from error
            stream = stack.enter_context(unpacked(raw, str(file)))
            share = 0.0
            for at, item in enumerate(self._collected(str(file), None, stream)):
                if at % 256 == 0 and size:  # a pipe has none, and no place in it
                    share = min(raw.tell() / size, 1.0)
                yield item, share

    def _collected(
        self, name: str, lines: Lines | None, stream: IO[bytes] | None
    ) -> Iterator[Item]:
        """Rows and errors in their order."""
        errors: list[DataError] = []

        def bad(error: DataError) -> None:
            errors.append(error)
            if len(errors) >= _HOPELESS:
                raise DataError(
                    f"{name}: {_HOPELESS:,} rows one after the other cannot be read; the first: "
                    f"{errors[0].message}",
                    hint=errors[0].hint,
                )

        if stream is not None:
            lines = lines_of(stream, name, encoding=self.encoding, bad=bad)
        assert lines is not None
        for where, row in self._rows(lines, name, bad):
            if errors:
                yield from _told(errors, name)
                errors.clear()
            yield Item(where=where, row=row)
        yield from _told(errors, name)

    def _rows(self, lines: Lines, name: str, bad: OnBad) -> Iterator[tuple[str, Row]]:
        if self.dialect is not None:
            rows = self.dialect.rows(lines, name, header=self.header, blank=True, bad=bad)
            return rows if self.header else self._without_names(rows, bad)
        if self.format == "jsonl":
            return json_rows(lines, name, blank=True, bad=bad)
        return ((f"{name}:{number}", {"text": line}) for number, line in lines)

    def _without_names(
        self, rows: Iterator[tuple[str, Row]], bad: OnBad
    ) -> Iterator[tuple[str, Row]]:
        """The rows of a table that is read by number, unless the first names the columns."""
        first = next(rows, None)
        if first is not None:
            if names_column(first[1].get(self.text), "text"):
                bad(line_of_names(first[1][self.text], first[0]))
            else:
                yield first
        yield from rows

    def _of_parquet(self, file: Path, *, whole: bool) -> Iterator[tuple[Item, float]]:
        parquet, failures = import_parquet()
        used = [name for name in (self.text, self.pair, self.label) if name is not None]
        wanted = None if whole else list(dict.fromkeys(used))
        number = 0
        try:
            with parquet.ParquetFile(file, pre_buffer=False) as table:
                total = max(table.metadata.num_rows, 1)
                for batch in table.iter_batches(batch_size=_BATCH_ROWS):
                    shown = _plain(batch) if wanted is None else batch.select(wanted)
                    for index, row in enumerate(batch_rows(shown, number, file)):
                        number += 1
                        where = f"{file}:{number}"
                        yield Item(where=where, row=row, batch=batch, index=index), number / total
        except failures as error:
            raise broken(
                f"{file}:{number + 1}",
                f"not a readable Parquet file ({(str(error).splitlines() or [''])[0][:200]})",
                "a Parquet file",
                "write the file again",
            ) from error


def _plain(batch: Any) -> Any:
    """With times as text, since those of nanoseconds fit into no type of Python's."""
    import pyarrow as pa

    for at, column in enumerate(batch.schema):
        if pa.types.is_temporal(column.type):
            batch = batch.set_column(at, column.name, batch.column(at).cast(pa.string()))
    return batch


def _check_divided(column: str, name: str) -> None:
    """Refuses a table of one column whose name looks like those of several."""
    other = next((mark for mark in ";\t|," if mark in column), None)
    if other is not None:
        raise DataError(
            f"{name}: the only column is {shown(column)}",
            hint=f"the columns look divided by {other!r}: {passing('delimiter', other)}; or name "
            "the column with --text",
        )


def _stdin_lines(encoding: str) -> Lines:
    return lines_of(sys.stdin.buffer, "stdin", encoding=encoding)


def _pass(error: DataError) -> None:
    """Told when the rows are read."""
    del error


def _told(errors: Sequence[DataError], name: str) -> Iterator[Item]:
    for error in errors:
        yield Item(where=error.where or name, error=error)
