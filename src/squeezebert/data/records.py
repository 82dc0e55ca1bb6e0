"""Rows with named fields, out of JSON lines and Parquet, and the checks of their fields."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from squeezebert.data.lines import check_file, read_lines
from squeezebert.data.messages import OnBad, broken, listed, passing, refuse, shown
from squeezebert.errors import DataError, MissingDependencyError, near
from squeezebert.structured import unique_names

Row = Mapping[str, object]


def field(row: Row, name: str, where: str, hint: str | None = None, *, option: str = "") -> object:
    """The value of the field ``name``.

    Args:
        row: The fields.
        name: Of the field.
        where: File and line, for messages.
        hint: The way out where there is no such field.
        option: What names the field: ``text`` for ``--text``; empty where nothing does.

    Raises:
        DataError: there is no such field; the message lists those that there are.
    """
    if name in row:
        return row[name]
    names = list(row)
    best = near(name, names)
    if best and option:
        best = f"{best} --{option} names the column (in Python {option}=…)"
    if best is None and hint:
        best = f"{_way_out(option)}; {hint}"
    if len(names) == 1:
        other = next((mark for mark in ";\t|," if mark in names[0]), None)
        if other is not None:
            best = f"the columns look divided by {other!r}: {passing('delimiter', other)}"
    if name.isdecimal():
        best = "columns are numbered from 0, and only in a table without a header line"
    raise broken(
        where,
        f"no column {shown(name)}",
        f"one of {listed(names)}",
        best or _way_out(option),
    )


def _way_out(option: str) -> str:
    if option:
        return f"name the column with --{option} (in Python {option}=…), capitals included"
    return "name the column as the file does, capitals included"


def string(row: Row, name: str, where: str, *, option: str = "") -> str:
    """The text in the field ``name``.

    Raises:
        DataError: no such field, no string, or a string that is not Unicode text.
    """
    value = field(row, name, where, option=option)
    if not isinstance(value, str):
        raise broken(where, f"{name!r} is {shown(value)}", "a string", "put text in quotes")
    return checked(value, name, where)


def checked(text: str, name: str, where: str) -> str:
    """``text``, once it is known to hold neither NUL nor half a surrogate pair, which JSON's
    escapes can smuggle in and no tokenizer can take.
    """
    bad = next((mark for mark in text if mark == "\0" or "\ud800" <= mark <= "\udfff"), None)
    if bad is not None:
        raise broken(
            where, f"{name!r} holds the escape \\u{ord(bad):04x}", "Unicode text", "take it out"
        )
    return text


def matches(row: Row, only: Mapping[str, str], where: str) -> bool:
    """Whether the row holds all the values of ``only``."""
    return all(field(row, name, where) == value for name, value in only.items())


def read_json_lines(
    path: str | os.PathLike[str], *, encoding: str = "utf-8"
) -> Iterator[tuple[str, Row]]:
    """The objects of a JSON lines file as ``(where, object)``; blank lines are passed over.

    Raises:
        DataError: a line that is not JSON or not an object.
    """
    yield from json_rows(read_lines(path, encoding=encoding), str(path))


def json_rows(
    lines: Iterable[tuple[int, str]], name: str, *, blank: bool = False, bad: OnBad = refuse
) -> Iterator[tuple[str, Row]]:
    """The objects of JSON lines as ``(where, object)``.

    Args:
        lines: With their numbers.
        name: Of the file, for messages.
        blank: Whether a blank line is an object without fields; it is passed over otherwise.
        bad: Gets the errors that concern one line, which is then left out.
    """
    for number, line in lines:
        where = f"{name}:{number}"
        if not line.strip():
            if blank:
                yield where, {}
            continue
        try:
            row = _object(line, where, first=number == 1)
        except DataError as error:
            bad(error)
        else:
            yield where, row


def _object(line: str, where: str, *, first: bool) -> Row:
    try:
        value: Any = json.loads(line, object_pairs_hook=unique_names)
    except json.JSONDecodeError as error:
        hint = "each line must be one whole JSON object"
        if first and line.lstrip().startswith("["):
            hint = "this looks like one JSON array: write one object a line instead"
        raise broken(
            where, f"invalid JSON (column {error.colno}: {error.msg})", "a JSON object", hint
        ) from error
    except (ValueError, RecursionError) as error:
        raise broken(
            where, f"JSON that cannot be read ({str(error)[:100]})", "a JSON object", "simplify it"
        ) from error
    if not isinstance(value, dict):
        raise broken(
            where,
            f"the JSON value {shown(value)}",
            "a JSON object",
            'for example {"text": "…", "label": "…"}',
        )
    return cast(Row, value)


def read_parquet(path: str | os.PathLike[str]) -> Iterator[tuple[str, Row]]:
    """The rows of a Parquet file as ``(where, row)``, where ``where`` counts rows from 1.

    Raises:
        DataError: a file that is not Parquet.
        MissingDependencyError: no pyarrow.
    """
    file = check_file(path)
    parquet, failures = import_parquet()
    number = 0
    try:
        with parquet.ParquetFile(file) as table:
            names: list[str] = table.schema_arrow.names
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise broken(
                    str(path), f"column {listed(twice)} twice", "each name once", "rename one"
                )
            for batch in table.iter_batches():
                for row in batch_rows(batch, number, path):
                    number += 1
                    yield f"{path}:{number}", row
    except failures as error:
        raise broken(
            f"{path}:{number + 1}",
            f"not a readable Parquet file ({(str(error).splitlines() or [''])[0][:200]})",
            "a Parquet file",
            "write the file again, or name it by its real format",
        ) from error


def import_parquet(
    purpose: str = "reading Parquet files",
) -> tuple[Any, tuple[type[Exception], ...]]:
    """``pyarrow.parquet``, and what its readers and writers raise.

    Raises:
        MissingDependencyError: no pyarrow.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingDependencyError.for_extra("pyarrow", "parquet", purpose) from error
    return parquet, (pa.ArrowException, OSError)


def batch_rows(batch: Any, before: int, path: str | os.PathLike[str]) -> list[Row]:
    """The rows of a batch of a Parquet file, which has so many ``before`` it."""
    try:
        return batch.to_pylist()
    except UnicodeDecodeError as error:
        for index in range(batch.num_rows):
            try:
                batch.slice(index, 1).to_pylist()
            except UnicodeDecodeError:
                break
        else:
            index = 0
        raise broken(
            f"{path}:{before + index + 1}",
            f"text that is not UTF-8 ({error.reason} at byte {error.start} of a value)",
            "UTF-8",
            "write the file again from text that was decoded rightly",
        ) from error
