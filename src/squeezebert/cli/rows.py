"""What `predict` reads: rows of files, of typed texts, of known data sets, and their labels."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from squeezebert.cli import screen
from squeezebert.cli.layout import Layout, parts
from squeezebert.errors import DataError, InvalidInputError

if TYPE_CHECKING:
    from squeezebert.data.layouts import Split
    from squeezebert.predicting.columns import Appended
    from squeezebert.predicting.examples import Examples
    from squeezebert.predicting.finding import Format
    from squeezebert.predicting.gold import Gold
    from squeezebert.predicting.inputs import Inputs
    from squeezebert.spec import TaskName, TaskSpec

CONLL = "conll"
"""The format of a file of words and tags, which is read as a data set is."""

_CONLL_SUFFIXES = (".conll", ".bio", ".iob", ".iob2")


def one_input(
    given: str | None, split: str | None, dev: tuple[str, ...], test: tuple[str, ...]
) -> tuple[str | None, str | None]:
    """What is to be read, and which part of it; None where nothing was named.

    Args:
        given: Of ``--input``.
        split: Of ``--split``.
        dev: Of ``--dev``.
        test: Of ``--test``.
    """
    named: list[tuple[str, str | None]] = [*parts((), "", dev, test)]
    if given is not None:
        named.append((given, split))
    if len(named) > 1:
        raise click.UsageError("name one input: with --input, --dev or --test")
    return named[0] if named else (None, split)


def open_rows(
    given: str,
    split: str | None,
    layout: Layout,
    spec: TaskSpec,
    *,
    form: str | None,
    output: Path | None,
) -> Inputs | Examples:
    """The rows of an input.

    Args:
        given: A known data set, a file, a folder, a pattern, or ``-``.
        split: The part of a known data set or a folder; None where nobody said.
        layout: How the files are laid out.
        spec: The model's.
        form: The format of the files; by their names where None.
        output: What is to be written, which is no input.

    Raises:
        DataError, InvalidInputError: nothing there, or options that cannot be.
    """
    from squeezebert.data.catalog import dataset_names
    from squeezebert.data.lines import format_suffix
    from squeezebert.errors import near
    from squeezebert.predicting.examples import Examples
    from squeezebert.predicting.inputs import Inputs

    known = given in dataset_names()
    path = Path(given)
    if not known and not path.exists() and path.name == given and not path.suffix:
        meant = near(given, dataset_names())
        if meant is not None:
            raise InvalidInputError(f"no data set and no path is called {given!r}", hint=meant)
    if not known and split is not None and path.is_dir():
        given = str(_file_of(path, spec.task, cast("Split", split)))
    suffix = format_suffix(given)
    tagger = spec.task == "token_classification"
    if form == CONLL and not tagger:
        raise click.UsageError(
            f"--format conll is for models that label words, and this one is for {spec.task}"
        )
    if known or form == CONLL or (form is None and tagger and suffix in _CONLL_SUFFIXES):
        if layout.label is not None:
            raise click.UsageError(
                f"--label names a column of a table, and {given} holds its labels itself: they are "
                "compared without it"
            )
        dataset = layout.open(
            given,
            task=spec.task,
            split=split or "test",
            problem_type=spec.problem_type,
            labels=spec.labels,
        )
        return Examples(dataset)
    tags = [name for name in layout.said if name in ("--scheme", "--token-column", "--tag-column")]
    if tags:
        way = "say --format conll if it holds some" if tagger else "leave it out"
        raise click.UsageError(f"{tags[0]} is about CoNLL columns, words with their tags: {way}")
    inputs = Inputs(
        given,
        format=cast("Format | None", form),
        text=layout.text,
        pair=layout.pair,
        label=layout.label,
        delimiter=layout.delimiter,
        quoted=layout.quoted,
        encoding=layout.encoding,
        without=output,
    )
    if inputs.guessed:
        screen.note(f"--text {inputs.text}: the one column that looks like the text")
    return inputs


def gold_of(inputs: Inputs | Examples, layout: Layout, spec: TaskSpec) -> Gold | None:
    """The labels of the rows; None where there are none to compare with.

    Args:
        inputs: What is read.
        layout: Which column they are in, and how they are called.
        spec: The model's.

    Raises:
        InvalidInputError: a model that tells no labels; a map that cannot be.
    """
    from squeezebert.data.label_map import BY_POSITION, parse_label_map
    from squeezebert.predicting.examples import GOLD, Examples
    from squeezebert.predicting.gold import Gold

    if isinstance(inputs, Examples):
        return Gold(spec=spec, column=GOLD)  # whose labels are renamed already
    if layout.label is None:
        if layout.label_map is not None:
            raise click.UsageError(
                "--label-map renames labels of the data: name their column with --label"
            )
        return None
    if layout.label_map == BY_POSITION:
        raise click.UsageError(
            "--label-map position needs all labels of the data at once, and predict reads a row at "
            "a time: write OLD=NEW,..., or score with `squeezebert evaluate`"
        )
    return Gold(
        spec=spec,
        column=layout.label,
        text=inputs.text,
        label_map={} if layout.label_map is None else parse_label_map(layout.label_map),
    )


def prefix_beside(appended: Appended, gold: Gold | None) -> str:
    """What the new columns' names begin with: something where one would be called as the column
    that their labels are compared with.
    """
    names = [column.name for column in appended.columns]
    if gold is None or appended.prefix or gold.column not in names:
        return appended.prefix
    screen.note(f"--prefix predicted_: the column {gold.column!r} of the input keeps its name")
    return "predicted_"


def _file_of(folder: Path, task: TaskName, split: Split) -> Path:
    """The file of a part: one of the task's own formats, else a table, which holds texts for any
    task.
    """
    from squeezebert.data.folders import find_split

    try:
        return find_split(folder, task, split)
    except DataError:
        with suppress(DataError):
            return find_split(folder, "text_classification", split)
        raise
