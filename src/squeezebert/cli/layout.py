"""How a person's own files are laid out, and which part of the data is meant: options that mean the
same in every verb that reads texts.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from squeezebert.data.layouts import SPLITS
from squeezebert.errors import DataError
from squeezebert.spec import SCHEMES, Scheme

if TYPE_CHECKING:
    from squeezebert.data.bad_rows import BadRows
    from squeezebert.data.catalog import Dataset
    from squeezebert.data.tables import EmptyText
    from squeezebert.spec import ProblemType, TaskName


def split_option(usual: str | None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--split``.

    Args:
        usual: The part that is meant where nobody says; None where that depends.
    """
    return click.option(
        "--split",
        type=click.Choice(SPLITS),
        default=usual,
        show_default=True,
        help="Part of the data sets; a single file is whatever part one says it is.",
    )


def part_option(split: str, meaning: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--dev`` or ``--test``: data of which that part is meant, whatever ``--split`` says.

    Args:
        split: The part.
        meaning: What the verb does with it.
    """
    return click.option(
        f"--{split}",
        multiple=True,
        metavar="NAME_OR_FILE",
        help=f"{meaning} Of a known set or a folder the {split} part; a file as it is.",
    )


def parts(
    data: Sequence[str], split: str, dev: Sequence[str], test: Sequence[str]
) -> list[tuple[str, str]]:
    """The data sets that a command line names, each with the part that is meant.

    Args:
        data: Of ``--data``.
        split: Of ``--split``: the part of ``data``.
        dev: Of ``--dev``.
        test: Of ``--test``.

    >>> parts(["ag_news"], "train", [], ["mail.csv"])
    [('ag_news', 'train'), ('mail.csv', 'test')]
    """
    named = ((data, split), (dev, "dev"), (test, "test"))
    return [(name, part) for names, part in named for name in names]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a person's own file is laid out: what :func:`layout_options` gives."""

    text: str | None
    label: str | None
    pair: str | None
    token_column: int
    tag_column: int
    scheme: Scheme | None
    delimiter: str | None
    quoted: bool | None
    empty: EmptyText | None
    encoding: str
    bad_rows: BadRows
    label_map: str | None

    def open(
        self,
        name_or_path: str,
        *,
        task: TaskName,
        split: str,
        problem_type: ProblemType = "single_label",
        labels: Sequence[str] | None = None,
    ) -> Dataset:
        """The data set; see :func:`squeezebert.data.catalog.open_dataset`.

        Args:
            name_or_path: Of it.
            task: What it is for.
            split: Which part of it.
            problem_type: What the labels of a file are; a known set says it itself.
            labels: The model's, which ``--label-map position`` counts by.
        """
        from squeezebert.data.catalog import dataset_names, open_dataset
        from squeezebert.data.label_map import (
            BY_POSITION,
            map_by_position,
            parse_label_map,
            rename_labels,
        )

        dataset = open_dataset(
            name_or_path,
            task=task,
            split=split,
            text=self.text or "text",
            label=self.label or "label",
            pair=self.pair,
            problem_type="single_label" if name_or_path in dataset_names() else problem_type,
            token_column=self.token_column,
            tag_column=self.tag_column,
            scheme=self.scheme,
            delimiter=self.delimiter,
            quoted=self.quoted,
            empty=self.empty or "error",
            encoding=self.encoding,
            bad_rows=self.bad_rows,
        )
        if dataset.is_soft:
            raise DataError(
                f"{name_or_path} holds a teacher's labels, expected people's",
                hint="such a file is to train on: give it to `squeezebert train --data`",
            )
        if self.label_map is None:
            return dataset
        if self.label_map != BY_POSITION:
            return rename_labels(dataset, parse_label_map(self.label_map))
        if labels is None:
            raise click.UsageError("--label-map position counts by the labels of one model")
        return rename_labels(dataset, map_by_position(dataset, labels))

    def as_source(self, name_or_path: str, split: str = "") -> str:
        """The data set as a recipe names it, in TOML, with what was said of it.

        Args:
            name_or_path: Of it; a known set takes no columns.
            split: Which part of it; the usual one where empty.
        """
        from squeezebert.data.catalog import dataset_names
        from squeezebert.data.label_map import BY_POSITION, parse_label_map

        said: dict[str, str] = {"path": json.dumps(name_or_path, ensure_ascii=False)}
        if split:
            said["split"] = json.dumps(split)
        if name_or_path not in dataset_names():
            for field in fields(self):
                value = getattr(self, field.name)
                usual = _USUAL.get(field.name)
                if value != usual and field.name != "label_map":
                    value = [value] if field.name == "text" else value
                    said[field.name] = json.dumps(value, ensure_ascii=False)
        if self.label_map == BY_POSITION:
            raise click.UsageError("--label-map position is for a model that has labels already")
        if self.label_map is not None:
            pairs = parse_label_map(self.label_map).items()
            said["label_map"] = _inline({json.dumps(old): json.dumps(new) for old, new in pairs})
        return said["path"] if len(said) == 1 else _inline(said)

    @property
    def said(self) -> list[str]:
        """The options that were given, as they are typed, but for ``--bad-rows``."""
        return [
            f"--{field.name.replace('_', '-')}"
            for field in fields(self)
            if field.name != "bad_rows" and getattr(self, field.name) != _USUAL.get(field.name)
        ]


_USUAL = {
    "token_column": 0,
    "tag_column": -1,
    "encoding": "utf-8",
    "bad_rows": "error",
}


def _inline(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name} = {value}" for name, value in values.items()) + "}"


