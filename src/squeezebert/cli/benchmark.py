"""``squeezebert benchmark``: how fast a model runs here, and how far from the machine's limits."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from squeezebert.cli import screen
from squeezebert.cli.options import THREADS, json_option

if TYPE_CHECKING:
    from rich.console import Console

    from squeezebert.benchmark.schema import Benchmark


@click.command()
@click.argument("model")
@click.option(
    "--seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="How long it may take, about; what does not fit is left out and named.",
)
@click.option(
    "--isa",
    "isas",
    multiple=True,
    metavar="NAME",
    help="Instruction set. Can be given several times [default: all that run here].",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    metavar="NAME",
    help="int8, bf16, float32 or auto. Can be given several times [default: all three].",
)
@click.option(
    "--threads",
    multiple=True,
    type=THREADS,
    help="Can be given several times [default: 1 and all cores].",
)
@click.option(
    "--length",
    "lengths",
    multiple=True,
    type=click.IntRange(min=1),
    help="Tokens of a text alone. Can be given several times [default: 8 to 512].",
)
@click.option(
    "--batch",
    "batches",
    multiple=True,
    type=click.IntRange(min=1),
    help="Texts at a time, of 128 tokens. Can be given several times [default: 1 to 32].",
)
@click.option(
    "--output",
    "-o",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write benchmark.html, benchmark.json and roofline.svg there.",
)
@json_option
@click.pass_obj
def benchmark(
    arguments: Sequence[str],
    *,
    model: str,
    seconds: float,
    isas: tuple[str, ...],
    precisions: tuple[str, ...],
    threads: tuple[int, ...],
    lengths: tuple[int, ...],
    batches: tuple[int, ...],
    output: Path | None,
    as_json: bool,
) -> None:
    r"""Measure the speed of a model in the native engine on this machine.

    Latency by length and throughput by batch, in each precision, by instruction set and thread
    count, and what each stage takes, beside the processor's own measured limits. MODEL is a model
    directory, a shipped model's name, or a shape with random weights: squeezebert-base, -small or
    -mini, bert-base, -small or -mini. Times are of the encoder alone, without tokenizing.

    \b
    squeezebert benchmark squeezebert-base --output runs/benchmark
    squeezebert benchmark runs/news --precision int8 --threads 1 --seconds 10
    """
    from rich.progress import BarColumn, TimeRemainingColumn

    from squeezebert.benchmark import plan
    from squeezebert.benchmark.run import benchmark as run
    from squeezebert.files import check_writable
    from squeezebert.report.pages.benchmark_page import write_benchmark

    if output is not None:
        check_writable(output)
    with screen.progress(BarColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("", total=1.0)

        def say(what: str, share: float) -> None:
            done = min(share, 1.0)
            if done - bar.tasks[task].completed > 0.01 or bar.tasks[task].description != what:
                bar.update(task, description=what, completed=done)
                bar.refresh()

        found = run(
            model,
            seconds=seconds,
            isas=isas,
            precisions=precisions,
            threads=threads,
            lengths=lengths or plan.LENGTHS,
            batches=batches or plan.BATCHES,
            command=shlex.join(["squeezebert", *arguments]),
            progress=say,
        )
    if as_json:
        click.echo(found.to_json(), nl=False)
    else:
        _print(found, screen.results())
    if output is not None:
        written = write_benchmark(found, output)
        screen.note(f"wrote {written.html}, {written.json.name} and {written.picture.name}")


def _print(found: Benchmark, console: Console) -> None:
    from squeezebert.report import benchmark_tables as tables

    length = tables.batch_length(found)
    shape = found.shape
    screen.tell(
        console,
        f"{found.model}: {shape['model_type']}, {shape['num_hidden_layers']} blocks of width "
        f"{shape['hidden_size']}, on {found.machine.cpu}, {found.isas[0]}, threads: "
        f"{found.main_threads}",
    )
    screen.tell(console, "Times are the fastest / the median call; GOP/s by the fastest.\n")
    screen.print_table(
        console, tables.latency_table(found), title="One text: milliseconds by length"
    )
    screen.print_table(
        console,
        tables.throughput_table(found),
        title=f"Throughput by batch, {length} tokens a text",
    )
    for title, table in tables.stage_tables(found):
        screen.print_table(console, table, title=f"Stages at {title}: the threads' time")
    screen.print_table(console, tables.settings_table(found), title="Instruction sets and threads")
    screen.print_table(console, tables.machine_table(found), title="What the machine can read")
    if found.left_out:
        rest = len(found.left_out)
        screen.tell(
            console,
            f"No time for {rest} more measurements, such as {found.left_out[0]}; "
            "--seconds gives more.",
        )
