"""Data sets by name or path: one call for all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from squeezebert.data.bad_rows import BadRows, LeftOut, on_bad
from squeezebert.data.conll import read_conll
from squeezebert.data.delimited import JSON_LINES, PARQUET, TABLE_SUFFIXES
from squeezebert.data.documents import read_documents
from squeezebert.data.examples import Document, TextExample
from squeezebert.data.folders import find_split
from squeezebert.data.known import data_root, known_labels, known_splits, read_known
from squeezebert.data.layouts import SPLITS, Split
from squeezebert.data.lines import check_file, format_suffix
from squeezebert.data.messages import OnBad, listed, passing
from squeezebert.data.soft_labels import SUFFIX, read_soft_labels
from squeezebert.data.sources import SOURCES
from squeezebert.data.spans import read_spans
from squeezebert.data.tables import EmptyText, read_table
from squeezebert.data.tags import head_labels, iob2_labels
from squeezebert.errors import DataError, InvalidInputError, near
from squeezebert.spec import TASK_NAMES, ProblemType, Scheme, TaskName

__all__ = ["ColumnOptions", "Dataset", "data_root", "dataset_names", "open_dataset"]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One split of a data set.

    Args:
        name: As it was asked for.
        task: What it is for.
        split: ``train``, ``dev`` or ``test``.
        examples: TextExample, TokenExample or Document, by task.
        labels: The head's outputs in order: class names (of all splits for a known set, of this
            split for a path), IOB2 tags, or labels of words; empty for masked LM and regression.
        problem_type: Of text classification.
        languages: ISO 639-1 codes; empty where unknown.
        license: Of the data, in short.
        note: What a reader of its scores should know.
    """

    name: str
    task: TaskName
    split: Split
    examples: list[Any] = field(repr=False)
    labels: tuple[str, ...] = ()
    problem_type: ProblemType = "single_label"
    languages: tuple[str, ...] = ()
    license: str = ""
    note: str = ""

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def is_soft(self) -> bool:
        """Whether a teacher labeled it (:mod:`squeezebert.data.soft_labels`), all or nothing: it is
        trained on, and nothing is scored on it.
        """
        return bool(self.examples) and getattr(self.examples[0], "soft", None) is not None


@dataclass(frozen=True, kw_only=True)
class ColumnOptions:
    """How a person's own file is laid out, see the readers; known sets need none of it."""

    text: str | Sequence[str] = "text"
    label: str | None = "label"
    pair: str | None = None
    problem_type: ProblemType = "single_label"
    empty: EmptyText = "error"
    token_column: int = 0
    tag_column: int = -1
    scheme: Scheme | None = None
    delimiter: str | None = None
    quoted: bool | None = None
    encoding: str = "utf-8"
    bad_rows: BadRows = "error"


def dataset_names(task: TaskName | None = None) -> tuple[str, ...]:
    """The data sets known by name, all or those of one task.

    >>> dataset_names("masked_lm")[-1]
    'sample_dialogues'
    """
    return tuple(name for name, source in SOURCES.items() if task in (None, source.task))


def open_dataset(
    name_or_path: str | Path,
    *,
    task: TaskName,
    split: str = "test",
    text: str | Sequence[str] = "text",
    label: str | None = "label",
    pair: str | None = None,
    problem_type: ProblemType = "single_label",
    labels: Sequence[str] | None = None,
    empty: EmptyText = "error",
    token_column: int = 0,
    tag_column: int = -1,
    scheme: Scheme | None = None,
    delimiter: str | None = None,
    quoted: bool | None = None,
    encoding: str = "utf-8",
    bad_rows: BadRows = "error",
) -> Dataset:
    """Reads one split of a data set.

    Args:
        name_or_path: One of :func:`dataset_names`, or a file, or a directory with the files
            ``train``, ``dev`` and ``test`` of a format of the task. A path that has the name of
            a known set is written with a slash, ``./ag_news``.
        task: What it is for.
        split: ``train``, ``dev`` or ``test``.
        text: The column of the text, or several; this and the next of a table, see
            :func:`squeezebert.data.tables.read_table`.
        label: The column of the label, or None.
        pair: The column of the second text.
        problem_type: What the labels are.
        labels: The class names, or entity types, that may stand in the file; any where None.
        empty: What to do with empty texts.
        token_column: Where the word stands; this and the next of a CoNLL file, see
            :func:`squeezebert.data.conll.read_conll`.
        tag_column: Where the tag stands.
        scheme: How entities are tagged.
        delimiter: What stands between columns.
        quoted: Whether ``"`` quotes a cell of a table; by the delimiter where None.
        encoding: Of the file.
        bad_rows: What to do with rows (sentences of CoNLL) that cannot be read: stop at the first
            (``error``), leave them out and log how many (``skip``), or write them into
            ``NAME.bad.jsonl`` in the working directory as well (``report``).

    Raises:
        DataError: the data is not there, has no such split, or is broken.
        InvalidInputError: an unknown name, task or split, or a known set asked for another task
            or with options for files.

    >>> open_dataset("agnews", task="text_classification")
    Traceback (most recent call last):
    squeezebert.errors.InvalidInputError: no data set and no path is called 'agnews'
    hint: did you mean 'ag_news'?
    """
    _check(task, TASK_NAMES, "task")
    _check(split, SPLITS, "split")
    split = cast(Split, split)
    options = ColumnOptions(
        text=text,
        label=label,
        pair=pair,
        problem_type=problem_type,
        empty=empty,
        token_column=token_column,
        tag_column=tag_column,
        scheme=scheme,
        delimiter=delimiter,
        quoted=quoted,
        encoding=encoding,
        bad_rows=bad_rows,
    )
    name = str(name_or_path)
    if name in SOURCES:
        if options != ColumnOptions() or labels is not None:
            raise InvalidInputError(
                f"{name} is a known data set, which takes no columns, labels or encoding",
                hint=f"write ./{name} for a file or directory of that name",
            )
        return _open_known(name, task, split)
    path = Path(name)
    if not path.exists():
        if path.suffix or path.name != name:
            check_file(path)
        raise InvalidInputError(
            f"no data set and no path is called {name!r}",
            hint=near(name, SOURCES)
            or f"the sets for {task} are {listed(dataset_names(task), 99)}",
        )
    return _open_path(find_split(path, task, split), name, task, split, options, labels)


