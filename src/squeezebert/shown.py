"""What a person sees on a terminal: texts that cannot steer it, and color only where it is wanted.

Labels, names, paths and texts come from files of others. A control character among them could
clear the screen, color what follows, or show a text in another order than it is read in.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_STEERING = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 (but for tabs and line feeds), DEL, C1
    "\u2028\u2029"  # ends of lines and paragraphs
    "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides and isolates of reading direction
    "\ud800-\udfff"  # halves of surrogate pairs: bytes of a file's name that are not UTF-8
    "]"
)
_STEERING_LINE = re.compile(f"{_STEERING.pattern[:-1]}\t\n]")


def shown(text: str, *, lines: bool = False) -> str:
    r"""A text with its control characters spelled out, as Python would write them.

    Args:
        text: Any text.
        lines: Whether it may have several lines; line feeds and tabs are then left.

    >>> shown("PER\x1b[2J\n"), shown("a\tb\n", lines=True)
    ('PER\\x1b[2J\\n', 'a\tb\n')
    """
    pattern = _STEERING if lines else _STEERING_LINE
    return pattern.sub(lambda found: ascii(found.group())[1:-1], text)


def colorless() -> bool:
    """Whether terminals get no color: ``NO_COLOR`` is set (https://no-color.org), or the terminal
    calls itself dumb.
    """
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "").lower() == "dumb"


def on_terminal() -> bool:
    """Whether a person reads standard output; false where there is none."""
    # Python's stubs do not tell that a process may have been started without it.
    stream = sys.stdout or None
    return stream is not None and stream.isatty()


def console(
    *, stderr: bool = False, quiet: bool = False, piped_width: int | None = None
) -> Console:
    """Where tables and progress are printed.

    Args:
        stderr: On standard error instead of standard output.
        quiet: Print nothing.
        piped_width: Columns of a file or a pipe, which have no width of their own.
    """
    from rich.console import Console

    return Console(
        stderr=stderr,
        quiet=quiet,
        highlight=False,
        color_system=None if colorless() else "auto",
        width=piped_width if not (stderr or on_terminal()) else None,
    )


def plural(number: int, word: str) -> str:
    """So many of something.

    >>> plural(1, "text"), plural(1200, "text")
    ('1 text', '1,200 texts')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"
