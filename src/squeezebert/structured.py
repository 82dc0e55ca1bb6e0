"""JSON files and frozen dataclasses from plain values, typed and bounded.

What others wrote may hold anything: :func:`read_json` bounds the size and the depth of a file,
:func:`build` and :func:`from_mapping` check plain values against a dataclass's annotations. Both
convert alike; a recipe (:func:`from_mapping`), which people type, refuses unknown settings and
takes shorthands.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin

from squeezebert.errors import CheckpointError, ConfigError, DataError, SqueezeBertError, shown

Built = TypeVar("Built")
Section = TypeVar("Section")

SHORTHAND = "path"
"""A plain string where a recipe expects a table is the table's field of this name."""

MAX_BYTES = 16 << 20
"""Of a JSON file beside a model; those of real models have a few thousand, indexes a hundred
thousand, tokenizers a few million."""

MAX_DEPTH = 64
"""How deep the values of a JSON file may lie in one another."""


def read_json(path: Path, *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        CheckpointError: no such file, not UTF-8, not a JSON object, too long or too deep, a name
            that stands twice, or a number that is not finite.
    """
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"there is no {path.name} in {path.parent}",
            hint="a model directory has config.json, tokenizer files and model.safetensors",
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if len(content) > max_bytes:
        raise CheckpointError(
            f"{path} is longer than {max_bytes:,} bytes, the most for such a file"
        )
    value = parse_json(content, str(path))
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} holds a {type(value).__name__}, expected an object")
    return cast(dict[str, Any], value)


def parse_json(content: bytes | str, where: str) -> Any:
    """The value of a JSON text.

    Args:
        content: UTF-8, with or without a byte-order mark.
        where: What holds the text, for messages.

    Raises:
        CheckpointError: see :func:`read_json`.

    >>> parse_json('{"labels": ["a"]}', "task.json")
    {'labels': ['a']}
    """
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        value = json.loads(
            text, object_pairs_hook=unique_names, parse_constant=_not_finite, parse_float=_finite
        )
    except RecursionError:
        value = None
        depth = MAX_DEPTH + 1
    except ValueError as error:
        raise CheckpointError(f"{where} is not readable JSON: {error}") from error
    else:
        depth = _depth(value)
    if depth > MAX_DEPTH:
        raise CheckpointError(f"{where} has values more than {MAX_DEPTH} levels deep")
    return value


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, for ``object_pairs_hook``.

    Raises:
        ValueError: a name that stands twice, of which Python's reader would take the last.
    """
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise ValueError(f"the name {shown(twice)} stands twice in an object")
    return values


def _not_finite(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number that JSON has")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {shown(text)} is too large")
    return number


def _depth(value: Any) -> int:
    """How many objects and lists lie in one another; stops above the most that is allowed."""
    depth = 0
    level = [value]
    while level and depth <= MAX_DEPTH:
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += cast(dict[str, Any], one).values()
            elif isinstance(one, list):
                inner += cast(list[Any], one)
        depth += any(isinstance(one, (dict, list)) for one in level)
        level = [one for one in inner if isinstance(one, (dict, list))]
    return depth


@dataclass(frozen=True)
class _Manner:
    """How plain values become a dataclass.

    Args:
        error: What is raised.
        typed: Whether a person typed the values: unknown fields are then refused, and shorthands
            taken (a string for a table with a path, one item for a list of it).
        section: How messages call an object.
    """

    error: type[SqueezeBertError]
    typed: bool = False
    section: str = "an object"


_RECIPE = _Manner(ConfigError, typed=True, section="a section of settings")


def build(
    kind: type[Built],
    values: Any,
    where: str,
    error: type[SqueezeBertError] = DataError,
) -> Built:
    """The dataclass ``kind`` from the JSON object ``values``; unknown fields are left out.

    Args:
        kind: Its fields are ``str``, ``int``, ``float``, ``bool``, literals, dataclasses,
            ``tuple[X, ...]``, ``Mapping[str, X]`` or a union with ``None``.
        values: What ``json.loads`` gave.
        where: The path of ``values``, for messages.
        error: What is raised.

    Raises:
        DataError: a field that is missing or of the wrong kind; the message gives its path.
    """
    return _build(kind, values, where, _Manner(error))


def from_mapping(cls: type[Section], values: Mapping[str, Any], where: str) -> Section:
    """An instance of the recipe dataclass ``cls`` from plain values; ``where`` is for messages.

    Raises:
        ConfigError: an unknown or missing setting, or a value of another type.
    """
    return _build(cls, values, where, _RECIPE)


def _build(kind: type[Built], values: Any, where: str, manner: _Manner) -> Built:
    if not isinstance(values, Mapping):
        raise manner.error(f"{where} is {shown(values)}, expected {manner.section}")
    given = cast(Mapping[str, Any], values)
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(cast(Any, kind))}
    if manner.typed:
        _refuse_unknown(given, fields, where)
    arguments: dict[str, Any] = {}
    for name, field in fields.items():
        if name in given:
            # In a file a field stands by itself, in a value within it.
            file = manner.typed or where.endswith(".json")
            path = f"{where}: {name}" if file else f"{where}.{name}"
            arguments[name] = _convert(hints[name], given[name], path, manner)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise manner.error(
                f"{where}: the setting {name!r} is missing"
                if manner.typed
                else f"{where} has no field {name!r}"
            )
    try:
        return kind(**arguments)
    except ConfigError as error:
        raise manner.error(f"{where}: {error.message}", hint=error.hint) from error


