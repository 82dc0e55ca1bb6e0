"""``squeezebert predict``: texts in, predictions out."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from squeezebert.cli import screen
from squeezebert.cli.layout import Layout, layout_options, part_option, split_option
from squeezebert.cli.options import (
    backend_option,
    json_option,
    precision_option,
    threads_option,
)
from squeezebert.cli.rows import gold_of, one_input, open_rows, prefix_beside
from squeezebert.shown import on_terminal, plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from squeezebert.pipeline import Pipeline
    from squeezebert.predicting.columns import Appended
    from squeezebert.predicting.examples import Examples
    from squeezebert.predicting.gold import Agreement, Gold
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
    metavar="FILE|FOLDER|GLOB|NAME|-",
    help="Tables (.csv, .tsv, .jsonl, .parquet), plain text (a text a line), CoNLL columns, or a "
    "known data set; - is stdin.",
)
@split_option(None)
@part_option("dev", "What to read, instead of --input.")
@part_option("test", "What to read, instead of --input.")
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
    type=click.Choice(["csv", "tsv", "jsonl", "parquet", "text", "conll"]),
    help="Format of the input [default: by the file's name; text for stdin].",
)
@layout_options
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
    split: str | None,
    dev: tuple[str, ...],
    test: tuple[str, ...],
    output: Path | None,
    form: str | None,
    layout: Layout,
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
    stdout: for a person on a terminal, as JSON Lines into a pipe or with --json. Where the rows
    have labels already (--label, or a known data set), it is told in the end how many answers agree
    with them.

    \b
    squeezebert predict squeezebert-mini-news "The striker scored twice."
    squeezebert predict squeezebert-mini-news --input news.csv --text headline --output out.csv
    squeezebert predict squeezebert-mini-news --input test.csv --label category --output out.csv
    squeezebert predict squeezebert-mini-ner --input letters.txt > entities.jsonl
    squeezebert predict runs/entailment --pairs "A man sleeps." "Nobody is awake."
    """
    given, split = one_input(given, split, dev, test)
    if not texts and given is None and (not sys.stdin or sys.stdin.isatty()):
        raise click.UsageError("no text: give some, or --input, or pipe them in")
    _check_use(texts, given, output, layout, split=split, pairs=pairs)
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
    from squeezebert.predicting.items import Texts

    pipeline = load(model, backend=backend, precision=precision, threads=threads)
    spec = pipeline.task.spec
    gold = None
    if given is None:
        typed = list(zip(texts[::2], texts[1::2], strict=True)) if pairs else list(texts)
        inputs: Inputs | Examples | Texts = Texts(typed)
    else:
        inputs = open_rows(given, split, layout, spec, form=form, output=output)
        gold = gold_of(inputs, layout, spec)
    if top_k is not None or threshold is not None:
        pipeline = pipeline.choosing(top_k=top_k, threshold=threshold)
    appended = Appended(
        spec=spec,
        scores=spec.task == "text_classification"
        and (scores or top_k is not None or output is None),
        language=tells_language,
        prefix=prefix,
    )
    appended = dataclasses.replace(appended, prefix=prefix_beside(appended, gold))
    language = _language(pipeline) if tells_language else None
    if output is None:
        _print(pipeline, inputs, appended, layout, gold, language, as_json=as_json)
        return

    from squeezebert.checkpoint.hub import resolve
    from squeezebert.predicting.job import Job
    from squeezebert.predicting.partial import partial_of
    from squeezebert.scaleout.divided import DividedJob
    from squeezebert.scaleout.ray_cluster import RayCluster

    assert not isinstance(inputs, Texts)
    job = Job(
        pipeline=pipeline,
        directory=resolve(model),
        inputs=inputs,
        output=output,
        appended=appended,
        choices={"--top-k": top_k, "--threshold": threshold},
        gold=gold,
        empty=layout.empty or "keep",
        bad_rows=layout.bad_rows,
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
    _tell_end(state, output, layout.bad_rows, languages=spec.languages)
    _tell_agreement(state.progress.agreement, gold)
    screen.say(str(output))


def _check_use(
    texts: Sequence[str],
    given: str | None,
    output: Path | None,
    layout: Layout,
    *,
    split: str | None,
    pairs: bool,
) -> None:
    """Refuses options that do not go together."""
    if texts and given is not None:
        raise click.UsageError("give texts or --input, not both")
    of_files = [*layout.said, *(["--split"] if split else [])]
    if texts and of_files:
        raise click.UsageError(f"{of_files[0]} is about rows of --input, and the texts were typed")
    if texts and output is not None:
        raise click.UsageError("--output is for rows of --input")
    if pairs and (len(texts) % 2 or not texts):
        raise click.UsageError(
            f"--pairs takes an even number of texts, not {len(texts)}"
            if texts
            else "--pairs is for texts on the command line: name the second column with --pair"
        )
    if layout.bad_rows == "report" and output is None:
        raise click.UsageError("--bad-rows report writes beside the --output, which is missing")


def _language(pipeline: Pipeline[Any]) -> Callable[[str], str]:
    from squeezebert.predicting.language import LanguageCheck

    return LanguageCheck(pipeline.task.spec.languages)


def _print(
    pipeline: Pipeline[Any],
    inputs: Inputs | Examples | Texts,
    appended: Appended,
    layout: Layout,
    gold: Gold | None,
    language: Callable[[str], str] | None,
    *,
    as_json: bool,
) -> None:
    from squeezebert.cli.answers import as_lines
    from squeezebert.predicting.answering import Answering
    from squeezebert.predicting.gold import Agreement
    from squeezebert.predicting.items import Texts

    if not isinstance(inputs, Texts):
        appended.check_free(inputs.columns, inputs.name)
    reads = as_json or not on_terminal()
    named = appended if reads else dataclasses.replace(appended, prefix="")
    console = screen.results()
    bad = empty = 0
    agreement = Agreement()
    answering = Answering(
        pipeline,
        inputs,
        bad_rows=layout.bad_rows,
        empty=layout.empty or "keep",
        language=language,
        refusal=None if gold is None else gold.refusal,
    )
    for chunk in answering.chunks(inputs.items()):
        for item, text, answer, code in chunk.good:
            if gold is not None:
                agreement += gold.agreement(item, answer)
            cells = named.cells(answer, code)
            if reads:
                screen.print_json_lines([{**(item.row or {}), **cells}])
                continue
            for line in as_lines(text, cells):
                console.print(line)
        bad += len(chunk.bad)
        empty += len(chunk.items) - len(chunk.good) - len(chunk.bad)
        if chunk.error is not None:
            raise chunk.error
    if empty:
        screen.note(f"{empty:,} without a text left out")
    if bad:
        screen.note(f"{plural(bad, 'row')} left out: no answer is possible")
    _tell_agreement(agreement, gold)


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
    if done.left_out:
        screen.note(f"{done.left_out:,} without a text left out")
    if done.bad:
        told = f", see {output.stem}.bad.jsonl" if bad_rows == "report" else ""
        screen.note(
            f"{plural(done.bad, 'row')} left out: no answer is possible{told}",
            "warning",
            "yellow",
        )
    if done.foreign:
        screen.note(
            f"{plural(done.foreign, 'text')} in another language, by the looks, than "
            f"{', '.join(languages)}, which the model was made for",
            "warning",
            "yellow",
        )


def _tell_agreement(agreement: Agreement, gold: Gold | None) -> None:
    if gold is None:
        return
    if not agreement.rows:
        screen.note(f"no row with a text has a label in the column {gold.column!r}")
        return
    screen.note(agreement.sentence(gold.spec, gold.column))
    if agreement.unknown:
        screen.note(
            f"labels that the model does not have count as wrong, {agreement.unknown:,} in all, "
            f"such as {agreement.first_unknown!r}: --label-map OLD=NEW renames them",
            "warning",
            "yellow",
        )
