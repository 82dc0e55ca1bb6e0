"""``squeezebert push``: a model onto the Hugging Face hub."""

from __future__ import annotations

import click

from squeezebert.cli import screen
from squeezebert.cli.card import said_options


@click.command()
@click.argument("model", metavar="NAME_OR_DIR")
@click.argument("name", metavar="USER/MODEL")
@click.option("--private", is_flag=True, help="A new repository is for its owner alone.")
@click.option("--message", help="Of the commit.")
@said_options
def push(
    *,
    model: str,
    name: str,
    private: bool,
    message: str | None,
    license_name: str | None,
    base_model: str | None,
    datasets: tuple[str, ...],
) -> None:
    r"""Upload a model, or an export, to the Hugging Face hub, with a card.

    A token comes from `hf auth login` or HF_TOKEN. Logs and states of training stay at home.

    \b
    squeezebert push runs/news me/news --license apache-2.0 --private
    """
    from squeezebert.exporting.card import Said
    from squeezebert.exporting.push import push as upload

    said = Said(license=license_name, base_model=base_model, datasets=datasets)
    screen.say(upload(model, name, private=private, said=said, message=message))