def _check(value: str, choices: Sequence[str], what: str) -> None:
    if value not in choices:
        raise InvalidInputError(
            f"{what} is {value!r}, expected one of {', '.join(choices)}", hint=near(value, choices)
        )


def _open_known(name: str, task: TaskName, split: Split) -> Dataset:
    source = SOURCES[name]
    if source.task != task:
        raise InvalidInputError(
            f"{name} is a data set for {source.task}, not for {task}",
            hint=f"the sets for {task} are {listed(dataset_names(task), 99)}",
        )
    splits = known_splits(source)
    if split not in splits:
        raise DataError(
            f"{name} has no {split} split, only {', '.join(splits)}",
            hint=f"ask for {' or '.join(splits)}",
        )
    return Dataset(
        name=name,
        task=task,
        split=split,
        examples=read_known(name, source, split),
        labels=known_labels(name, source),
        problem_type=source.problem_type,
        languages=source.languages,
        license=source.license,
        note=source.note,
    )


def _open_path(
    file: Path,
    name: str,
    task: TaskName,
    split: Split,
    options: ColumnOptions,
    labels: Sequence[str] | None,
) -> Dataset:
    examples: list[Any]
    found: set[str] = set()
    bad = on_bad(file, options.bad_rows)
    problem_type = options.problem_type
    if task == "masked_lm":
        examples = _documents(file, options, bad)
        labels = ()
    elif format_suffix(file) == SUFFIX:
        soft = read_soft_labels(file, task)
        examples, labels, problem_type = [*soft.examples], soft.labels, soft.problem_type
    elif task == "text_classification":
        examples = read_table(
            file,
            text=options.text,
            label=options.label,
            pair=options.pair,
            problem_type=options.problem_type,
            labels=labels,
            empty=options.empty,
            delimiter=options.delimiter,
            quoted=options.quoted,
            encoding=options.encoding,
            bad=bad,
        )
        for example in cast(list[TextExample], examples):
            if isinstance(example.label, str):
                found.add(example.label)
            elif isinstance(example.label, tuple):
                found.update(example.label)
        labels = sorted(found) if labels is None else labels
    else:
        if format_suffix(file) in (".csv", *PARQUET) and options.delimiter is None:
            raise DataError(
                f"{file} is a table by its name, expected entities: CoNLL columns, or JSON Lines "
                "of texts with entities",
                hint="`squeezebert predict` takes tables; if it holds CoNLL columns, "
                + passing("delimiter", ","),
            )
        if format_suffix(file) in JSON_LINES:
            examples = read_spans(file, types=labels, encoding=options.encoding, bad=bad)
        else:
            examples = read_conll(
                file,
                token_column=options.token_column,
                tag_column=options.tag_column,
                scheme=options.scheme,
                types=labels,
                delimiter=options.delimiter,
                encoding=options.encoding,
                bad=bad,
            )
        for example in examples:
            found.update(example.tags or ())
        own = head_labels(found)
        labels = own if labels is None else iob2_labels(labels) if "O" in own else tuple(labels)
    if isinstance(bad, LeftOut):
        bad.tell(report=options.bad_rows == "report")
    return Dataset(
        name=name,
        task=task,
        split=split,
        examples=examples,
        labels=tuple(labels),
        problem_type=problem_type,
    )


def _documents(file: Path, options: ColumnOptions, bad: OnBad) -> list[Document]:
    """Documents as they stand in a file; of a table each row is one."""
    suffix = format_suffix(file)
    asked = options.text != "text" or options.delimiter is not None
    if suffix not in TABLE_SUFFIXES or (suffix in JSON_LINES and not asked):
        return read_documents(file, encoding=options.encoding)
    rows = read_table(
        file,
        text=options.text,
        label=None,
        empty=options.empty,
        delimiter=options.delimiter,
        quoted=options.quoted,
        encoding=options.encoding,
        bad=bad,
    )
    return [Document(turns=(row.text,), where=row.where) for row in rows]
