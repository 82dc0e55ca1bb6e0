"""The wording of data errors: where, what was found, what was expected, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from squeezebert.errors import DataError

OnBad = Callable[[DataError], None]
"""Gets the error about a line or row that cannot be read, which is then left out; or raises it."""


def refuse(error: DataError) -> None:
    """An :data:`OnBad` that stops at the first."""
    raise error


LONGEST_SHOWN = 60
"""Characters of a value that a message shows."""


def shown(value: object) -> str:
    """``value`` as a message shows it: quoted, and cut where it is long.

    >>> shown("a" * 200)[-20:]
    "aaaaa' (200 letters)"
    """
    if isinstance(value, str):
        if len(value) <= LONGEST_SHOWN:
            return repr(value)
        return f"{value[:LONGEST_SHOWN]!r} ({len(value)} letters)"
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names in a row, cut after ``most``.

    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    items = [shown(name) for name in names]
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return ", ".join(items)


def columns(count: int) -> str:
    """A number of columns in words.

    >>> columns(1), columns(3)
    ('1 column', '3 columns')
    """
    return f"{count} column{'' if count == 1 else 's'}"


def passing(option: str, value: str | bool) -> str:
    """How a reader's option is given, wherever the message may be read.

    >>> passing("scheme", "IOB1")
    "pass --scheme IOB1 (in Python scheme='IOB1')"
    """
    dashed = option.replace("_", "-")
    if isinstance(value, bool):
        given = dashed if value else f"no-{dashed}"
    else:
        typed = value if value.replace("-", "").isalnum() else repr(value)
        given = f"{dashed} {typed}"
    return f"pass --{given} (in Python {option}={value!r})"


def broken(where: str, found: str, expected: str, hint: str) -> DataError:
    """The error for data at ``where`` (``file:line``) that is not as expected."""
    return DataError(f"{where}: {found}, expected {expected}", hint=hint, where=where)
