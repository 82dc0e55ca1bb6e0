"""Every error this package raises on purpose.

::

    SqueezeBertError            the base: only the command line and a server catch it
    ├── ConfigError             a model, recipe or option that cannot be as it is given
    ├── CheckpointError         a model or run that cannot be read, a file that cannot be written
    ├── DataError               a data file that breaks its format (names file and line)
    ├── InvalidInputError       a value passed to a Python call or typed on a command line
    └── MissingDependencyError  an optional package that is not installed (names the command)

A message says what is wrong, which value was received and what was expected.
The way out, where one is known, goes into ``hint``. Values that come from a file are shown by
:func:`shown`; whatever a message is made of, it holds no control characters and is of bounded
length.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable

LONGEST_MESSAGE, LONGEST_HINT = 1200, 600
"""Characters; the rest is cut."""


def shown(value: object, limit: int = 80) -> str:
    r"""``value`` as Python writes it, for a message: long ones cut in the middle, characters that
    do not print escaped.

    >>> shown("a\x1b[31mb"), shown("x" * 100, 20)
    ("'a\\x1b[31mb'", "'xxxxxxx...xxxxxxxx'")
    """
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = limit
    brief.maxlevel = 2
    text = brief.repr(value)
    return text if len(text) <= 4 * limit else text[: 4 * limit] + "..."


_LONGEST_NAME = 60
"""Characters of a name that is compared with others."""


def near(name: str, names: Iterable[str]) -> str | None:
    """A hint with the names that look like ``name``, or None where there is none.

    >>> near("txt", ["text", "label"])
    "did you mean 'text'?"
    """
    if len(name) > _LONGEST_NAME:
        return None
    by_lower = {other.strip().lower(): other for other in names if len(other) <= _LONGEST_NAME}
    found = difflib.get_close_matches(name.strip().lower(), by_lower, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(repr(by_lower[key]) for key in found)}?" if found else None


def bounded(text: str, limit: int) -> str:
    r"""``text`` in at most ``limit`` characters, those that do not print escaped; lines stay.

    >>> bounded("one\ntwo\x07", 80)
    'one\ntwo\\x07'
    """
    length = len(text)
    text = text[: limit + 1]
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
    if len(text) > limit:
        return f"{text[: limit - 30]}... ({length:,} characters)"
    return text


class SqueezeBertError(Exception):
    """Base of all errors of this package.

    Args:
        message: What is wrong, where, with the value received and what was expected.
        hint: What to do about it; printed on a line of its own.

    >>> print(SqueezeBertError("3 groups do not divide 256", hint="use a divisor of 256"))
    3 groups do not divide 256
    hint: use a divisor of 256
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        message = bounded(message, LONGEST_MESSAGE)
        hint = None if hint is None else bounded(hint, LONGEST_HINT)
        super().__init__(message if hint is None else f"{message}\nhint: {hint}")
        self.message = message
        self.hint = hint


class ConfigError(SqueezeBertError):
    """A model configuration, recipe or option that cannot be as it is given."""


class CheckpointError(SqueezeBertError):
    """A model or run that cannot be read, or a file of any kind that cannot be written."""


class DataError(SqueezeBertError):
    """A data file that breaks its format; the message names the file and the line.

    Args:
        message: As for every error.
        hint: The same.
        where: The place, ``file:line``, where the message begins with it; empty elsewhere.
    """

    def __init__(self, message: str, *, hint: str | None = None, where: str = "") -> None:
        super().__init__(message, hint=hint)
        self.where = where

    @property
    def reason(self) -> str:
        """The message without its place."""
        return self.message.removeprefix(f"{self.where}: ") if self.where else self.message


class InvalidInputError(SqueezeBertError):
    """A value passed to a Python call or typed on a command line that cannot be used."""


class MissingDependencyError(SqueezeBertError):
    """An optional package that is not installed; the hint is the command that installs it."""

    @classmethod
    def for_extra(cls, package: str, extra: str, purpose: str) -> MissingDependencyError:
        """The error for ``package``, which comes with ``squeezebert[extra]`` and is needed for
        ``purpose`` ("training", "reading Parquet files").
        """
        return cls(
            f"{purpose} needs the package {package!r}, which is not installed",
            hint=f'pip install "squeezebert[{extra}]"',
        )
