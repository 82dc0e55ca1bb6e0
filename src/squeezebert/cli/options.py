"""Options that several verbs share, each under one name with one meaning."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from squeezebert.spec import SCHEMES, Scheme

if TYPE_CHECKING:
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
    "beside the output as well.",
)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a person's own file is laid out: what :func:`layout_options` gives."""

    text: str
    label: str
    pair: str | None
    token_column: int
    tag_column: int
    scheme: Scheme | None
    delimiter: str | None
    quoted: bool | None
    empty: EmptyText
    encoding: str

    def open(
        self,
        name_or_path: str,
        *,
        task: TaskName,
        split: str,
        problem_type: ProblemType = "single_label",
    ) -> Dataset:
        """The data set; see :func:`squeezebert.data.catalog.open_dataset`."""
        from squeezebert.data.catalog import open_dataset

        return open_dataset(
            name_or_path,
            task=task,
            split=split,
            text=self.text,
            label=self.label,
            pair=self.pair,
            problem_type=problem_type,
            token_column=self.token_column,
            tag_column=self.tag_column,
            scheme=self.scheme,
            delimiter=self.delimiter,
            quoted=self.quoted,
            empty=self.empty,
            encoding=self.encoding,
        )


_LAYOUT = (
    click.option(
        "--text", default="text", show_default=True, help="Column of the text, in a table."
    ),
    click.option(
        "--label", default="label", show_default=True, help="Column of the label, in a table."
    ),
    click.option("--pair", help="Column of the second text of a pair, in a table."),
    click.option("--token-column", default=0, show_default=True, help="Word, in CoNLL columns."),
    click.option("--tag-column", default=-1, show_default=True, help="Tag, in CoNLL columns."),
    click.option(
        "--scheme",
        type=click.Choice(SCHEMES),
        help="How entities are tagged [default: found out from the file].",
    ),
    click.option("--delimiter", help="Between columns [default: by the file's name]."),
    click.option("--quoted/--no-quoted", default=None, help='Whether " quotes a cell of a table.'),
    click.option(
        "--empty",
        type=click.Choice(["error", "skip", "keep"]),
        default="error",
        show_default=True,
        help="What to do with empty texts of a table.",
    ),
    click.option("--encoding", default="utf-8", show_default=True, help="Of the file."),
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
