"""What stands in fields: kinds of columns out of JSON, and values as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

Kind = Literal["string", "integer", "number", "boolean", "json"]
"""What a column holds; ``json`` for lists, objects, and mixtures."""


def joined(kind: Kind | None, value: object) -> Kind | None:
    """What a column holds that held ``kind`` and holds ``value`` as well."""
    own: Kind
    if value is None:
        return kind
    if isinstance(value, bool):
        own = "boolean"
    elif isinstance(value, int):
        own = "integer" if -(2**63) <= value < 2**63 else "json"
    else:
        own = {float: "number", str: "string"}.get(type(value), "json")  # type: ignore[assignment]
    if kind in (None, own):
        return own
    return "number" if {kind, own} == {"integer", "number"} else "json"


def as_json(value: object) -> str:
    """A value as JSON on one line. What JSON lacks, such as dates of Parquet, goes in as text; a
    number that is none (NaN, infinity) as null.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can tell
        return json.dumps(_finite(value), default=str)
    return text


def _finite(value: object) -> Any:
    if isinstance(value, float):
        return value if value - value == 0.0 else None
    if isinstance(value, Mapping):
        return {str(name): _finite(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return value
