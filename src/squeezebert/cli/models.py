"""``squeezebert models``: what ships with the package."""

from __future__ import annotations

import click

from squeezebert.cli import screen
from squeezebert.cli.options import json_option


@click.command()
@json_option
def models(*, as_json: bool) -> None:
    """List the models that ship with the package.

    Each name can stand wherever a command or `squeezebert.load` takes a model.
    """
    from squeezebert.hub import shipped_models

    shipped = shipped_models()
    if as_json:
        screen.print_json_lines(
            {
                "name": model.name,
                "task": model.spec.task,
                "languages": list(model.spec.languages),
                "size_mb": round(model.size_mb, 3),
                "description": model.description,
                "directory": str(model.directory),
            }
            for model in shipped
        )
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("name", no_wrap=True)
    table.add_column("task", no_wrap=True)
    table.add_column("languages")
    table.add_column("MB", justify="right")
    table.add_column("description")
    for model in shipped:
        table.add_row(
            model.name,
            model.spec.task,
            ", ".join(model.spec.languages),
            f"{model.size_mb:.1f}",
            model.description,
        )
    screen.results().print(table)
