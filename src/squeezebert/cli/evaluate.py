"""``squeezebert evaluate``: the scores of one model on one data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from squeezebert.cli import screen
from squeezebert.cli.layout import Layout, layout_options, part_option, parts, split_option
from squeezebert.cli.options import (
    backend_option,
    json_option,
    limit_option,
    precision_option,
    reference_option,
    threads_option,
)
from squeezebert.shown import shown

if TYPE_CHECKING:
    from squeezebert.data.catalog import Dataset
    from squeezebert.evaluation import Evaluation
    from squeezebert.spec import TaskSpec


@click.command()
@click.argument("model")
@click.option("--data", "-d", metavar="NAME_OR_FILE", help="What to score it on.")
@split_option("test")
@part_option("dev", "What to score it on, instead of --data.")
@part_option("test", "What to score it on, instead of --data.")
@layout_options
@limit_option
@reference_option
@json_option
@backend_option
@precision_option
@threads_option
def evaluate(
    *,
    model: str,
    data: str | None,
    split: str,
    dev: tuple[str, ...],
    test: tuple[str, ...],
    layout: Layout,
    limit: int | None,
    reference: Path | None,
    as_json: bool,
    backend: str,
    precision: str,
    threads: int | None,
) -> None:
    r"""Score a model on labeled data.

    The data is the name of a known data set or a file: CSV, TSV, JSON Lines or Parquet for text
    classification, CoNLL columns or JSONL spans for token classification, dialogues or plain text
    for masked LM.

    \b
    squeezebert evaluate squeezebert-mini-news --data sample_news
    squeezebert evaluate runs/spam --data messages.tsv --text message --label kind
    """
    named = parts(() if data is None else (data,), split, dev, test)
    if len(named) != 1:
        raise click.UsageError(
            f"name one data set to score the model on, not {len(named)}: with --data, --dev or "
            "--test; `squeezebert compare` takes several"
        )

    from rich.progress import BarColumn, TaskProgressColumn, TimeRemainingColumn

    from squeezebert.checkpoint.hub import resolve
    from squeezebert.comparison.reference import choose_reference, with_reference
    from squeezebert.comparison.sets import draw
    from squeezebert.evaluation import evaluate as run
    from squeezebert.pipeline import load

    pipeline = load(model, backend=backend, precision=precision, threads=threads)
    spec = pipeline.task.spec
    if spec.task == "masked_lm":
        table, _ = choose_reference(reference, [pipeline], pipeline, resolve(model))
        pipeline = with_reference(pipeline, table)
    ((name, part),) = named
    dataset = layout.open(
        name, task=spec.task, split=part, problem_type=spec.problem_type, labels=spec.labels
    )
    _tell_unknown(dataset, spec)
    examples = draw(dataset.examples, limit or len(dataset), seed=0)
    with screen.progress(BarColumn(), TaskProgressColumn(), TimeRemainingColumn()) as bar:
        done = bar.add_task(shown(f"{pipeline.name} on {dataset.name}"), total=len(examples))

        def advance(texts: int) -> None:
            bar.advance(done, texts)
            bar.refresh()

        found = run(pipeline, examples, progress=advance)
    if as_json:
        row = {
            "model": pipeline.name,
            "task": spec.task,
            "dataset": dataset.name,
            "split": dataset.split,
            "backend": backend,
            "precision": pipeline.backend.precision,
            "instruction_set": pipeline.backend.instruction_set,
            "texts": found.texts,
            "tokens": found.tokens,
            "truncated_texts": found.truncated_texts,
            "cpu_seconds": found.cpu_seconds,
            "wall_seconds": found.wall_seconds,
            "scores": dict(found.scores.values),
            "intervals": {
                name: [around.low, around.high] for name, around in found.intervals.items()
            },
            "per_class": {name: dict(row) for name, row in found.scores.per_class.items()},
        }
        screen.print_json_lines([row])
    else:
        by = pipeline.backend
        screen.say(
            f"{pipeline.name} on {dataset.name} ({dataset.split}, {found.texts} texts), "
            f"by {by.name} in {by.precision} on {by.instruction_set}"
        )
        if found.truncated_texts:
            click.echo(
                f"{found.truncated_texts} of {found.texts} texts are longer than "
                f"{spec.max_length} tokens; what is beyond was not read"
            )
        _print(found)


def _tell_unknown(dataset: Dataset, spec: TaskSpec) -> None:
    """Says which types of entities the data has not at all, though the model finds them."""
    from squeezebert.data.label_map import entity_types
    from squeezebert.data.tags import names_entities

    if spec.task != "token_classification" or not names_entities(spec.labels):
        return
    more = sorted({*entity_types(spec.labels)} - {*entity_types(dataset.labels)})
    if more:
        screen.note(
            f"{dataset.name} ({dataset.split}) holds no {', '.join(more)}, which the model finds: "
            "whatever it calls so counts as wrong",
            "warning",
            "yellow",
        )


def _print(found: Evaluation) -> None:
    from rich import box
    from rich.table import Table

    from squeezebert.tasks.resampling import LEVEL

    console = screen.results()
    scores = Table(box=box.SIMPLE_HEAD)
    scores.add_column("score")
    scores.add_column("value", justify="right")
    scores.add_column(f"{LEVEL:.0%} interval", justify="right")
    for name, value in found.scores.values.items():
        main = name == found.scores.main
        around = found.intervals.get(name)
        span = "" if around is None else f"{around.low:.4f}–{around.high:.4f}"
        scores.add_row(screen.cell(name), f"{value:.4f}", span, style="bold" if main else None)
    scores.add_section()
    scores.add_row("cpu_seconds", f"{found.cpu_seconds:.3f}")
    scores.add_row("wall_seconds", f"{found.wall_seconds:.3f}")
    scores.add_row("texts_per_second", f"{found.texts_per_second:.1f}")
    scores.add_row("tokens_per_second", f"{found.tokens_per_second:.0f}")
    console.print(scores)
    if not found.scores.per_class:
        return
    columns = list(next(iter(found.scores.per_class.values())))
    classes = Table(box=box.SIMPLE_HEAD)
    classes.add_column("class")
    for column in columns:
        classes.add_column(screen.cell(column), justify="right")
    for name, row in found.scores.per_class.items():
        cells = (f"{row[c]:.0f}" if c == "support" else f"{row[c]:.4f}" for c in columns)
        classes.add_row(screen.cell(name), *cells)
    console.print(classes)
