"""Where the verbs print: results to stdout, progress to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

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


def print_json_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line on stdout."""
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))
