"""Tables of texts: CSV, TSV, JSON lines and Parquet, with named columns."""

from __future__ import annotations

import csv
import logging
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, cast

from squeezebert.data.examples import TextExample
from squeezebert.data.lines import check_file, format_suffix, read_lines
from squeezebert.data.messages import broken, columns, listed, near, passing, shown
from squeezebert.data.records import Row, field, matches, read_json_lines, read_parquet, string
from squeezebert.errors import InvalidInputError
from squeezebert.spec import ProblemType

_LOG = logging.getLogger(__name__)

Path = str | os.PathLike[str]
EmptyText = Literal["error", "skip", "keep"]

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_JSON_LINES = (".jsonl", ".ndjson")
_PARQUET = (".parquet", ".pq")
TABLE_SUFFIXES = (*_DELIMITERS, *_JSON_LINES, *_PARQUET)


def read_table(
    path: Path,
    *,
    text: str | Sequence[str] = "text",
    label: str | None = "label",
    pair: str | None = None,
    problem_type: ProblemType = "single_label",
    labels: Sequence[str] | None = None,
    label_names: Mapping[str, str] | None = None,
    label_separator: str = "|",
    joiner: str = " ",
    empty: EmptyText = "error",
    only: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    quoted: bool | None = None,
    header: bool | None = None,
    ragged: bool = False,
    encoding: str = "utf-8",
) -> list[TextExample]:
    r"""Texts with their labels, one a row.

    The suffix tells the format: ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet`` (needs pyarrow), each
    but Parquet also with ``.gz`` or ``.xz``. A table without a header line is read by the numbers
    of its columns: ``text="1", label="0"``.

    Args:
        path: The file.
        text: The column of the text, or several, which are joined by ``joiner``.
        label: The column of the label; None for texts without one.
        pair: The column of the second text of a pair.
        problem_type: ``multi_label`` gives tuples of labels, ``regression`` finite numbers.
        labels: The labels that may stand there (after ``label_names``); any where None.
        label_names: The name of each label code, such as ``{"0": "ham", "1": "spam"}``.
        label_separator: What stands between several labels in one CSV or TSV cell.
        joiner: What is put between the columns of ``text``.
        empty: What to do with a row whose text, or pair, is empty or only white space.
        only: Take only rows that hold these values, such as ``{"split": "train"}``.
        delimiter: What stands between the columns, where the suffix does not tell.
        quoted: Whether ``"`` quotes a cell; by default it does in CSV and does not in TSV.
        header: Whether the first line names the columns; by default it does unless all columns
            are asked for by number.
        ragged: Accept rows with more columns than the first.
        encoding: Of CSV, TSV and JSON lines.

    Raises:
        DataError: a file or row that cannot be read as asked; it names file and line (for Parquet
            the row), what was found and what was expected.
        InvalidInputError: arguments that cannot be.
        MissingDependencyError: a Parquet file without pyarrow.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "mail.csv")
    >>> _ = file.write_text("body,kind\nsee you at noon,ham\n")
    >>> read_table(file, text="body", label="kind")[0].label
    'ham'
    """
    text_columns = (text,) if isinstance(text, str) else tuple(text)
    if not text_columns:
        raise InvalidInputError("text names no column", hint="for example text='text'")
    asked = [*text_columns, *(name for name in (pair, label) if name is not None)]
    suffix = format_suffix(path)
    if delimiter is None and suffix in _JSON_LINES:
        rows = read_json_lines(path, encoding=encoding)
    elif delimiter is None and suffix in _PARQUET:
        rows = read_parquet(path)
    else:
        if header is None:
            header = not all(name.isdecimal() for name in asked)
        rows = _delimited(path, suffix, delimiter, quoted, header, ragged, encoding)
    parse = _LabelParser(problem_type, labels, label_names, label_separator)
    examples: list[TextExample] = []
    where = str(path)
    for where, row in rows:
        if only is not None and not matches(row, only, where):
            continue
        body = joiner.join(string(row, name, where) for name in text_columns)
        second = None if pair is None else string(row, pair, where)
        if not body.strip() or (second is not None and not second.strip()):
            if empty == "skip":
                continue
            if empty == "error":
                name = text_columns[0] if not body.strip() else pair
                raise broken(
                    where,
                    f"the text (column {name!r}) is empty",
                    "some text",
                    f"to leave such rows out {passing('empty', 'skip')}; keep keeps them",
                )
        value = None if label is None else parse(field(row, label, where, _NO_LABEL), where)
        examples.append(TextExample(text=body, pair=second, label=value, where=where))
    if parse.trimmed:
        _LOG.warning(
            "%s: %d labels have blanks around them, which are left out (the first at %s)",
            path,
            parse.trimmed,
            parse.first_trimmed,
        )
    if not examples:
        kept = "" if only is None else f" with {dict(only)!r}"
        raise broken(str(path), f"no rows{kept}", "at least one row of data", "check the file")
    return examples


_LIST = 'for example ["sport", "politics"]'
_MANY = "a multi-label model (problem_type='multi_label' in Python and recipes)"
_NUMBERS = "a regression (problem_type='regression' in Python and recipes)"
_CODES = "name every label code in label_names"
_NO_LABEL = "give each row a label (label=None in Python reads texts without)"


