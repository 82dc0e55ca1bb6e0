"""``squeezebert convert``: a model's weights in fewer bytes, without measuring anything."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from squeezebert.cli import screen
from squeezebert.cli.options import output_option
from squeezebert.errors import InvalidInputError


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

    Nothing is measured; torch is needed for an old pytorch_model.bin only. What the engine runs
    fastest is written by `quantize`.

    \b
    squeezebert convert runs/gpu --storage int8 --output runs/gpu-int8
    """
    from squeezebert import checkpoint
    from squeezebert.checkpoint.hub import resolve
    from squeezebert.files import appearing
    from squeezebert.quantization.compact import KEPT, read_float32, write_copy

    source = resolve(model)
    if output.resolve() == source.resolve():
        raise InvalidInputError(f"{output} is the model itself", hint="write to another directory")
    tensors = read_float32(source)
    with appearing(output) as directory:
        write_copy(source, directory, tensors, storage, kept=(*KEPT, "*.jsonl"))
    screen.say(f"{checkpoint.size_on_disk(output) / 1e6:.1f} MB: {output}")
