"""A model as one file: what an app or a page downloads, and the C API opens from memory.

A bundle is a safetensors file with all of a model's tensors, byte for byte as its weight files hold
them. The file's metadata, texts by name, holds what else belongs to the model under the names that
the files have in a directory: ``config.json``, ``task.json``, the tokenizer's, and ``words.txt``
where there is one. Tensors of a multiple of 64 bytes begin at a multiple of 64 bytes, so that
packed ones are used where they lie. Any reader of safetensors reads it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from squeezebert import files
from squeezebert.checkpoint.weights import INDEX, WEIGHTS, indexed_files, taken
from squeezebert.errors import CheckpointError
from squeezebert.structured import parse_json

CONFIG, TASK, TOKENIZER = "config.json", "task.json", "tokenizer.json"
VOCABULARY = "vocab.txt"
WORDS = "words.txt"
"""Of a masked LM: words that a keyboard may offer, one a line, the most frequent first."""
SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")

COPIED = (".json", ".txt", ".toml", ".md", ".model")
"""What the files end in that belong to a model, beside its weights."""

ALIGNMENT = 64
_CHUNK = 1 << 20


class _Tensor(NamedTuple):
    """A tensor where it stands: its entry in the header, and its bytes in a file."""

    info: dict[str, Any]
    path: Path
    begin: int
    size: int


class _Weights(NamedTuple):
    tensors: dict[str, _Tensor]
    metadata: dict[str, str]


def write_bundle(directory: str | Path, output: str | Path) -> int:
    """Writes the model in ``directory`` as one file, whole or not at all.

    Args:
        directory: Weights as ``model.safetensors``, or an index of several files.
        output: The file.

    Returns:
        Its size in bytes.

    Raises:
        CheckpointError: files that are missing or damaged, or a disk that does not take it.
    """
    directory, output = Path(directory), Path(output)
    tensors, metadata = _read_weights(directory)
    header: dict[str, Any] = {"__metadata__": {**metadata, **_texts(directory)}}
    # The format knows no gaps: what is to be aligned stands first, and spaces fill up the header.
    order = sorted(tensors, key=lambda name: (tensors[name].size % ALIGNMENT != 0, name))
    end = 0
    for name in order:
        begin, end = end, end + tensors[name].size
        header[name] = {**tensors[name].info, "data_offsets": [begin, end]}
    content = json.dumps(header, separators=(",", ":")).encode()
    content += b" " * (-(8 + len(content)) % ALIGNMENT)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(output) as temporary, temporary.open("wb") as file:
            file.write(len(content).to_bytes(8, "little"))
            file.write(content)
            for name in order:
                for part in _bytes(tensors[name]):
                    file.write(part)
    except OSError as error:
        raise CheckpointError(f"cannot write {output}: {error}") from error
    return 8 + len(content) + end


def copy_model(directory: Path, output: Path) -> None:
    """Copies a model as a directory that needs no other: shared tables come into its weight file.

    Raises:
        CheckpointError: files that are missing or damaged, or a disk that does not take it.
        InvalidInputError: something is at ``output`` already.
    """
    with files.appearing(output) as temporary:
        write_bundle(directory, temporary / WEIGHTS)
        for path in sorted(directory.iterdir()):
            if path.is_file() and path.suffix in COPIED and path.name != INDEX:
                shutil.copyfile(path, temporary / path.name)


def _texts(directory: Path) -> dict[str, str]:
    """What a model is beside its weights, by file name."""
    tokenizer = TOKENIZER if (directory / TOKENIZER).is_file() else VOCABULARY
    if not (directory / tokenizer).is_file():
        raise CheckpointError(
            f"{directory} holds neither {TOKENIZER} nor {VOCABULARY}",
            hint="copy the tokenizer's files beside the weights",
        )
    if not (directory / CONFIG).is_file():
        raise CheckpointError(f"there is no {CONFIG} in {directory}")
    texts: dict[str, str] = {}
    for name in (CONFIG, TASK, tokenizer, WORDS, *SETTINGS):
        path = directory / name
        if path.is_file():
            try:
                texts[name] = path.read_bytes().decode("utf-8")
            except UnicodeDecodeError as error:
                raise CheckpointError(f"{path} is not UTF-8: {error}") from error
    return texts


def _read_weights(directory: Path) -> _Weights:
    """Where all tensors stand, and the texts of the directory's own files."""
    if (directory / WEIGHTS).is_file():
        return _read_header(directory / WEIGHTS)
    if not (directory / INDEX).is_file():
        raise CheckpointError(
            f"there is no {WEIGHTS} in {directory}",
            hint="save a model with an old pytorch_model.bin again as safetensors",
        )
    tensors: dict[str, _Tensor] = {}
    metadata: dict[str, str] = {}
    for path, names in indexed_files(directory / INDEX).items():
        content = _read_header(path)
        tensors |= {name: taken(content.tensors, name, path) for name in names}
        if path.parent.resolve() == directory.resolve():  # others are shared tables
            metadata.update(content.metadata)
    return _Weights(tensors, metadata)


def _read_header(path: Path) -> _Weights:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            size = path.stat().st_size
            if not 0 < length <= size - 8:
                raise ValueError(f"its header claims {length} bytes of {size}")
            header: dict[str, Any] = parse_json(file.read(length), str(path))
        metadata: dict[str, str] = header.pop("__metadata__", {})
        tensors: dict[str, _Tensor] = {}
        for name, info in header.items():
            begin, end = info["data_offsets"]
            if not 0 <= begin <= end <= size - 8 - length:
                raise ValueError(f"the tensor {name} has the data_offsets {begin} to {end}")
            kept = {"dtype": info["dtype"], "shape": info["shape"]}
            tensors[name] = _Tensor(kept, path, 8 + length + begin, end - begin)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no weight file {path}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is not a readable safetensors file: {error}",
            hint="copy or download it again",
        ) from error
    return _Weights(tensors, metadata)


def _bytes(tensor: _Tensor) -> Iterator[bytes]:
    """The tensor's bytes, in parts."""
    with tensor.path.open("rb") as file:
        file.seek(tensor.begin)
        left = tensor.size
        while left > 0:
            part = file.read(min(left, _CHUNK))
            if not part:
                raise CheckpointError(f"{tensor.path} was cut short while it was read")
            left -= len(part)
            yield part
