"""Rows with their predictions as files, written in pieces: what a killed job wrote behind its last
piece is cut off again.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal

from squeezebert.data.lines import format_suffix
from squeezebert.data.records import import_parquet
from squeezebert.errors import DataError, InvalidInputError
from squeezebert.files import sync
from squeezebert.predicting.arrow_columns import append, schema_of
from squeezebert.predicting.columns import Column
from squeezebert.predicting.examples import Rows
from squeezebert.predicting.finding import SUFFIXES
from squeezebert.predicting.items import Item
from squeezebert.predicting.values import as_json

OutputFormat = Literal["csv", "tsv", "jsonl", "parquet"]

_FORMATS: Mapping[str, OutputFormat] = {
    suffix: kind for suffix, kind in SUFFIXES.items() if kind != "text"
}
_GROUP_ROWS, _GROUP_BYTES = 65_536, 64 << 20
"""When the parts of a Parquet file that were read make a row group."""

_COPIED = 1 << 20
"""Bytes that are copied at a time."""

Pair = tuple[Item, Mapping[str, Any]]
"""A row and what is appended to it."""


def output_format(path: Path) -> OutputFormat:
    """The format of a file that is to be written, by its name.

    Raises:
        InvalidInputError: a name that does not tell, or a compressed one.

    >>> output_format(Path("a.jsonl"))
    'jsonl'
    """
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        packed = format_suffix(path) in _FORMATS
        raise InvalidInputError(
            f"cannot write {path}: expected a name that ends in {', '.join(_FORMATS)}",
            hint="compress it afterwards"
            if packed
            else "give the output such a name; JSON Lines go to standard output without --output",
        )
    return found


class Output(ABC):
    """What is being written; a *mark* is a place up to which it is whole."""

    @abstractmethod
    def open(self, mark: int) -> None:
        """Goes on at a mark; 0 begins anew. What stands behind it is removed."""

    @abstractmethod
    def write(self, rows: Sequence[Pair]) -> int:
        """Appends rows, and waits until the disk has them.

        Returns:
            The mark behind them.
        """

    @abstractmethod
    def finish(self) -> Path:
        """Closes the output; where it stands, as one file."""

    @abstractmethod
    def gather(self, directories: Sequence[Path]) -> Path:
        """Joins what outputs like this one hold in directories of their own, in that order; nothing
        was written here before.

        Returns:
            As :meth:`finish`.
        """

    @abstractmethod
    def close(self) -> None:
        """Closes what is open, unfinished."""

    def refusal(self, item: Item) -> DataError | None:
        """Why a row cannot be written, or None."""
        del item
        return None


def open_output(path: Path, directory: Path, inputs: Rows, appended: Sequence[Column]) -> Output:
    """What writes ``path``, for now in ``directory``.

    Raises:
        InvalidInputError: a name that tells no format; a table out of JSON Lines from standard
            input.
        MissingDependencyError: Parquet without pyarrow.
    """
    kind = output_format(path)
    if kind == "parquet":
        return _Parquet(directory, inputs, appended)
    columns = None if kind == "jsonl" else [*inputs.survey(), *(one.name for one in appended)]
    return _Lines(directory / f"rows.{kind}", kind, columns)


class _Lines(Output):
    def __init__(self, path: Path, kind: OutputFormat, columns: list[str] | None) -> None:
        self._path = path
        self._kind = kind
        self._columns = columns
        self._stream: IO[bytes] | None = None

    def open(self, mark: int) -> None:
        self._stream = self._path.open("ab")
        self._stream.truncate(mark)
        self._stream.seek(0, os.SEEK_END)
        if mark == 0 and self._columns is not None:
            self._stream.write(self._text([self._columns]).encode())

    def write(self, rows: Sequence[Pair]) -> int:
        assert self._stream is not None
        joined = [{**(item.row or {}), **cells} for item, cells in rows]
        if self._columns is None:
            text = "".join(f"{as_json(row)}\n" for row in joined)
        else:
            text = self._text(
                [[as_cell(row.get(name)) for name in self._columns] for row in joined]
            )
        self._stream.write(text.encode())
        self._stream.flush()
        os.fsync(self._stream.fileno())
        return self._stream.tell()

    def _text(self, cells: Sequence[Sequence[str]]) -> str:
        if self._kind == "tsv":
            return "".join("\t".join(row) + "\n" for row in cells)
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(cells)
        return written.getvalue()

    def refusal(self, item: Item) -> DataError | None:
        if self._columns is None:
            return None
        for name, value in (item.row or {}).items():
            if not isinstance(value, str):
                continue
            if self._kind == "tsv" and ("\t" in value or "\n" in value or "\r" in value):
                return DataError(
                    f"{item.where}: {name!r} holds a tab or a line end, which TSV cannot",
                    hint="write .csv or .jsonl",
                )
            if not _is_unicode(value):
                return _surrogate(item, name)
        return None

    def finish(self) -> Path:
        self.close()
        return self._path

    def gather(self, directories: Sequence[Path]) -> Path:
        self.open(0)
        assert self._stream is not None
        self._stream.flush()
        head = self._stream.tell()
        for directory in directories:
            with (directory / self._path.name).open("rb") as part:
                part.seek(head)
                shutil.copyfileobj(part, self._stream, _COPIED)
        return self.finish()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def as_cell(value: object) -> str:
    """A value in a cell of CSV or TSV: text as it is, nothing for None, else as JSON has it.

    >>> as_cell("a"), as_cell(None), as_cell(True), as_cell(["a"])
    ('a', '', 'true', '["a"]')
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else as_json(value)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= mark <= "\udfff" for mark in text)