class _LabelParser:
    """Turns the value of a label column into a label."""

    def __init__(
        self,
        problem_type: ProblemType,
        labels: Sequence[str] | None,
        names: Mapping[str, str] | None,
        separator: str,
    ) -> None:
        self.problem_type = problem_type
        self.labels = None if labels is None else frozenset(labels)
        self.names = names
        self.separator = separator
        self.trimmed = 0
        """How many labels had blanks around them, which do not make another class."""
        self.first_trimmed = ""

    def __call__(self, value: object, where: str) -> str | tuple[str, ...] | float:
        if self.problem_type == "regression":
            return _number(value, where)
        if self.problem_type == "multi_label":
            if isinstance(value, str):
                parts = (part.strip() for part in value.split(self.separator))
                return tuple(self._name(part, where) for part in parts if part)
            if not isinstance(value, list):
                raise broken(
                    where, f"the labels are {shown(value)}", "a list of label names", _LIST
                )
            return tuple(self._name(item, where) for item in cast(list[object], value))
        return self._name(value, where)

    def _name(self, value: object, where: str) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            hint = "write the label as a string"
            if isinstance(value, list):
                hint = f"texts with several labels need {_MANY}"
            elif isinstance(value, float):
                hint = f"numbers need {_NUMBERS}"
            raise broken(where, f"the label is {shown(value)}", "a label name", hint)
        if not value.strip():
            raise broken(where, "the label is empty", "a label name", _NO_LABEL)
        if value != value.strip() and value not in (self.names or self.labels or ()):
            self.first_trimmed = self.first_trimmed or where
            self.trimmed += 1
            value = value.strip()
        if self.names is not None:
            if value not in self.names:
                known = listed(self.names)
                raise broken(where, f"unknown label {shown(value)}", f"one of {known}", _CODES)
            value = self.names[value]
        if self.labels is not None and value not in self.labels:
            known = sorted(self.labels)
            raise broken(
                where,
                f"unknown label {shown(value)}",
                f"one of {listed(known)}",
                near(value, known) or "correct the label, or add it to the labels",
            )
        return value


def _number(value: object, where: str) -> float:
    try:
        number = float(value) if isinstance(value, (str, int, float)) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise broken(
            where,
            f"the label is {shown(value)}",
            "a number such as 3.5",
            f"{_NUMBERS} needs a number in every row; use a point, not a comma",
        )
    return number


def _delimited(
    path: Path,
    suffix: str,
    delimiter: str | None,
    quoted: bool | None,
    header: bool,
    ragged: bool,
    encoding: str,
) -> Iterator[tuple[str, Row]]:
    """The rows of a CSV or TSV file as ``(where, row)``."""
    check_file(path)
    if delimiter is None:
        if suffix not in _DELIMITERS:
            raise InvalidInputError(
                f"{path}: cannot tell the format from the suffix {suffix!r}, expected one of "
                f"{', '.join(TABLE_SUFFIXES)}, or with .gz or .xz behind it",
                hint=f"{passing('delimiter', ',')}, or rename the file",
            )
        delimiter = _DELIMITERS[suffix]
    delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)  # as a shell passes it
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise InvalidInputError(f"delimiter is {delimiter!r}, expected a single character")
    quoted = delimiter != "\t" if quoted is None else quoted
    cells = _quoted(path, delimiter, encoding) if quoted else _plain(path, delimiter, encoding)
    names: list[str] | None = None
    for where, values in cells:
        if names is None:
            names = values if header else [str(index) for index in range(len(values))]
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise broken(where, f"column {listed(twice)} twice", "each name once", "rename one")
            if header:
                continue
        if len(values) < len(names) or (len(values) > len(names) and not ragged):
            raise broken(
                where,
                columns(len(values)),
                f"{len(names)} as in the first line",
                _ragged_hint(len(values) - len(names), delimiter, quoted),
            )
        yield where, dict(zip(names, values, strict=False))


def _ragged_hint(surplus: int, delimiter: str, quoted: bool) -> str:
    if surplus < 0:
        return f"a column is missing, or the delimiter is another one: {passing('delimiter', ';')}"
    if quoted:
        return f'put a cell that holds {delimiter!r} in "quotes"'
    return f"take {delimiter!r} out of the cells, or if cells are quoted {passing('quoted', True)}"


def _plain(path: Path, delimiter: str, encoding: str) -> Iterator[tuple[str, list[str]]]:
    for number, line in read_lines(path, encoding=encoding):
        if line.strip("\r\n "):
            yield f"{path}:{number}", line.split(delimiter)


def _quoted(path: Path, delimiter: str, encoding: str) -> Iterator[tuple[str, list[str]]]:
    # The csv module refuses cells over 128 KiB unless told otherwise, for the whole process;
    # raising that limit cannot break other readers.
    csv.field_size_limit(max(csv.field_size_limit(), min(sys.maxsize, 2**31 - 1)))
    lines = (f"{line}\n" for _, line in read_lines(path, encoding=encoding))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first = reader.line_num + 1
        try:
            values = next(reader, None)
        except csv.Error as error:
            raise broken(
                f"{path}:{first}",
                f"a row that is not well quoted ({error})",
                'cells with each " inside doubled',
                f'close the quotes, or if " is part of the text {passing("quoted", False)}',
            ) from error
        if values is None:
            return
        if values:
            yield f"{path}:{first}", values
