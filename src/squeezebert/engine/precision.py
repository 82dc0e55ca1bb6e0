"""In what precision each kind of product is computed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, cast

from squeezebert.config import PROJECTIONS
from squeezebert.errors import CheckpointError, InvalidInputError

PRECISIONS = ("int8", "bf16", "float32")
"""From the fastest to the exact one."""

PROJECTION_KINDS = (*PROJECTIONS, "bottleneck", "vocabulary")
"""The products whose precision can be chosen: six of a block, the embeddings' way up to the hidden
size, and the masked LM's logits. All else is float32."""

AUTO = "auto"
"""What the checkpoint records, else int8."""

METADATA_KEY = "squeezebert.precision"
"""Where ``model.safetensors`` records it: a JSON object, or a name for all kinds."""

Precision: TypeAlias = str | Mapping[str, str]
"""``auto``, a name of :data:`PRECISIONS`, or names by projection kind; kinds left out are auto."""


def resolve_precision(directory: Path, asked: Precision) -> Mapping[str, str]:
    """The precision of each of :data:`PROJECTION_KINDS`.

    Args:
        directory: A model directory.
        asked: What the caller wants.

    Raises:
        InvalidInputError: an unknown precision or kind of projection.
        CheckpointError: a record in the checkpoint that cannot be read.
    """
    named = {"": asked} if isinstance(asked, str) else dict(asked)
    for kind, name in named.items():
        if kind and kind not in PROJECTION_KINDS:
            raise InvalidInputError(
                f"no projection is called {kind!r}",
                hint=f"the projections are {', '.join(PROJECTION_KINDS)}",
            )
        if name not in (*PRECISIONS, AUTO):
            raise InvalidInputError(
                f"no precision is called {name!r}",
                hint=f"the precisions are {', '.join((*PRECISIONS, AUTO))}",
            )
    if isinstance(asked, str) and asked != AUTO:
        return MappingProxyType(dict.fromkeys(PROJECTION_KINDS, asked))
    chosen = recorded_precision(directory) or dict.fromkeys(PROJECTION_KINDS, "int8")
    chosen |= {kind: name for kind, name in named.items() if name != AUTO}
    return MappingProxyType(chosen)


def recorded_precision(directory: Path) -> dict[str, str] | None:
    """What ``model.safetensors`` records, or None."""
    path = directory / "model.safetensors"
    if not path.is_file():
        return None
    try:
        text = _metadata(path).get(METADATA_KEY)
        if text is None:
            return None
        values = json.loads(text)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: its header cannot be read: {error}") from error
    if not isinstance(values, dict) or set(values) != set(PROJECTION_KINDS):
        raise CheckpointError(f"{path}: {METADATA_KEY} is {text}, expected {PROJECTION_KINDS}")
    return cast(dict[str, str], values)


def _metadata(path: Path) -> dict[str, str]:
    """A safetensors file's own metadata. Its header is the length and then JSON."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise ValueError("it is cut short")
        header: dict[str, Any] = json.loads(file.read(length))
    return header.get("__metadata__") or {}


def describe_precision(precision: Mapping[str, str]) -> str:
    """A mapping as a person says it.

    >>> describe_precision(dict.fromkeys(PROJECTION_KINDS, "int8") | {"query": "bf16"})
    'int8, query bf16'
    """
    usual = Counter(precision.values()).most_common(1)[0][0]
    others = [f"{kind} {name}" for kind, name in precision.items() if name != usual]
    return ", ".join([usual, *others])
