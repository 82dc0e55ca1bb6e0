"""Frozen dataclasses from plain values, checked against their annotations: of JSON (:func:`build`)
and of recipes (:func:`from_mapping`).
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from squeezebert.errors import ConfigError, DataError

Built = TypeVar("Built")
Section = TypeVar("Section")

SHORTHAND = "path"
"""A plain string where a recipe expects a table is the table's field of this name."""


def build(kind: type[Built], values: Any, where: str) -> Built:
    """The dataclass ``kind`` from the JSON object ``values``; unknown fields are left out.

    Args:
        kind: Its fields are ``str``, ``int``, ``float``, ``bool``, dataclasses, ``tuple[X, ...]``,
            ``Mapping[str, X]`` or ``X | None``.
        values: What ``json.loads`` gave.
        where: The path of ``values``, for messages.

    Raises:
        DataError: a field that is missing or of the wrong kind; the message gives its path.
    """
    if not isinstance(values, dict):
        raise DataError(f"{where} is {type(values).__name__}, expected an object")
    given = typing.cast("dict[str, Any]", values)
    hints = typing.get_type_hints(kind)
    arguments: dict[str, Any] = {}
    for spec in dataclasses.fields(typing.cast("Any", kind)):
        if spec.name in given:
            arguments[spec.name] = _read(hints[spec.name], given[spec.name], f"{where}.{spec.name}")
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise DataError(f"{where} has no field {spec.name!r}")
    return kind(**arguments)


def _read(hint: Any, value: Any, where: str) -> Any:
    """``value`` as the annotation ``hint`` wants it: tuples for lists, dataclasses for objects."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return None if value is None else _read(inner[0], value, where)
    if dataclasses.is_dataclass(hint):
        return build(typing.cast("type[Any]", hint), value, where)
    if origin is tuple and isinstance(value, list):
        items = typing.cast("list[Any]", value)
        return tuple(_read(inner[0], item, f"{where}[{at}]") for at, item in enumerate(items))
    if origin is Mapping and isinstance(value, dict):
        pairs = typing.cast("dict[str, Any]", value)
        return {key: _read(inner[1], item, f"{where}.{key}") for key, item in pairs.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if (
        isinstance(hint, type)
        and isinstance(value, hint)
        and (hint is bool or not isinstance(value, bool))
    ):
        return typing.cast("Any", value)
    raise DataError(f"{where} is {value!r}, expected {getattr(hint, '__name__', hint)}")


def from_mapping(cls: type[Section], values: Mapping[str, Any], where: str) -> Section:
    """An instance of the recipe dataclass ``cls`` from plain values; ``where`` is for messages.

    Raises:
        ConfigError: an unknown or missing setting, or a value of another type.
    """
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=3, cutoff=0.5)
            raise ConfigError(
                f"{where}: no setting is called {name!r}",
                hint=f"did you mean {' or '.join(near)}?"
                if near
                else f"the settings here are {', '.join(fields)}",
            )
        given[name] = _convert(hints[name], value, f"{where}: {name}")
    for name, field in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in given:
            raise ConfigError(f"{where}: the setting {name!r} is missing")
    try:
        return cls(**given)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}", hint=error.hint) from error


def _convert(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        names = {field.name for field in dataclasses.fields(hint)}
        if isinstance(value, str) and SHORTHAND in names:
            value = {SHORTHAND: value}
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} is {value!r}, expected a section of settings")
        return from_mapping(hint, value, where)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise ConfigError(
                f"{where} is {value!r}, expected one of {', '.join(map(str, arguments))}"
            )
        return value
    if origin is tuple:
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_convert(arguments[0], item, where) for item in items)
    if origin in (types.UnionType, Union):
        if type(value) in arguments:
            return value
        raise ConfigError(f"{where} is {value!r}, expected {_names(arguments)}")
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} is {value!r}, expected a table")
        return {str(k): _convert(arguments[1], v, f"{where}.{k}") for k, v in value.items()}
    if hint is float and type(value) is int:
        return float(value)
    assert isinstance(hint, type)
    if type(value) is not hint:
        raise ConfigError(f"{where} is {value!r}, expected {_names((hint,))}")
    return value


def _names(kinds: Sequence[type]) -> str:
    words = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
    return " or ".join(words.get(kind, kind.__name__) for kind in kinds)
