"""The compact layout: int8 matrices stored as the engine multiplies them, so that it can use a
mapped file where it lies.

A projection of ``groups`` diagonal blocks is cut into panels of 16 outputs. Within a panel, four
inputs of one output stand together, then the same four of the next output::

    (groups, panels, padded_inputs / 4, 16, 4)    int8, padded with zeros

where ``padded_inputs`` is the inputs of a group rounded up to a multiple of 64, and ``panels`` the
outputs of a group divided by 16, rounded up.

A file says so in its metadata: ``squeezebert.layout`` is ``panels-16``, and ``squeezebert.shapes``
a JSON object with the plain shape of every packed tensor. It is a safetensors file like any other,
but packed tensors begin at multiples of 64 bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from squeezebert.checkpoint.names import product_of
from squeezebert.config import GROUP_FIELDS, PROJECTIONS, EncoderConfig
from squeezebert.errors import CheckpointError, shown
from squeezebert.structured import parse_json

LAYOUT_KEY, LAYOUT = "squeezebert.layout", "panels-16"
SHAPES_KEY = "squeezebert.shapes"

PANEL = 16
"""Outputs of a panel."""

INPUTS_MULTIPLE = 64
"""What the inputs of a group are padded to a multiple of."""

STEP = 4
"""Inputs of one output that stand together."""

ALIGNMENT = 64
"""What packed tensors begin at a multiple of, in bytes from the start of the file."""


def packed_groups(names: Mapping[str, Any], config: EncoderConfig) -> dict[str, int]:
    """Which of a model's tensors are packed, and into how many groups.

    These are the projections, and what gives a masked LM's logits: the word embeddings, or a matrix
    of its own.

    Args:
        names: The model's tensors by Hugging Face's names.
        config: The shape of the model.
    """
    layers = {product_of(name) for name in names}
    tied = "transform" in layers and "decoder" not in layers
    counts: dict[str, str] = dict(zip(PROJECTIONS, GROUP_FIELDS, strict=True))
    result: dict[str, int] = {}
    for name in names:
        layer = product_of(name)
        if layer in counts:
            result[name] = getattr(config, counts[layer])
        elif layer is not None and (layer != "word" or tied):
            result[name] = 1
    return result


def pack_panels(matrix: NDArray[np.int8], groups: int) -> NDArray[np.int8]:
    """A matrix in panels.

    Args:
        matrix: (outputs, inputs / groups), or (outputs, inputs / groups, 1) of a convolution.
        groups: Diagonal blocks; row r belongs to block r // (outputs / groups).

    Returns:
        (groups, panels, padded_inputs / 4, 16, 4).

    >>> pack_panels(np.ones((40, 70), np.int8), groups=2).shape
    (2, 2, 32, 16, 4)
    """
    outputs, inputs = matrix.shape[:2]
    rows = matrix.reshape(groups, outputs // groups, inputs)
    padding = [(0, 0), (0, -rows.shape[1] % PANEL), (0, -inputs % INPUTS_MULTIPLE)]
    padded = np.pad(rows, padding)
    panels = padded.reshape(groups, -1, PANEL, padded.shape[2] // STEP, STEP)
    return np.ascontiguousarray(panels.transpose(0, 1, 3, 2, 4))


def unpack_panels(panels: NDArray[np.int8], shape: tuple[int, ...]) -> NDArray[np.int8]:
    """The matrix of that plain shape that :func:`pack_panels` was given.

    >>> matrix = np.arange(24, dtype=np.int8).reshape(6, 4, 1)
    >>> bool((unpack_panels(pack_panels(matrix, 3), matrix.shape) == matrix).all())
    True
    """
    groups = panels.shape[0]
    outputs, inputs = shape[:2]
    rows = panels.transpose(0, 1, 3, 2, 4).reshape(groups, -1, panels.shape[2] * STEP)
    return np.ascontiguousarray(rows[:, : outputs // groups, :inputs]).reshape(shape)


def unpack(
    tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str], *, where: Path
) -> dict[str, NDArray[Any]]:
    """The tensors of a weight file, packed ones in their plain shape; of other files, as they are.

    Raises:
        CheckpointError: an unknown layout, or packed tensors that are not as the metadata says.
    """
    layout = metadata.get(LAYOUT_KEY)
    result = dict(tensors)
    if layout is None:
        return result
    if layout != LAYOUT:
        raise CheckpointError(
            f"{where} has the layout {shown(layout)}, expected {LAYOUT!r}",
            hint="write it again with this version of squeezebert",
        )
    try:
        given = parse_json(metadata.get(SHAPES_KEY, ""), SHAPES_KEY)
    except CheckpointError as error:
        raise CheckpointError(
            f"{where} does not say the shapes of its packed tensors: {error.message}"
        ) from error
    if not isinstance(given, dict) or not all(isinstance(one, list) for one in given.values()):
        raise CheckpointError(f"{where} does not say the shapes of its packed tensors")
    for name, shape in cast(dict[str, list[Any]], given).items():
        if name not in result:
            raise CheckpointError(f"{where} lacks the packed tensor {name:.80}")
        panels = result[name]
        if panels.dtype != np.int8 or panels.shape != _panels_shape(panels, tuple(shape)):
            raise CheckpointError(
                f"the packed tensor {name:.80} of {where} has dtype {panels.dtype} and shape "
                f"{panels.shape}, which cannot hold a matrix of shape {shown(shape)}"
            )
        result[name] = unpack_panels(panels, tuple(shape))
    return result


def _panels_shape(panels: NDArray[Any], shape: tuple[Any, ...]) -> tuple[int, ...] | None:
    """The shape that a matrix has in panels, with as many groups as ``panels`` has."""
    groups = panels.shape[0] if panels.ndim == 5 else 0
    sizes = all(type(size) is int and size > 0 for size in shape)
    if not groups or not sizes or len(shape) not in (2, 3) or shape[2:] not in ((), (1,)):
        return None
    outputs, rest = divmod(shape[0], groups)
    if rest:
        return None
    padded_inputs = shape[1] + -shape[1] % INPUTS_MULTIPLE
    return (groups, -(-outputs // PANEL), padded_inputs // STEP, PANEL, STEP)


def write_aligned(
    path: Path, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Writes a safetensors file in which tensors of a multiple of 64 bytes, as packed ones are,
    begin at a multiple of 64 bytes.

    The format knows no gaps, so these stand first, and the header is padded with spaces.

    Args:
        path: Overwritten; wrap it in :func:`squeezebert.files.replacing`.
        tensors: float32, float16 or int8, by name.
        metadata: Texts to go with them.
    """
    dtypes = {"float32": "F32", "float16": "F16", "int8": "I8"}
    order = sorted(tensors, key=lambda name: (tensors[name].nbytes % ALIGNMENT != 0, name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    begin = 0
    for name in order:
        value = tensors[name]
        end = begin + value.nbytes
        header[name] = {
            "dtype": dtypes[value.dtype.name],
            "shape": list(value.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    content = json.dumps(header, separators=(",", ":")).encode()
    content += b" " * (-(8 + len(content)) % ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(content).to_bytes(8, "little"))
        file.write(content)
        for name in order:
            value = tensors[name]
            file.write(value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes())
