"""In what precision each kind of product is computed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from squeezebert.config import PROJECTIONS
from squeezebert.errors import InvalidInputError

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


def precision_wishes(asked: Precision) -> list[str]:
    """What is asked for, by kind in the order of :data:`PROJECTION_KINDS`.

    Raises:
        InvalidInputError: an unknown precision or kind of projection.
    """
    named = {"": asked} if isinstance(asked, str) else dict(asked)
    for kind, name in named.items():
        if kind and kind not in PROJECTION_KINDS:
            raise InvalidInputError(
                f"no projection is called {kind!r:.80}",
                hint=f"the projections are {', '.join(PROJECTION_KINDS)}",
            )
        if name not in (*PRECISIONS, AUTO):
            raise InvalidInputError(
                f"no precision is called {name!r:.80}",
                hint=f"the precisions are {', '.join((*PRECISIONS, AUTO))}",
            )
    others = asked if isinstance(asked, str) else AUTO
    return [named.get(kind, others) for kind in PROJECTION_KINDS]


# Below, _native is imported late: where it cannot be loaded, engine.py is to say what to do.


def resolve_precision(directory: Path, asked: Precision) -> Mapping[str, str]:
    """The precision of each of :data:`PROJECTION_KINDS`; ``native/engine/precision_choice.h`` has
    the rules.

    Args:
        directory: A model directory.
        asked: What the caller wants.

    Raises:
        InvalidInputError: an unknown precision or kind of projection.
        CheckpointError: a record in the checkpoint that cannot be read, or no model that the
            engine can read.
        ConfigError: a shape that cannot be.
    """
    from squeezebert.engine import _native

    names = _native.resolve_precisions(os.fsencode(directory), precision_wishes(asked))
    return MappingProxyType(names)


def default_precision(directory: Path) -> dict[str, str]:
    """The fastest choice that is safe for a model whose record says nothing, by
    :func:`expected_peak` (``native/engine/outliers.h``).

    Raises:
        CheckpointError: no model that the engine can read.
        ConfigError: a shape that cannot be.
    """
    from squeezebert.engine import _native

    return _native.default_precisions(os.fsencode(directory))


def expected_peak(directory: Path) -> float:
    """How far single features stick out of what the LayerNorms give the blocks' products: the
    largest over the root mean square, of the worst layer and group (``docs/quantization.md``).

    Raises:
        CheckpointError: no model that the engine can read.
        ConfigError: a shape that cannot be.
    """
    from squeezebert.engine import _native

    return _native.expected_peak(os.fsencode(directory))


def recorded_precision(directory: Path) -> dict[str, str] | None:
    """What the weights record, as ``squeezebert quantize`` measured it; None where they record
    nothing.

    Raises:
        CheckpointError: no model that the engine can read, or a record that cannot be read.
        ConfigError: a shape that cannot be.
    """
    from squeezebert.engine import _native

    return _native.recorded_precisions(os.fsencode(directory))


def describe_precision(precision: Mapping[str, str]) -> str:
    """A mapping as a person says it.

    >>> describe_precision(dict.fromkeys(PROJECTION_KINDS, "int8") | {"query": "bf16"})
    'int8, query bf16'
    """
    usual = Counter(precision.values()).most_common(1)[0][0]
    others = [f"{kind} {name}" for kind, name in precision.items() if name != usual]
    return ", ".join([usual, *others])
