"""``squeezebert card``: a model card for the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from squeezebert.cli import screen

_SAID = (
    click.option("--license", "license_name", help="Of the weights, as apache-2.0."),
    click.option("--base-model", help="What it was made of, a name on the hub."),
    click.option(
        "--dataset",
        "datasets",
        multiple=True,
        help="What it was trained on, a name on the hub. Can be given several times.",
    ),
)


def said_options(command: Callable[..., None]) -> Callable[..., None]:
    """What only a person can say of a model; `card` and `push` take it alike."""
    for option in reversed(_SAID):
        command = option(command)
    return command


@click.command()
@click.argument("model", metavar="NAME_OR_DIR")
@click.option("--name", help="What it is called on the hub [default: as MODEL].")
@said_options
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write it [default: standard output].",
)
def card(
    *,
    model: str,
    name: str | None,
    license_name: str | None,
    base_model: str | None,
    datasets: tuple[str, ...],
    output: Path | None,
) -> None:
    r"""Write a model card: metadata for the hub, and what the model knows of itself.

    The text of a README.md in the model's directory stays; its metadata are renewed.

    \b
    squeezebert card runs/news --name me/news --license apache-2.0 --output runs/news/README.md
    """
    from squeezebert import files
    from squeezebert.checkpoint.hub import resolve
    from squeezebert.exporting.card import Said, model_card
    from squeezebert.loading import model_name

    said = Said(license=license_name, base_model=base_model, datasets=datasets)
    text = model_card(resolve(model), name or model_name(model), said)
    if output is None:
        screen.say(text.rstrip("\n"))
    else:
        files.write_text(output, text)
        screen.note(f"wrote {output}")
