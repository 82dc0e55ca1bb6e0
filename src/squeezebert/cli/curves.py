"""``squeezebert curves``: loss curves of runs in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from squeezebert.cli import screen
from squeezebert.errors import InvalidInputError


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@click.option(
    "--name",
    "names",
    multiple=True,
    help="What a run is called in the picture, in the order of the runs [default: its directory].",
)
@click.option(
    "--against",
    type=click.Choice(["tokens", "minutes"]),
    default="tokens",
    show_default=True,
    help="What the loss is drawn against.",
)
@click.option("--title", default="", help="What stands above.")
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FILE.svg",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)
def curves(
    *,
    runs: tuple[Path, ...],
    names: tuple[str, ...],
    against: Literal["tokens", "minutes"],
    title: str,
    output: Path,
) -> None:
    r"""Draw the losses of training runs, finished or going on, in one picture.

    A fine-tuning run is named with its best dev score. The held-out loss is the same measure in
    all pretraining runs with one corpus and vocabulary.

    \b
    squeezebert curves runs/squeezebert-mini-mlm runs/bert-mini-mlm --output curves.svg
    """
    from squeezebert.files import write_text
    from squeezebert.report.charts.curves import curves_svg, read_curve

    if output.suffix.lower() != ".svg":
        raise InvalidInputError(
            f"the picture is SVG, but {output.name} ends otherwise", hint="name it .svg"
        )
    if names and len(names) != len(runs):
        raise InvalidInputError(
            f"{len(runs)} runs have {len(names)} names", hint="give --name once for each run"
        )
    read = [
        read_curve(run, name, against=against)
        for run, name in zip(runs, names or [""] * len(runs), strict=True)
    ]
    write_text(output, curves_svg(read, against=against, title=title) + "\n")
    screen.say(str(output))
