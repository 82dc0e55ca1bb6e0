"""Frozen dataclasses from JSON, checked against their annotations."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from squeezebert.errors import DataError

Built = TypeVar("Built")


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
