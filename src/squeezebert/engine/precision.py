"""In what precision each kind of product is computed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from squeezebert import checkpoint
from squeezebert.config import PROJECTIONS
from squeezebert.errors import CheckpointError, InvalidInputError

PRECISIONS = ("int8", "bf16", "float32")
"""From the fastest to the exact one."""

PROJECTION_KINDS = (*PROJECTIONS, "bottleneck", "vocabulary")
"""The products whose precision can be chosen: six of a block, the embeddings' way up to the hidden
size, and the masked LM's logits. All else is float32."""

AUTO = "auto"
"""What the checkpoint records, else what is safe (:func:`default_precision`)."""

METADATA_KEY = "squeezebert.precision"
"""Where the metadata of a weight file records it: a JSON object whose ``precision`` names one for
each of :data:`PROJECTION_KINDS`; what else it holds says how that was found."""

Precision: TypeAlias = str | Mapping[str, str]
"""``auto``, a name of :data:`PRECISIONS`, or names by projection kind; kinds left out are auto."""


def resolve_precision(directory: Path, asked: Precision) -> Mapping[str, str]:
    """The precision of each of :data:`PROJECTION_KINDS`.

    Args:
        directory: A model directory.
        asked: What the caller wants.

    Raises:
        InvalidInputError: an unknown precision or kind of projection.
        CheckpointError: a record in the checkpoint that cannot be read, or without one, no model
            that the engine can read.
        ConfigError: a shape that cannot be.
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
    chosen = recorded_precision(directory) or default_precision(directory)
    chosen |= {kind: name for kind, name in named.items() if name != AUTO}
    return MappingProxyType(chosen)


def default_precision(directory: Path) -> dict[str, str]:
    """The fastest choice that is safe for a model whose record says nothing, by
    :func:`expected_peak` (``native/engine/outliers.h``).

    Raises:
        CheckpointError: no model that the engine can read.
        ConfigError: a shape that cannot be.
    """
    # Not above: where it cannot be loaded, engine.py is to say what to do.
    from squeezebert.engine import _native

    names = _native.default_precisions(str(directory))
    return dict(zip(PROJECTION_KINDS, names, strict=True))


def expected_peak(directory: Path) -> float:
    """How far single features stick out of what the LayerNorms give the blocks' products: the
    largest over the root mean square, of the worst layer and group (``docs/quantization.md``).

    Raises:
        CheckpointError: no model that the engine can read.
        ConfigError: a shape that cannot be.
    """
    from squeezebert.engine import _native

    return _native.expected_peak(str(directory))


def recorded_precision(directory: Path) -> dict[str, str] | None:
    """What the weights record, as ``squeezebert quantize`` measured it; None where they record
    nothing.

    Raises:
        CheckpointError: a file or a record that cannot be read.
    """
    for path in _own_files(directory):
        text = _metadata(path).get(METADATA_KEY)
        if text is not None:
            return _checked(path, text)
    return None


def _metadata(path: Path) -> dict[str, Any]:
    """The texts in a weight file's header."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size:
                raise ValueError("it is cut short")
            header: Any = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("it is no object")
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: its header cannot be read: {error}") from error
    metadata = header.get("__metadata__")
    return metadata if isinstance(metadata, dict) else {}


def _own_files(directory: Path) -> list[Path]:
    if (directory / checkpoint.WEIGHTS).is_file():
        return [directory / checkpoint.WEIGHTS]
    if not (directory / checkpoint.INDEX).is_file():
        return []
    weight_map: Any = checkpoint.read_json(directory / checkpoint.INDEX).get("weight_map")
    names = set(weight_map.values()) if isinstance(weight_map, dict) else set[str]()
    paths = [directory / name for name in sorted(names) if Path(name).name == name]
    return [path for path in paths if path.is_file()]


def _checked(path: Path, text: str) -> dict[str, str]:
    try:
        precision: Any = json.loads(text)["precision"]
        kinds = {str(kind): str(name) for kind, name in precision.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        kinds = {}
    if set(kinds) != set(PROJECTION_KINDS) or not set(kinds.values()) <= set(PRECISIONS):
        raise CheckpointError(
            f"{path}: {METADATA_KEY} is {text:.80}, expected a precision for each of "
            f"{', '.join(PROJECTION_KINDS)}",
            hint="run squeezebert quantize again, or name a precision",
        )
    return kinds


def describe_precision(precision: Mapping[str, str]) -> str:
    """A mapping as a person says it.

    >>> describe_precision(dict.fromkeys(PROJECTION_KINDS, "int8") | {"query": "bf16"})
    'int8, query bf16'
    """
    usual = Counter(precision.values()).most_common(1)[0][0]
    others = [f"{kind} {name}" for kind, name in precision.items() if name != usual]
    return ", ".join([usual, *others])