_LAYOUT = {
    "text": click.option(
        "--text",
        metavar="COLUMN",
        help="Column of the text [default: text, or the one that looks so].",
    ),
    "label": click.option(
        "--label",
        metavar="COLUMN",
        help="Column of the label [default: label, or the one that looks so; predict: none].",
    ),
    "pair": click.option("--pair", metavar="COLUMN", help="Column of the second text of a pair."),
    "token_column": click.option(
        "--token-column",
        default=0,
        show_default=True,
        help="Number of the column of words, from 0, in CoNLL columns.",
    ),
    "tag_column": click.option(
        "--tag-column",
        default=-1,
        show_default=True,
        help="Number of the column of tags; -1 is the last.",
    ),
    "scheme": click.option(
        "--scheme",
        type=click.Choice(SCHEMES),
        help="How entities are tagged [default: found out from the file].",
    ),
    "delimiter": click.option(
        "--delimiter", help="What stands between columns [default: by the file's name]."
    ),
    "quoted": click.option(
        "--quoted/--no-quoted", default=None, help='Whether " quotes a cell of a table.'
    ),
    "empty": click.option(
        "--empty",
        type=click.Choice(["error", "skip", "keep"]),
        help="What to do with empty texts of a table [default: error; predict: keep, so that rows "
        "align; label: skip].",
    ),
    "encoding": click.option(
        "--encoding", default="utf-8", show_default=True, help="Encoding of the files."
    ),
    "bad_rows": click.option(
        "--bad-rows",
        type=click.Choice(["error", "skip", "report"]),
        default="error",
        show_default=True,
        help="Rows that cannot be used: stop, leave them out and count them, or tell them in a "
        "file NAME.bad.jsonl as well.",
    ),
    "label_map": click.option(
        "--label-map",
        metavar="OLD=NEW,...",
        help="Renames the data's labels or entity types; OLD= drops one; `position` pairs them "
        "with the model's by their order.",
    ),
}


def layout_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that tell how a person's own file is laid out. The command gets them as one
    argument, ``layout``; known data sets take none of them.
    """

    @functools.wraps(command)
    def with_layout(*arguments: Any, **options: Any) -> None:
        own = {field.name: options.pop(field.name) for field in fields(Layout)}
        command(*arguments, layout=Layout(**own), **options)

    for option in reversed(_LAYOUT.values()):
        option(with_layout)
    return with_layout


_OF_TEXTS = ("text", "pair", "delimiter", "quoted", "empty", "encoding", "bad_rows")


def table_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds those options that tell how a table's texts are laid out, where its labels are not read.
    The command gets them as one argument, ``columns``, in the words of
    :func:`squeezebert.data.catalog.open_dataset`.
    """

    @functools.wraps(command)
    def with_columns(*arguments: Any, **options: Any) -> None:
        own = {name: options.pop(name) for name in _OF_TEXTS}
        own["text"] = own["text"] or "text"
        own["empty"] = own["empty"] or "skip"
        command(*arguments, columns=own, **options)

    for name in reversed(_OF_TEXTS):
        _LAYOUT[name](with_columns)
    return with_columns
