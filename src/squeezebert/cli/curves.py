"""``squeezebert curves``: losses and dev scores of runs in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from squeezebert.cli import screen
from squeezebert.errors import InvalidInputError
from squeezebert.escaping import escape_xml

FORMS = (".svg", ".html", ".csv")

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
{picture}</html>
"""


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
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A picture (.svg), a page with it (.html) or its points (.csv).",
)
def curves(
    *,
    runs: tuple[Path, ...],
    names: tuple[str, ...],
    against: Literal["tokens", "minutes"],
    title: str,
    output: Path,
) -> None:
    r"""Draw the losses of training runs, finished or going on, in one picture, and the dev scores
    of fine-tuning runs below them.

    The held-out loss is the same measure in all pretraining runs with one corpus and vocabulary.

    \b
    squeezebert curves runs/news runs/news-long --output curves.svg
    squeezebert curves runs/squeezebert-mini-mlm runs/bert-mini-mlm --output curves.csv
    """
    from squeezebert.files import write_text
    from squeezebert.report.charts.curves import curves_csv, curves_svg, read_curve

    form = output.suffix.lower()
    if form not in FORMS:
        raise InvalidInputError(
            f"cannot write {output.name}: expected a name that ends in {', '.join(FORMS)}",
            hint="an .svg opens in a browser, and in what edits pictures",
        )
    if names and len(names) != len(runs):
        raise InvalidInputError(
            f"{len(runs)} runs have {len(names)} names", hint="give --name once for each run"
        )
    read = [
        read_curve(run, name, against=against)
        for run, name in zip(runs, names or [""] * len(runs), strict=True)
    ]
    if form == ".csv":
        write_text(output, curves_csv(read, against=against))
    else:
        picture = curves_svg(read, against=against, title=title) + "\n"
        write_text(
            output,
            PAGE.format(title=escape_xml(title or "Curves"), picture=picture)
            if form == ".html"
            else picture,
        )
    screen.say(str(output))
