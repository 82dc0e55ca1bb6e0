"""Options that several verbs share, each under one name with one meaning."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from squeezebert.spec import SCHEMES, Scheme

if TYPE_CHECKING:
    from squeezebert.data.bad_rows import BadRows
    from squeezebert.data.catalog import Dataset
    from squeezebert.data.tables import EmptyText
    from squeezebert.spec import ProblemType, TaskName

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON Lines instead of a readable form."
)

backend_option = click.option(
    "--backend",
    default="engine",
    show_default=True,
    help="What runs the model: engine, torch or transformers.",
)

precision_option = click.option(
    "--precision",
    default="auto",
    show_default=True,
    help="In what the engine computes: int8, bf16, float32, or what the model records (auto).",
)

threads_option = click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads [default: the backend's own]."
)

output_option = click.option(
    "--output",
    "-o",
    required=True,
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory to write.",
)

recipe_option = click.option(
    "--recipe",
    metavar="FILE.toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Where the settings come from; the command line wins over it.",
)

limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="The most texts of each data set, drawn at random [default: all].",
)

set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A recipe's setting, such as loop.epochs=5. Can be given several times.",
)

resume_option = click.option(
    "--resume", is_flag=True, help="Go on with the run in the output directory."
)

reference_option = click.option(
    "--reference",
    metavar="FILE.safetensors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Word vectors, made by `squeezebert vectors`, in which masked-LM guesses are compared "
    "[default: the table that ships, where it knows the words].",
)


text_option = click.option(
    "--text", metavar="COLUMN", help="Column of the text [default: text, or the one that looks so]."
)
pair_option = click.option(
    "--pair", metavar="COLUMN", help="Column of the second text of a pair, in a table."
)
delimiter_option = click.option(
    "--delimiter", help="Between columns [default: by the file's name]."
)
quoted_option = click.option(
    "--quoted/--no-quoted", default=None, help='Whether " quotes a cell of a table.'
)
encoding_option = click.option(
    "--encoding", default="utf-8", show_default=True, help="Of the file."
)
bad_rows_option = click.option(
    "--bad-rows",
    type=click.Choice(["error", "skip", "report"]),
    default="error",
    show_default=True,
    help="Rows that cannot be used: stop, leave them out and count them, or tell them in a file "
    "NAME.bad.jsonl as well.",
)


label_option = click.option(
    "--label",
    metavar="COLUMN",
    help="Column of the label [default: label, or the one that looks so].",
)


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
    empty: EmptyText
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
            empty=self.empty,
            encoding=self.encoding,
            bad_rows=self.bad_rows,
        )
        if self.label_map is None:
            return dataset
        if self.label_map != BY_POSITION:
            return rename_labels(dataset, parse_label_map(self.label_map))
        if labels is None:
            raise click.UsageError("--label-map position counts by the labels of one model")
        return rename_labels(dataset, map_by_position(dataset, labels))

    def as_source(self, name_or_path: str) -> str:
        """The data set as a recipe names it, in TOML, with what was said of it.

        Args:
            name_or_path: Of it; a known set takes no columns.
        """
        from squeezebert.data.catalog import dataset_names
        from squeezebert.data.label_map import BY_POSITION, parse_label_map

        said: dict[str, str] = {"path": json.dumps(name_or_path, ensure_ascii=False)}
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


_USUAL = {
    "token_column": 0,
    "tag_column": -1,
    "empty": "error",
    "encoding": "utf-8",
    "bad_rows": "error",
}


def _inline(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name} = {value}" for name, value in values.items()) + "}"


_LAYOUT = (
    text_option,
    label_option,
    pair_option,
    click.option("--token-column", default=0, show_default=True, help="Word, in CoNLL columns."),
    click.option("--tag-column", default=-1, show_default=True, help="Tag, in CoNLL columns."),
    click.option(
        "--scheme",
        type=click.Choice(SCHEMES),
        help="How entities are tagged [default: found out from the file].",
    ),
    delimiter_option,
    quoted_option,
    click.option(
        "--empty",
        type=click.Choice(["error", "skip", "keep"]),
        default="error",
        show_default=True,
        help="What to do with empty texts of a table.",
    ),
    encoding_option,
    bad_rows_option,
    click.option(
        "--label-map",
        metavar="OLD=NEW,...",
        help="Renames the data's labels or entity types; OLD= drops one; `position` pairs them "
        "with the model's by their order.",
    ),
)


def layout_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that tell how a person's own file is laid out. The command gets them as one
    argument, ``layout``; known data sets take none of them.
    """

    @functools.wraps(command)
    def with_layout(*arguments: Any, **options: Any) -> None:
        own = {field.name: options.pop(field.name) for field in fields(Layout)}
        command(*arguments, layout=Layout(**own), **options)

    for option in reversed(_LAYOUT):
        option(with_layout)
    return with_layout
