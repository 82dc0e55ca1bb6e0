"""Where the verbs print: results to stdout, progress to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from squeezebert.report.tables import Table

PIPED_WIDTH = 160
"""Columns of a table that goes to a file or a pipe, which have no width of their own."""


def results() -> Console:
    """A console on stdout."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)


def notes() -> Console:
    """A console on stderr, for progress."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_table(console: Console, table: Table, *, title: str | None = None) -> None:
    """A table: the columns that name a row to the left, numbers to the right."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    for at, column in enumerate(table.columns):
        justify = "left" if at < table.heads else "right"
        grid.add_column(Text(column), justify=justify, overflow="fold")
    for row in table.rows:
        grid.add_row(*map(Text, row))
    console.print(grid)


def print_json_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line on stdout."""
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))
