"""``squeezebert info``: what a model stores and computes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from squeezebert.cli import screen
from squeezebert.cli.options import json_option

if TYPE_CHECKING:
    from rich.table import Table

    from squeezebert.complexity import Complexity, HeadShape, Row
    from squeezebert.config import EncoderConfig


@click.command()
@click.argument("model")
@click.option(
    "--length",
    default=128,
    show_default=True,
    type=click.IntRange(min=1),
    help="Tokens of the input that is counted, special ones included.",
)
@click.option("--all", "every", is_flag=True, help="Show every projection, not whole blocks.")
@json_option
def info(*, model: str, length: int, every: bool, as_json: bool) -> None:
    r"""Count parameters and multiply-adds by layer and kind.

    MODEL is a shape (squeezebert-base, -small or -mini, bert-base, -small or -mini), a shipped
    model's name, a model directory or a name on the Hugging Face hub. One multiply-add is two FLOP.

    \b
    squeezebert info squeezebert-base --length 128
    """
    from squeezebert.complexity import count

    config, head, size = _look_up(model)
    counted = count(config, head, length)
    if as_json:
        screen.print_json_lines([_as_json(model, head, size, counted)])
        return
    console = screen.results()
    kind = "encoder and pooler" if head is None else f"{head.kind} head"
    screen.tell(
        console,
        f"{model}: {config.model_type}, {config.num_hidden_layers} blocks of width "
        f"{config.hidden_size}, {kind}; one input of {length} tokens",
    )
    layers = [(row.name, [row]) for row in counted.rows] if every else _by_layer(counted.rows)
    console.print(_table("layer", layers, counted))
    kinds = [(kind, [r for r in counted.rows if r.kind == kind]) for kind in counted.by_kind()]
    console.print(_table("kind", kinds, counted))
    screen.tell(
        console,
        f"{counted.parameters / 1e6:.1f} M parameters, {counted.gflop:.1f} GFLOP at {length} tokens"
        + ("" if size is None else f", {size / 1e6:.1f} MB on disk"),
    )


def _look_up(model: str) -> tuple[EncoderConfig, HeadShape | None, int | None]:
    """The shape of a model, its head, and its bytes on disk (None for a bare shape)."""
    from squeezebert import checkpoint
    from squeezebert.checkpoint.hub import resolve
    from squeezebert.complexity import HeadShape
    from squeezebert.config import PRESETS

    if model in PRESETS and not Path(model).exists():
        return PRESETS[model], None, None
    directory = resolve(model)
    values = checkpoint.read_json(directory / checkpoint.CONFIG)
    spec = checkpoint.read_spec(directory)
    if spec is not None:
        head = HeadShape(kind=spec.task, outputs=len(spec.labels))
    else:
        kind = checkpoint.head_kind(values)
        head = None if kind is None else HeadShape(kind=kind)
    return checkpoint.read_config(directory), head, checkpoint.size_on_disk(directory)


def _by_layer(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Rows under ``embeddings``, ``blocks.0``, …, ``pooler`` or ``head``."""
    layers: dict[str, list[Row]] = {}
    for row in rows:
        parts = row.name.split(".")
        name = ".".join(parts[:2]) if parts[0] == "blocks" else parts[0]
        layers.setdefault(name, []).append(row)
    return list(layers.items())


def _table(what: str, lines: Sequence[tuple[str, Sequence[Row]]], counted: Complexity) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_footer=True)
    table.add_column(what, footer="total")
    table.add_column("parameters", justify="right", footer=f"{counted.parameters:,}")
    table.add_column("share", justify="right")
    table.add_column("multiply-adds", justify="right", footer=f"{counted.multiply_adds:,}")
    table.add_column("share", justify="right")
    for name, rows in lines:
        parameters = sum(row.parameters for row in rows)
        multiply_adds = sum(row.multiply_adds for row in rows)
        table.add_row(
            screen.cell(name),
            f"{parameters:,}",
            f"{parameters / counted.parameters:.1%}",
            f"{multiply_adds:,}",
            f"{multiply_adds / counted.multiply_adds:.1%}",
        )
    return table


def _as_json(
    model: str, head: HeadShape | None, size: int | None, counted: Complexity
) -> dict[str, object]:
    return {
        "model": model,
        "head": None if head is None else head.kind,
        "tokens": counted.tokens,
        "parameters": counted.parameters,
        "multiply_adds": counted.multiply_adds,
        "gflop": counted.gflop,
        "size_mb": None if size is None else size / 1e6,
        "by_kind": {
            kind: {"parameters": parameters, "multiply_adds": multiply_adds}
            for kind, (parameters, multiply_adds) in counted.by_kind().items()
        },
        "rows": [
            {
                "name": row.name,
                "kind": row.kind,
                "parameters": row.parameters,
                "multiply_adds": row.multiply_adds,
            }
            for row in counted.rows
        ],
    }
