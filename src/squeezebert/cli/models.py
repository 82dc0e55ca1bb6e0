"""``squeezebert models``: what ships with the package."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from squeezebert.cli import screen
from squeezebert.cli.options import json_option

if TYPE_CHECKING:
    from squeezebert.checkpoint.shipped import ShippedModel, ShippedSpeed


@click.command()
@click.option(
    "--measure",
    is_flag=True,
    help="Take the speed on this machine now, all models in turn, instead of telling what was "
    "measured when they were made.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.0, min_open=True),
    default=10.0,
    show_default=True,
    help="How long --measure may take.",
)
@json_option
def models(*, measure: bool, seconds: float, as_json: bool) -> None:
    r"""List the models that ship with the package: task, languages, size, score and speed.

    Each name can stand wherever a command or `squeezebert.load` takes a model. The speed is the CPU
    time of one text on one thread of the machine that is named.

    \b
    squeezebert models
    squeezebert models --measure
    """
    from squeezebert.checkpoint.shipped import shipped_models

    shipped = shipped_models()
    if measure:
        from squeezebert.benchmark.cpu_time import measure_shipped
        from squeezebert.machine import describe_machine

        speeds = measure_shipped(shipped, cpu=describe_machine(1).cpu, seconds=seconds)
        shipped = [
            dataclasses.replace(model, speed=speed)
            for model, speed in zip(shipped, speeds, strict=True)
        ]
    if as_json:
        screen.print_json_lines(map(_as_json, shipped))
        return
    from squeezebert.report.tables import Table

    table = Table(
        columns=("name", "task", "languages", "score", "description", "MB", "CPU ms"),
        rows=tuple(_row(model) for model in shipped),
        heads=5,
    )
    screen.print_table(screen.results(), table)
    for line in _machines(model.speed for model in shipped):
        screen.say(line)


def _as_json(model: ShippedModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "task": model.task,
        "languages": list(model.languages),
        "size_mb": round(model.size_mb, 3),
        "scores": [dataclasses.asdict(score) for score in model.scores],
        "speed": None if model.speed is None else dataclasses.asdict(model.speed),
        "description": model.description,
        "directory": str(model.directory),
    }


def _row(model: ShippedModel) -> tuple[str, ...]:
    scores = [f"{score.name} {score.value:.3f} ({score.data})" for score in model.scores]
    return (
        model.name,
        model.task,
        ", ".join(model.languages),
        "\n".join(scores) or "–",
        model.description,
        f"{model.size_mb:.1f}",
        "–" if model.speed is None else f"{model.speed.cpu_ms:.3g}",
    )


def _machines(speeds: Iterable[ShippedSpeed | None]) -> list[str]:
    """What the speeds were measured on; one line for those that have all in common."""
    lines = [
        f"CPU ms: a text of {speed.tokens} tokens on one thread, {speed.precision} on {speed.isa}, "
        f"{speed.cpu}"
        for speed in speeds
        if speed is not None
    ]
    return list(dict.fromkeys(lines))
