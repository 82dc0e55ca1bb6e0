"""``squeezebert convert``: a model's weights in fewer bytes, without measuring anything."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import click

from squeezebert.cli.options import output_option
from squeezebert.errors import InvalidInputError

KEPT = ("*.json", "*.jsonl", "*.txt", "*.md", "*.toml", "LICENSE*", "NOTICE*")
"""What goes along beside the weights: tokenizer, task, card, recipe, metrics."""


@click.command()
@click.argument("model", metavar="NAME_OR_DIR")
@click.option(
    "--storage",
    type=click.Choice(["float32", "float16", "int8"]),
    default="float16",
    show_default=True,
    help="How matrices are kept; int8 has one scale a row.",
)
@output_option
def convert(*, model: str, storage: Literal["float32", "float16", "int8"], output: Path) -> None:
    r"""Copy a model with its weights in fewer bytes, to send it or to go on from it.

    Nothing is measured, and neither torch nor the engine is needed. What the engine runs fastest is
    written by `quantize`.

    \b
    squeezebert convert runs/gpu --storage int8 --output runs/gpu-int8
    """
    from squeezebert import checkpoint
    from squeezebert.checkpoint.hub import resolve

    source = resolve(model)
    if output.resolve() == source.resolve():
        raise InvalidInputError(f"{output} is the model itself", hint="write to another directory")
    checkpoint.write_checkpoint(
        output,
        config=checkpoint.read_json(source / checkpoint.CONFIG),
        tensors=checkpoint.read_tensors(source),
        storage=storage,
    )
    for pattern in KEPT:
        for path in sorted(source.glob(pattern)):
            if path.name not in (checkpoint.CONFIG, checkpoint.INDEX):
                shutil.copyfile(path, output / path.name)
    click.echo(f"{checkpoint.size_on_disk(output) / 1e6:.1f} MB: {output}")
