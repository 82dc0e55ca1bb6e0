"""``squeezebert quantize``: the compact form of a model, with its loss measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from squeezebert.cli import screen
from squeezebert.cli.layout import Layout, layout_options, part_option, parts, split_option
from squeezebert.cli.options import (
    json_option,
    limit_option,
    output_option,
    threads_option,
)
from squeezebert.shown import shown

if TYPE_CHECKING:
    from rich.table import Table

    from squeezebert.data.catalog import Dataset
    from squeezebert.quantization import Quantized, Trial


@click.command()
@click.argument("model")
@output_option
@click.option(
    "--data",
    "-d",
    "words",
    multiple=True,
    metavar="NAME_OR_FILE",
    help="Labeled data to measure on. Can be given several times [default: the dev parts of what "
    "the model's recipe names].",
)
@split_option("dev")
@part_option("dev", "What to measure on, beside --data.")
@part_option("test", "Refused: a precision is chosen here, and nothing is chosen by test data.")
@layout_options
@click.option(
    "--unlabeled",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="UTF-8, a text a line: what to measure on without labels, by the tokens' states.",
)
@limit_option
@click.option(
    "--tolerance",
    default=0.1,
    show_default=True,
    type=click.FloatRange(min=0),
    metavar="POINTS",
    help="What may be lost and still counts as lossless; a point is a hundredth of the score.",
)
@click.option("--no-data", is_flag=True, help="Measure nothing.")
@json_option
@threads_option
def quantize(
    *,
    model: str,
    output: Path,
    words: tuple[str, ...],
    split: str,
    dev: tuple[str, ...],
    test: tuple[str, ...],
    layout: Layout,
    unlabeled: Path | None,
    limit: int | None,
    tolerance: float,
    no_data: bool,
    as_json: bool,
    threads: int | None,
) -> None:
    r"""Write the compact form of a model, and measure what it loses.

    Weights become int8, laid out as the engine multiplies them: a quarter of the size, large ones
    shared between processes. On labeled data (or, for a model without a task, on plain texts) the
    scores of float32 and int8 are compared. Where int8 loses more than --tolerance, more and more
    products are tried in bf16. The fastest choice that is lossless is recorded in the weights, and
    whatever loads the model takes it.

    \b
    squeezebert quantize runs/news --output runs/news-int8
    squeezebert quantize runs/ner --data conll2003_en --output runs/ner-int8
    squeezebert quantize path/to/MiniLM --unlabeled sentences.txt --output runs/minilm-int8
    """
    if test:
        raise click.UsageError(
            "a precision is chosen here, and nothing is chosen by a test part: measure on --dev, "
            "and score the result by `squeezebert evaluate`"
        )
    named = parts(words, split, dev, ())
    if sum((bool(named), unlabeled is not None, no_data)) > 1:
        raise click.UsageError("give one of --data, --unlabeled and --no-data")

    import dataclasses

    from squeezebert.checkpoint.directory import read_spec
    from squeezebert.checkpoint.hub import resolve
    from squeezebert.comparison.sets import draw
    from squeezebert.data.lines import read_lines
    from squeezebert.quantization import default_datasets
    from squeezebert.quantization import quantize as run

    directory = resolve(model)
    spec = read_spec(directory)
    datasets: list[Dataset] = []
    if named and spec is None:
        raise click.UsageError(f"{model} has no head for a task: measure with --unlabeled")
    for word, part in named if spec is not None else ():
        assert spec is not None
        datasets.append(
            layout.open(
                word,
                task=spec.task,
                split=part,
                problem_type=spec.problem_type,
                labels=spec.labels,
            )
        )
    if spec is not None and not (named or unlabeled or no_data):
        datasets = default_datasets(directory, spec)
    if limit is not None:
        datasets = [
            dataclasses.replace(one, examples=draw(one.examples, limit, seed=0)) for one in datasets
        ]
    texts: list[str] = []
    if unlabeled is not None:
        texts = [line.strip() for _, line in read_lines(unlabeled) if line.strip()]
        texts = draw(texts, limit or len(texts), seed=0)
    with screen.progress() as bar:
        stage = bar.add_task("")

        def say(what: str) -> None:
            bar.update(stage, description=shown(what))
            bar.refresh()

        done = run(
            directory,
            output,
            datasets=datasets,
            texts=texts,
            texts_name="" if unlabeled is None else unlabeled.name,
            tolerance=tolerance,
            threads=threads,
            progress=say,
        )
    if as_json:
        screen.print_json_lines([_as_json(model, done)])
        return
    console = screen.results()
    if done.trials:
        console.print(_table(done))
    for line in _summary(model, done, tolerance):
        screen.tell(console, line)
    screen.note(f"wrote {done.directory}")


def _table(done: Quantized) -> Table:
    from rich import box
    from rich.table import Table

    assert done.measure is not None
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("products")
    for name, count in done.measure.texts.items():
        title = screen.cell(f"{done.measure.score}\n{name}, {count} texts")
        table.add_column(title, justify="right")
    table.add_column("lost\npoints", justify="right")
    table.add_column("answered\nalike", justify="right")
    table.add_column("ms\na text", justify="right")
    table.add_column("weights\nMB", justify="right")
    for trial in done.trials:
        table.add_row(
            trial.name,
            *(f"{score:.4f}" for score in trial.scores.values()),
            "" if trial is done.trials[0] else f"{trial.loss:+.2f}",
            "" if trial.same is None else f"{trial.same:.1%}",
            f"{trial.ms_per_text:.3g}",
            f"{done.original_mb if trial is done.trials[0] else done.compact_mb:.1f}",
            style="bold" if trial is done.chosen else None,
        )
    return table


def _summary(model: str, done: Quantized, tolerance: float) -> list[str]:
    size = f"{done.original_mb:.1f} MB as float32, {done.compact_mb:.1f} MB now."
    if done.chosen is None or done.measure is None:
        return [
            f"{model}: {size} Nothing was measured, so nothing is recorded.",
            "It runs with the default precisions; measure with --data or --unlabeled.",
        ]
    lines = [f"{model}: {size} Recorded: {done.chosen.name}; measured on {done.isa}."]
    if not done.lossless:
        lines.append(
            f"Not lossless: the best choice still loses {done.chosen.loss:.2f} points, more than "
            f"{tolerance:g}."
        )
    if done.measure.resolution > tolerance:
        lines.append(
            f"One text is worth {done.measure.resolution:.1f} points here: too few texts to tell "
            f"{tolerance:g} points from chance."
        )
    return lines


def _as_json(model: str, done: Quantized) -> dict[str, Any]:
    def row(trial: Trial) -> dict[str, Any]:
        return {
            "name": trial.name,
            "precision": dict(trial.precision),
            "scores": dict(trial.scores),
            "loss": trial.loss,
            "same": trial.same,
            "ms_per_text": trial.ms_per_text,
        }

    return {
        "model": model,
        "directory": str(done.directory),
        "original_mb": done.original_mb,
        "compact_mb": done.compact_mb,
        "isa": done.isa,
        "score": None if done.measure is None else done.measure.score,
        "texts": {} if done.measure is None else dict(done.measure.texts),
        "trials": [row(trial) for trial in done.trials],
        "chosen": None if done.chosen is None else done.chosen.name,
        "lossless": done.lossless,
    }
