"""Where the verbs print: results to stdout, notes and progress to stderr."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from squeezebert.shown import colorless, console, on_terminal, shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn
    from rich.text import Text

    from squeezebert.report.tables import Table

PIPED_WIDTH = 160
"""Columns of a table that goes to a file or a pipe, which have no width of their own."""


class Once(logging.Filter):
    """Lets a warning through once: data that is read again has the same to say.

    >>> once = Once()
    >>> [once.filter(logging.makeLogRecord({"msg": msg, "levelno": 30})) for msg in "aba"]
    [True, True, False]
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is to be printed."""
        if record.levelno != logging.WARNING:
            return True
        message = record.getMessage()
        new = message not in self._said
        self._said.add(message)
        return new


def results() -> Console:
    """A console on stdout."""
    return console(piped_width=PIPED_WIDTH)


def notes() -> Console:
    """A console on stderr, for progress."""
    return console(stderr=True)


def say(line: str) -> None:
    """A line of results on stdout; as it is for a program, its control characters spelled out for
    a person.
    """
    click.echo(shown(line, lines=True) if on_terminal() else line)


def note(line: str, head: str = "", color: str = "") -> None:
    """A line on stderr, after a head in bold ("error"), for a person."""
    if head:
        head = click.style(f"{head}:", fg=color or None, bold=True) + " "
    click.echo(head + shown(line, lines=True), err=True, color=False if colorless() else None)


def cell(content: str) -> Text:
    """What stands in a table, as it is: neither markup nor anything that steers a terminal."""
    from rich.text import Text

    return Text(shown(content, lines=True))


def tell(console: Console, line: str) -> None:
    """A line among tables, as it is; see :func:`cell`."""
    console.print(cell(line))


def progress(*columns: ProgressColumn) -> Progress:
    """A bar on stderr, if that is a terminal, which disappears at the end.

    It is drawn when told to and not by a thread, whose CPU seconds would count as a model's.

    Args:
        columns: What stands after the description, which is taken as it is.
    """
    from rich.progress import Progress, TextColumn

    to = notes()
    return Progress(
        TextColumn("{task.description}", markup=False),
        *columns,
        console=to,
        auto_refresh=False,
        transient=True,
        disable=not to.is_terminal,  # else it would end in an empty line
    )


def print_table(console: Console, table: Table, *, title: str | None = None) -> None:
    """A table: the columns that name a row to the left, numbers to the right."""
    from rich import box
    from rich.table import Table as Grid

    grid = Grid(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    for at, column in enumerate(table.columns):
        justify = "left" if at < table.heads else "right"
        grid.add_column(cell(column), justify=justify, overflow="fold")
    for row in table.rows:
        grid.add_row(*map(cell, row))
    console.print(grid)


def print_json_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line on stdout."""
    for row in rows:
        line = json.dumps(row, ensure_ascii=False)
        # Halves of surrogate pairs (a file's name that is not UTF-8) have no UTF-8: \uXXXX then.
        click.echo(line if _is_utf8(line) else json.dumps(row))


def _is_utf8(line: str) -> bool:
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