def _refuse_unknown(given: Mapping[str, Any], fields: Mapping[str, Any], where: str) -> None:
    for name in given:
        if name not in fields:
            near = difflib.get_close_matches(str(name), fields, n=3, cutoff=0.5)
            raise ConfigError(
                f"{where}: no setting is called {shown(name)}",
                hint=f"did you mean {' or '.join(near)}?"
                if near
                else f"the settings here are {', '.join(fields)}",
            )


def _convert(hint: Any, value: Any, where: str, manner: _Manner) -> Any:
    """``value`` as the annotation ``hint`` wants it: tuples for lists, dataclasses for objects."""
    origin, inner = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        names = {field.name for field in dataclasses.fields(hint)}
        if manner.typed and isinstance(value, str) and SHORTHAND in names:
            value = {SHORTHAND: value}
        return _build(hint, value, where, manner)
    if origin in (types.UnionType, Union):
        return _convert_union(inner, value, where, manner)
    if origin is Literal:
        # A list equals no literal, and True is no 1.
        if not any(type(value) is type(one) and value == one for one in inner):
            raise manner.error(
                f"{where} is {shown(value)}, expected one of {', '.join(map(str, inner))}"
            )
        return value
    if origin is tuple:
        if manner.typed and not isinstance(value, (list, tuple)):
            value = [value]
        if not isinstance(value, (list, tuple)):
            raise manner.error(f"{where} is {shown(value)}, expected a list")
        items = cast(Sequence[Any], value)
        return tuple(
            _convert(inner[0], item, f"{where}[{at}]" if not manner.typed else where, manner)
            for at, item in enumerate(items)
        )
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            table = "a table" if manner.typed else "an object"
            raise manner.error(f"{where} is {shown(value)}, expected {table}")
        pairs = cast(Mapping[Any, Any], value)
        return {
            str(key): _convert(inner[1], item, f"{where}.{key!s:.80}", manner)
            for key, item in pairs.items()
        }
    assert isinstance(hint, type)
    if hint is float and type(value) is int:
        try:
            return float(value)
        except OverflowError as error:
            raise manner.error(f"{where} is {shown(value)}, which is too large") from error
    if type(value) is not hint:
        raise manner.error(f"{where} is {shown(value)}, expected {_names((hint,))}")
    return value


def _convert_union(inner: Sequence[Any], value: Any, where: str, manner: _Manner) -> Any:
    if type(value) in inner:
        return value
    others = [one for one in inner if one is not types.NoneType]
    # With one kind beside None its own message says what was wrong.
    if len(others) == 1:
        return _convert(others[0], value, where, manner)
    raise manner.error(f"{where} is {shown(value)}, expected {_names(inner)}")


def _names(kinds: Sequence[type]) -> str:
    words = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
    return " or ".join(
        "nothing" if kind is types.NoneType else words.get(kind, kind.__name__) for kind in kinds
    )
