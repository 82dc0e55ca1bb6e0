"""How far a few features of a model stick out, told from its LayerNorms alone.

int8 gives all features of a token (of a group, where a projection has several) one scale. The
largest takes all of it, and the others are left with few steps. What goes into a block's products
comes out of a LayerNorm, whose feature i has about the mean ``bias[i]`` and the deviation
``weight[i]``: so its largest value, over the root of the mean square, can be foretold without a
text. Trained models come near it (``docs/quantization.md``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.config import EncoderConfig

DEVIATIONS = 3.0
"""How far from its mean a feature is taken to come."""

_NORM = re.compile(
    r"(.*\.)?("
    r"(?P<embeddings>embeddings)"
    r"|encoder\.layers?\.(?P<layer>\d+)\."
    r"((?P<attention>post_attention|attention\.output)|output)"
    r")\.(LayerNorm|layernorm)\.(?P<part>weight|bias|gamma|beta)"
)
_DTYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def expected_peak(files: Mapping[Path, Mapping[str, Any]], config: EncoderConfig) -> float:
    """The largest feature over the root mean square, of what the LayerNorms give the blocks'
    products: the worst layer and group. 0 where the files have no LayerNorms.

    Args:
        files: The headers of the model's safetensors files.
        config: The model's shape.
    """
    norms: dict[tuple[str, bool], dict[str, NDArray[np.float32]]] = {}
    for path, header in files.items():
        for match, values in _vectors(path, header):
            layer = "embeddings" if match["embeddings"] else match["layer"]
            # The last one's output goes into no block, and narrow embeddings are widened first.
            last = layer == str(config.num_hidden_layers - 1) and not match["attention"]
            if not last and len(values) == config.hidden_size:
                part = {"gamma": "weight", "beta": "bias"}.get(match["part"], match["part"])
                norms.setdefault((layer, bool(match["attention"])), {})[part] = values
    peaks = [
        _peak(
            norm["weight"],
            norm["bias"],
            config.intermediate_groups if after_attention else config.q_groups,
        )
        for (_, after_attention), norm in norms.items()
        if len(norm) == 2
    ]
    return max(peaks, default=0.0)


def _peak(weight: NDArray[np.float32], bias: NDArray[np.float32], groups: int) -> float:
    """Of the worst group.

    >>> one = np.ones(8, np.float32)
    >>> float(_peak(one, 0 * one, 2))
    3.0
    """
    spread, mean = np.abs(weight).reshape(groups, -1), np.abs(bias).reshape(groups, -1)
    root = np.sqrt((spread**2 + mean**2).mean(axis=1))
    largest = (mean + DEVIATIONS * spread).max(axis=1)
    return float((largest / np.maximum(root, 1e-30)).max())


def _vectors(
    path: Path, header: Mapping[str, Any]
) -> Iterator[tuple[re.Match[str], NDArray[np.float32]]]:
    """The LayerNorms' vectors in a file, as float32. Damaged entries are passed over: whatever
    loads the model tells of them.
    """
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        for name, entry in header.items():
            match = _NORM.fullmatch(name)
            if match is None or not isinstance(entry, dict):
                continue
            try:
                begin, end = entry["data_offsets"]
                kind = _DTYPES[entry["dtype"]]
                file.seek(start + begin)
                values = np.frombuffer(file.read(end - begin), kind)
            except (KeyError, ValueError, TypeError, OSError, OverflowError):
                continue
            if kind == "<u2":
                values = (values.astype("<u4") << 16).view("<f4")
            yield match, values.astype(np.float32)


def read_header(path: Path) -> dict[str, Any]:
    """What a safetensors file says of itself and its tensors.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise ValueError("it is cut short")
        header: Any = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("it is no object")
    return header
