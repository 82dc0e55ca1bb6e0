"""``squeezebert bundle``: a model as one file."""

from __future__ import annotations

from pathlib import Path

import click

from squeezebert.errors import InvalidInputError


@click.command()
@click.argument("model", metavar="NAME_OR_DIR")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The file to write.",
)
def bundle(*, model: str, output: Path) -> None:
    r"""Put a model into one file: weights, config, task and tokenizer.

    It is what the C API opens from a path or from memory, so an app or a page has one asset.

    \b
    squeezebert bundle squeezebert-mini-ner --output ner.safetensors
    """
    from squeezebert.checkpoint.bundle import write_bundle
    from squeezebert.checkpoint.hub import resolve

    if output.is_dir():
        raise InvalidInputError(f"{output} is a directory", hint="name a file to write")
    size = write_bundle(resolve(model), output)
    click.echo(f"{size / 1e6:.1f} MB: {output}")