def _surrogate(item: Item, name: str) -> DataError:
    return DataError(
        f"{item.where}: {name!r} holds half of a surrogate pair, which only JSON can tell",
        hint="take it out, or write .jsonl",
    )


class _Parquet(Output):
    """A mark is a number of parts, each a small Parquet file; they are joined in the end."""

    def __init__(self, directory: Path, inputs: Rows, appended: Sequence[Column]) -> None:
        self._parquet, _ = import_parquet("writing Parquet files")
        import pyarrow as pa

        self._directory = directory / "parts"
        self._given = inputs.schema
        kinds = {} if self._given is not None else inputs.survey()
        self._kinds = kinds
        plain = {
            "string": pa.string(),
            "json": pa.string(),
            "integer": pa.int64(),
            "number": pa.float64(),
            "boolean": pa.bool_(),
        }
        fields = [pa.field(name, plain[kind]) for name, kind in kinds.items()]
        self._input = self._given or pa.schema(fields)
        self._appended = schema_of(appended)
        self._schema = pa.schema([*self._input, *self._appended])
        self._parts = 0

    def open(self, mark: int) -> None:
        self._directory.mkdir(exist_ok=True)
        self._parts = mark
        for part in self._directory.iterdir():
            if not (part.stem.isdecimal() and int(part.stem) <= mark):
                part.unlink()

    def write(self, rows: Sequence[Pair]) -> int:
        if not rows:
            return self._parts
        given = self._rows_given([item for item, _ in rows])
        given = append(given, [cells for _, cells in rows], self._appended)
        self._parts += 1
        part = self._part(self._parts)
        self._parquet.write_table(given, part)
        sync(part)
        sync(self._directory)
        return self._parts

    def _part(self, number: int) -> Path:
        return self._directory / f"{number:09}.parquet"

    def _rows_given(self, items: Sequence[Item]) -> Any:
        import pyarrow as pa

        if self._given is None:
            rows = [self._row(item) for item in items]
            return pa.Table.from_pylist(rows, schema=self._input)
        batches: list[Any] = []
        start = 0
        for end in range(1, len(items) + 1):
            if end == len(items) or items[end].batch is not items[start].batch:
                batch = items[start].batch
                assert batch is not None
                batches.append(batch.take(pa.array([item.index for item in items[start:end]])))
                start = end
        table = pa.Table.from_batches(batches)
        return table.replace_schema_metadata(None).cast(self._input)

    def _row(self, item: Item) -> dict[str, Any]:
        row = dict(item.row or {})
        for name, kind in self._kinds.items():
            if kind == "json" and row.get(name) is not None:
                row[name] = as_json(row[name])
        return row

    def refusal(self, item: Item) -> DataError | None:
        if self._given is not None:
            return None
        for name, value in (item.row or {}).items():
            if isinstance(value, str) and not _is_unicode(value):
                return _surrogate(item, name)
        return None

    def finish(self) -> Path:
        return self._joined(map(self._part, range(1, self._parts + 1)))

    def gather(self, directories: Sequence[Path]) -> Path:
        folders = (directory / self._directory.name for directory in directories)
        return self._joined(part for folder in folders for part in sorted(folder.iterdir()))

    def _joined(self, parts: Iterable[Path]) -> Path:
        import pyarrow as pa

        whole = self._directory.parent / "rows.parquet"
        with self._parquet.ParquetWriter(whole, self._schema) as writer:
            waiting: list[Any] = []
            for part in parts:
                waiting.append(self._parquet.read_table(part, partitioning=None))
                many = sum(table.num_rows for table in waiting) >= _GROUP_ROWS
                if many or sum(table.nbytes for table in waiting) >= _GROUP_BYTES:
                    writer.write_table(pa.concat_tables(waiting))
                    waiting = []
            if waiting:
                writer.write_table(pa.concat_tables(waiting))
        sync(whole)
        return whole

    def close(self) -> None:
        pass
