"""Every error this package raises on purpose.

::

    SqueezeBertError            the base: only the command line and a server catch it
    ├── ConfigError             a model, recipe or option that cannot be as it is given
    ├── CheckpointError         a model directory or weight file that cannot be read or written
    ├── DataError               a data file that breaks its format (names file and line)
    ├── InvalidInputError       a value passed to a Python call or typed on a command line
    └── MissingDependencyError  an optional package that is not installed (names the command)

A message says what is wrong, which value was received and what was expected.
The way out, where one is known, goes into ``hint``.
"""

from __future__ import annotations


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
        super().__init__(message if hint is None else f"{message}\nhint: {hint}")
        self.message = message
        self.hint = hint


class ConfigError(SqueezeBertError):
    """A model configuration, recipe or option that cannot be as it is given."""


class CheckpointError(SqueezeBertError):
    """A model directory or weight file that cannot be read or written."""


class DataError(SqueezeBertError):
    """A data file that breaks its format; the message names the file and the line."""


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
