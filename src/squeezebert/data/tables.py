"""Tables of texts: CSV, TSV, JSON lines and Parquet, with named columns."""

from __future__ import annotations

import itertools
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, cast

from squeezebert.data.column_names import (
    NAMES,
    Role,
    find_column,
    line_of_names,
    names_column,
)
from squeezebert.data.delimited import JSON_LINES, PARQUET, Dialect
from squeezebert.data.examples import TextExample
from squeezebert.data.lines import check_file, format_suffix, read_lines
from squeezebert.data.messages import OnBad, broken, listed, passing, refuse, shown
from squeezebert.data.records import Row, field, json_rows, matches, read_parquet, string
from squeezebert.errors import DataError, InvalidInputError, near
from squeezebert.spec import ProblemType

_LOG = logging.getLogger(__name__)

Path = str | os.PathLike[str]
EmptyText = Literal["error", "skip", "keep"]


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
    bad: OnBad = refuse,
) -> list[TextExample]:
    r"""Texts with their labels, one a row.

    The suffix tells the format: ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet`` (needs pyarrow), each
    but Parquet also with ``.gz`` or ``.xz``. A table without a header line is read by the numbers
    of its columns: ``text="1", label="0"``.

    Args:
        path: The file.
        text: The column of the text, or several, which are joined by ``joiner``. Where there is no
            column "text" and that was asked for, the one that looks so, which is then logged.
        label: The column of the label, the same way; None for texts without one.
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
        bad: Gets the errors that concern one row, which is then left out.

    Raises:
        DataError: a file or row that cannot be read as asked; it names file and line (for Parquet
            the row), what was found and what was expected. Or one column for text and label.
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
        raise InvalidInputError("text names no column", hint="name the column of the text")
    asked = [*text_columns, *(name for name in (pair, label) if name is not None)]
    suffix = format_suffix(path)
    guessed = False
    if delimiter is None and suffix in JSON_LINES:
        rows: Iterator[tuple[str, Row]] = json_rows(
            read_lines(path, encoding=encoding), str(path), bad=bad
        )
    elif delimiter is None and suffix in PARQUET:
        rows = read_parquet(path)
    else:
        if header is None:
            header = not all(name.isdecimal() for name in asked)
            guessed = not header  # that the first line is a row
        check_file(path)
        dialect = Dialect.of(path, delimiter, quoted)
        rows = dialect.rows(
            read_lines(path, encoding=encoding), str(path), header=header, ragged=ragged, bad=bad
        )
    parse = LabelParser(problem_type, labels, label_names, label_separator)
    examples: list[TextExample] = []
    first = next(rows, None)
    if first is not None:
        rows = itertools.chain([first], rows)
        if len(text_columns) == 1:
            text_columns = (_looked_for(text_columns[0], "text", first[1], path),)
        label = label and _looked_for(label, "label", first[1], path)
    if label in (*text_columns, pair) and label is not None:
        raise DataError(
            f"{path}: the column {label!r} is both a text and the label",
            hint=f"name that of the labels: {passing('label', 'COLUMN')}",
        )
    unsure = first[1] if first is not None and guessed else None
    for where, row in rows:
        if row is unsure and names_column(row.get(text_columns[0]), "text"):
            bad(line_of_names(row[text_columns[0]], where))
            continue
        if only is not None and not matches(row, only, where):
            continue
        try:
            example = _example(row, where, text_columns, pair, label, joiner, empty, parse)
        except DataError as error:
            bad(error)
            continue
        if example is not None:
            examples.append(example)
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


def _looked_for(name: str, role: Role, row: Row, path: Path) -> str:
    """The column ``name``; where there is none and it is but the usual name, the one that looks
    like it.
    """
    if name != NAMES[role][0] or name in row:
        return name
    try:
        found = find_column([*row], role, str(path))
    except DataError:
        if any(names_column(one, role) for one in row):
            raise  # several could be meant
        return name  # is told as any name that is missing
    _LOG.warning("%s: the %s is read from the column %s (--%s)", path, role, shown(found), role)
    return found


def _example(
    row: Row,
    where: str,
    text_columns: Sequence[str],
    pair: str | None,
    label: str | None,
    joiner: str,
    empty: EmptyText,
    parse: LabelParser,
) -> TextExample | None:
    """A row's example; None for an empty one that is to be left out."""
    body = joiner.join(string(row, name, where, option="text") for name in text_columns)
    second = None if pair is None else string(row, pair, where, option="pair")
    if not body.strip() or (second is not None and not second.strip()):
        if empty == "skip":
            return None
        if empty == "error":
            name = text_columns[0] if not body.strip() else pair
            raise broken(
                where,
                f"the text (column {name!r}) is empty",
                "some text",
                f"to leave such rows out {passing('empty', 'skip')}; keep keeps them",
            )
    value = None
    if label is not None:
        value = parse(field(row, label, where, _NO_LABEL, option="label"), where)
    return TextExample(text=body, pair=second, label=value, where=where)


_LIST = 'for example ["sport", "politics"]'
_MANY = "a multi-label model (problem_type='multi_label' in Python and recipes)"
_NUMBERS = "a regression (problem_type='regression' in Python and recipes)"
_CODES = "name every label code in label_names"
_NO_LABEL = "label=None in Python reads texts without labels"


class LabelParser:
    """Turns the value of a label column into a label.

    Args:
        problem_type: What the labels are.
        labels: Those that may stand there (after ``names``); any where None.
        names: The name of each label code.
        separator: What stands between several labels in one cell.
    """

    def __init__(
        self,
        problem_type: ProblemType,
        labels: Sequence[str] | None = None,
        names: Mapping[str, str] | None = None,
        separator: str = "|",
    ) -> None:
        self.problem_type = problem_type
        self.labels = None if labels is None else frozenset(labels)
        self.names = names
        self.separator = separator
        self.trimmed = 0
        """How many labels had blanks around them, which do not make another class."""
        self.first_trimmed = ""

    def __call__(self, value: object, where: str) -> str | tuple[str, ...] | float:
        """The label.

        Args:
            value: Of the column.
            where: File and line, for messages.

        Raises:
            DataError: a value that is no label.
        """
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
            raise broken(
                where, "the label is empty", "a label name", f"give each row one; {_NO_LABEL}"
            )
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
