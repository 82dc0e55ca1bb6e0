"""Writes the compact form of a model: int8 weights in panels, which the engine maps and multiplies
where they lie.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert import checkpoint, files
from squeezebert.checkpoint import names
from squeezebert.checkpoint.panels import ALIGNMENT
from squeezebert.errors import CheckpointError, MissingDependencyError

KEPT = ("*.json", "*.txt", "*.md", "*.toml", "LICENSE*", "NOTICE*")
"""What is copied beside the weights: tokenizer, card, recipe, task."""

_WRITTEN_ANEW = (checkpoint.CONFIG, checkpoint.INDEX, "pytorch_model.bin.index.json")


def read_float32(directory: Path) -> dict[str, NDArray[np.float32]]:
    """All weights that the engine uses, as float32 under Hugging Face's present names.

    Raises:
        CheckpointError: no weights, or damaged ones.
        MissingDependencyError: an old ``pytorch_model.bin``, which torch must read.
    """
    if checkpoint.has_safetensors(directory) or not checkpoint.weight_files(directory):
        tensors = checkpoint.read_tensors(directory)
    else:
        tensors = _read_bin(directory)
    result: dict[str, NDArray[np.float32]] = {}
    for name, value in names.normalize(tensors).items():
        if value.dtype.kind != "f":
            raise CheckpointError(
                f"the tensor {name:.80} of {directory} holds {value.dtype}, expected "
                "floating-point numbers"
            )
        if not np.isfinite(value).all():
            raise CheckpointError(
                f"the tensor {name:.80} of {directory} holds numbers that are not finite",
                hint="train or copy the model again; NaN comes of training that failed",
            )
        result[name] = value.astype(np.float32, copy=False)
    return result


def _read_bin(directory: Path) -> dict[str, NDArray[Any]]:
    try:
        from squeezebert.model.io import read_weights
    except ModuleNotFoundError as error:
        raise MissingDependencyError.for_extra("torch", "torch", "pytorch_model.bin") from error
    return read_weights(directory)


def write_copy(
    source: Path,
    target: Path,
    tensors: dict[str, NDArray[np.float32]],
    storage: checkpoint.Storage,
    kept: Sequence[str] = KEPT,
) -> None:
    """Writes ``tensors`` into ``target``, with the configuration of ``source`` and its files of the
    patterns ``kept``.

    Raises:
        CheckpointError: the disk does not take them.
        ConfigError: a ``config.json`` that describes no model of ours.
    """
    values = checkpoint.read_json(source / checkpoint.CONFIG)
    config = checkpoint.read_config(source)
    settled, tensors = names.settle_decoder(config, tensors, str(source))
    if settled != config:
        values["tie_word_embeddings"] = settled.tie_word_embeddings
    for name in ("dtype", "torch_dtype"):
        if name in values:
            values[name] = "float16" if storage == "float16" else "float32"
    checkpoint.write_checkpoint(target, config=values, tensors=tensors, storage=storage)
    try:
        for pattern in kept:
            for path in sorted(source.glob(pattern)):
                if path.is_file() and path.name not in _WRITTEN_ANEW:
                    shutil.copyfile(path, target / path.name)
    except OSError as error:
        raise CheckpointError(f"cannot copy {source} to {target}: {error}") from error


def add_metadata(path: Path, key: str, value: str) -> None:
    """Adds a text to the metadata of a safetensors file. What is aligned stays aligned; the file
    is replaced as a whole.

    Raises:
        CheckpointError: the file cannot be read or written.
    """
    try:
        with path.open("rb") as old:
            header = json.loads(old.read(int.from_bytes(old.read(8), "little")))
            header["__metadata__"] = {**header.get("__metadata__", {}), key: value}
            content = json.dumps(header, separators=(",", ":")).encode()
            content += b" " * (-(8 + len(content)) % ALIGNMENT)
            with files.replacing(path) as temporary, temporary.open("wb") as new:
                new.write(len(content).to_bytes(8, "little"))
                new.write(content)
                shutil.copyfileobj(old, new)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot add {key} to {path}: {error}") from error
