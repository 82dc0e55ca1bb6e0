"""``squeezebert predict``: texts in, predictions out."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from squeezebert.cli import screen
from squeezebert.cli.options import (
    backend_option,
    bad_rows_option,
    delimiter_option,
    encoding_option,
    json_option,
    pair_option,
    precision_option,
    quoted_option,
    text_option,
    threads_option,
)
from squeezebert.shown import on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from squeezebert.data.bad_rows import BadRows
    from squeezebert.pipeline import Pipeline
    from squeezebert.predicting.columns import Appended
    from squeezebert.predicting.finding import Format
    from squeezebert.predicting.inputs import Inputs
    from squeezebert.predicting.items import Texts
    from squeezebert.predicting.job import State

_EVERY = 30.0
"""Seconds between two lines about how far a job is, where no terminal shows a bar."""


@click.command()
@click.argument("model")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--input",
    "-i",
    "--file",  # its name before it read tables
    "-f",
    "given",
    metavar="FILE|FOLDER|GLOB|-",
    help="Tables (.csv, .tsv, .jsonl, .parquet) or plain text, a text a line; - is stdin.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A .csv, .tsv, .jsonl or .parquet to write: the columns of the input and the predictions.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "tsv", "jsonl", "parquet", "text"]),
    help="Of the input [default: by the file's name; text for stdin].",
)
@text_option
@pair_option
@delimiter_option
@quoted_option
@encoding_option
@bad_rows_option
@click.option("--top-k", type=int, help="Classes, or candidates for a gap, to tell the scores of.")
@click.option("--threshold", type=float, help="The least probability of what is told.")
@click.option("--scores", is_flag=True, help="Tell the probability of every class in --output too.")
@click.option(
    "--tell-language",
    "tells_language",
    is_flag=True,
    help="Tell what language each text seems to be in, and how many are in none of the model's.",
)
@click.option("--prefix", default="", help="What the names of the new columns begin with.")
@click.option("--restart", is_flag=True, help="Begin anew, and replace the output.")
@click.option(
    "--ray",
    "address",
    is_flag=False,
    flag_value="local",
    metavar="[ADDRESS]",
    help="Answer on a Ray cluster: auto, host:port, or nothing for one of this machine.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="--ray: processes, each with an engine [default: one for each CPU of the cluster].",
)
@click.option(
    "--partition-rows",
    type=click.IntRange(1),
    default=16_384,
    show_default=True,
    help="--ray: the most rows that are given to a process at once.",
)
@click.option("--pairs", is_flag=True, help="TEXTs belong together, two after each other.")
@json_option
@backend_option
@precision_option
@threads_option
def predict(
    *,
    model: str,
    texts: tuple[str, ...],
    given: str | None,
    output: Path | None,
    form: str | None,
    text: str | None,
    pair: str | None,
    delimiter: str | None,
    quoted: bool | None,
    encoding: str,
    bad_rows: str,
    top_k: int | None,
    threshold: float | None,
    scores: bool,
    tells_language: bool,
    prefix: str,
    restart: bool,
    address: str | None,
    workers: int | None,
    partition_rows: int,
    pairs: bool,
    as_json: bool,
    backend: str,
    precision: str,
    threads: int | None,
) -> None:
    r"""Predict labels, entities or masked words.

    MODEL is a shipped model's name, a model directory or a name on the Hugging Face hub. Texts come
    from the command line, from files, or from stdin. With --output the rows of the input are
    written with their predictions, in their order and with all their columns; the file appears when
    it is whole, and the same command goes on with one that was killed. Without, answers go to
    stdout: for a person on a terminal, as JSON Lines into a pipe or with --json.

    \b
    squeezebert predict squeezebert-mini-news "The striker scored twice."
    squeezebert predict squeezebert-mini-news --input news.csv --text headline --output out.csv
    squeezebert predict squeezebert-mini-ner --input letters.txt > entities.jsonl
    squeezebert predict runs/entailment --pairs "A man sleeps." "Nobody is awake."
    """
    if not texts and given is None and (not sys.stdin or sys.stdin.isatty()):
        raise click.UsageError("no text: give some, or --input, or pipe them in")
    _check_use(texts, given, output, pairs=pairs, bad_rows=bad_rows)
    if not texts and given is None:
        given = "-"
    if address is not None:
        if output is None:
            raise click.UsageError("--ray writes a file: name it with --output")
        threads = threads or 1
    elif workers is not None:
        raise click.UsageError("--workers is for --ray")

    from squeezebert.pipeline import load
    from squeezebert.predicting.columns import Appended
    from squeezebert.predicting.inputs import Inputs
    from squeezebert.predicting.items import Texts

    if given is not None:
        inputs: Inputs | Texts = Inputs(
            given,
            format=cast("Format | None", form),
            text=text,
            pair=pair,
            delimiter=delimiter,
            quoted=quoted,
            encoding=encoding,
            without=output,
        )
        if inputs.guessed:
            screen.note(f"--text {inputs.text}: the one column that looks like the text")
    else:
        inputs = Texts(list(zip(texts[::2], texts[1::2], strict=True)) if pairs else list(texts))
    pipeline = load(model, backend=backend, precision=precision, threads=threads)
    if top_k is not None or threshold is not None:
        pipeline = pipeline.choosing(top_k=top_k, threshold=threshold)
    appended = Appended(
        spec=pipeline.task.spec,
        scores=pipeline.task.name == "text_classification"
        and (scores or top_k is not None or output is None),
        language=tells_language,
        prefix=prefix,
    )
    language = _language(pipeline) if tells_language else None
    if output is None:
        _print(pipeline, inputs, appended, cast("BadRows", bad_rows), language, as_json=as_json)
        return

    from squeezebert.checkpoint.hub import resolve
    from squeezebert.predicting.job import Job
    from squeezebert.predicting.partial import partial_of
    from squeezebert.scaleout.divided import DividedJob
    from squeezebert.scaleout.ray_cluster import RayCluster

    assert isinstance(inputs, Inputs)
    job = Job(
        pipeline=pipeline,
        directory=resolve(model),
        inputs=inputs,
        output=output,
        appended=appended,
        choices={"--top-k": top_k, "--threshold": threshold},
        bad_rows=cast("BadRows", bad_rows),
        language=language,
        restart=restart,
    )
    with _telling() as tell:
        try:
            if address is None:
                state = job.run(tell)
            else:
                cluster = RayCluster(address=address, workers=workers, threads=threads or 1)
                state = DividedJob(job=job, rows=partition_rows).run(cluster, tell)
        except BaseException:
            if partial_of(output).exists():  # else it was refused before it began
                screen.note("what is written is kept: the same command goes on there")
            raise
    _tell_end(state, output, bad_rows, languages=pipeline.task.spec.languages)


def _check_use(
    texts: Sequence[str], given: str | None, output: Path | None, *, pairs: bool, bad_rows: str
) -> None:
    """Refuses options that do not go together."""
    if texts and given is not None:
        raise click.UsageError("give texts or --input, not both")
    if texts and output is not None:
        raise click.UsageError("--output is for rows of --input")
    if pairs and (len(texts) % 2 or not texts):
        raise click.UsageError(
            f"--pairs takes an even number of texts, not {len(texts)}"
            if texts
            else "--pairs is for texts on the command line: name the second column with --pair"
        )
    if bad_rows == "report" and output is None:
        raise click.UsageError("--bad-rows report writes beside the --output, which is missing")


def _language(pipeline: Pipeline[Any]) -> Callable[[str], str]:
    from squeezebert.predicting.language import LanguageCheck

    return LanguageCheck(pipeline.task.spec.languages)


def _print(
    pipeline: Pipeline[Any],
    inputs: Inputs | Texts,
    appended: Appended,
    bad_rows: BadRows,
    language: Callable[[str], str] | None,
    *,
    as_json: bool,
) -> None:
    from squeezebert.cli.answers import as_lines
    from squeezebert.predicting.answering import Answering
    from squeezebert.predicting.inputs import Inputs

    if isinstance(inputs, Inputs):
        appended.check_free(inputs.columns, inputs.name)
    reads = as_json or not on_terminal()
    named = appended if reads else dataclasses.replace(appended, prefix="")
    console = screen.results()
    bad = 0
    answering = Answering(pipeline, inputs, bad_rows=bad_rows, language=language)
    for chunk in answering.chunks(inputs.items()):
        for item, text, answer, code in chunk.good:
            cells = named.cells(answer, code)
            if reads:
                screen.print_json_lines([{**(item.row or {}), **cells}])
                continue
            for line in as_lines(text, cells):
                console.print(line)
        bad += len(chunk.bad)
        if chunk.error is not None:
            raise chunk.error
    if bad:
        screen.note(f"{bad:,} rows left out that cannot be answered")


@contextmanager
def _telling() -> Generator[Callable[[State], None]]:
    """What shows how far a job is: a bar on a terminal, else a line now and then."""
    from rich.progress import BarColumn

    with screen.progress(BarColumn()) as bar:
        task = bar.add_task("reading", total=1.0)
        if bar.console.is_terminal:

            def draw(state: State) -> None:
                bar.update(task, description=_line(state), completed=state.read)
                bar.refresh()

            yield draw
            return
        last = time.monotonic()

        def say(state: State) -> None:
            nonlocal last
            if time.monotonic() - last >= _EVERY:
                last = time.monotonic()
                screen.note(_line(state))

        yield say


def _line(state: State) -> str:
    line = f"{state.progress.rows:,} rows, {state.rows_per_second:,.0f} rows/s"
    if state.read <= state.read_before or state.seconds <= 0:
        return line
    rate = (state.read - state.read_before) / state.seconds
    left = (1.0 - state.read) / rate
    minutes, seconds = divmod(round(left), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{line}, {hours}:{minutes:02}:{seconds:02} left"


def _tell_end(state: State, output: Path, bad_rows: str, *, languages: tuple[str, ...]) -> None:
    done = state.progress
    line = f"{done.written:,} rows in {state.seconds:.1f} s ({state.rows_per_second:,.0f} rows/s)"
    if state.before:
        line += f", {state.before:,} of them by an earlier run"
    screen.note(line)
    if done.blank:
        screen.note(f"{done.blank:,} without a text: their predictions are empty")
    if done.bad:
        told = f": see {output.stem}.bad.jsonl" if bad_rows == "report" else ""
        screen.note(
            f"{done.bad:,} rows left out that cannot be answered{told}", "warning", "yellow"
        )
    if done.foreign:
        screen.note(
            f"{done.foreign:,} texts look like another language than {', '.join(languages)}, "
            "which the model was made for",
            "warning",
            "yellow",
        )
    screen.say(str(output))
