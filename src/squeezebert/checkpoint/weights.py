"""The weights of a model directory as arrays, whatever file holds them.

Read without torch: ``model.safetensors``, or the files that ``model.safetensors.index.json`` lists.
``pytorch_model.bin`` and its index are only found here; :mod:`squeezebert.model.io` reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors
from numpy.typing import NDArray

from squeezebert.checkpoint import panels
from squeezebert.errors import CheckpointError, shown
from squeezebert.structured import read_json

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
BIN, BIN_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
SCALE_SUFFIX = ".scale"

WRAPPERS = ("module.", "_orig_mod.", "model.")
"""What DataParallel, ``torch.compile`` and trainers' own modules put before all names."""

_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # NumPy has no bfloat16: see _widened
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}


def read_tensors(directory: Path) -> dict[str, NDArray[Any]]:
    """All weights by Hugging Face's names, those of few bytes as float32.

    Raises:
        CheckpointError: no safetensors, a damaged file, or an index that points outside.
    """
    if (directory / WEIGHTS).is_file():
        tensors = read_file(directory / WEIGHTS)
    elif (directory / INDEX).is_file():
        tensors = {}
        for path, names in indexed_files(directory / INDEX).items():
            content = read_file(path)
            tensors |= {name: taken(content, name, path) for name in names}
    else:
        raise no_weights(directory)
    return _dequantize(unwrapped(tensors))


def has_safetensors(directory: Path) -> bool:
    """Whether :func:`read_tensors` has something to read there."""
    return (directory / WEIGHTS).is_file() or (directory / INDEX).is_file()


def no_weights(directory: Path) -> CheckpointError:
    """The error for a directory that holds no weights, or none that are read without torch."""
    old = next((name for name in (BIN, BIN_INDEX) if (directory / name).is_file()), None)
    if old is not None:
        return CheckpointError(
            f"there is no {WEIGHTS} in {directory}, only an old {old}",
            hint="squeezebert.model.load_model reads it, and squeezebert quantize and convert",
        )
    return CheckpointError(
        f"there are no weights in {directory}",
        hint=f"a model directory has {WEIGHTS}, {BIN} from old versions, or an index of several",
    )


def weight_files(directory: Path) -> list[Path]:
    """The files that hold the weights, of neighbors too; none where there are none."""
    for single, index in ((WEIGHTS, INDEX), (BIN, BIN_INDEX)):
        if (directory / single).is_file():
            return [directory / single]
        if (directory / index).is_file():
            return list(indexed_files(directory / index))
    return []


def indexed_files(index: Path) -> dict[Path, list[str]]:
    """The files that an index lists, sorted by name, each with the names of its tensors.

    A file lies beside the index, where it may be a link (a Hugging Face cache keeps its files
    elsewhere), or in a directory beside that one: so do models share a table. One level up and no
    further.

    Raises:
        CheckpointError: an index that cannot be read, or points elsewhere.
    """
    weight_map: Any = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index} has no weight_map: which tensor lies in which file")
    by_name: dict[str, list[str]] = {}
    for tensor, name in cast(dict[str, Any], weight_map).items():
        if not isinstance(name, str):
            raise CheckpointError(
                f"{index} has {shown(name)} as the file of {tensor:.80}, expected a string"
            )
        by_name.setdefault(name, []).append(tensor)
    return {_locate(index, name): by_name[name] for name in sorted(by_name)}


def _locate(index: Path, name: str) -> Path:
    directory = index.parent
    if "\0" in name or name in ("", ".", ".."):
        raise CheckpointError(f"{index} names the file {shown(name)}, which cannot be")
    try:
        (directory / name).is_file()  # an error, where no file can be called so
        if Path(name).name == name:
            return directory / name
        root = directory.resolve().parent
        path = (directory / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise CheckpointError(f"{index} names the file {shown(name)}: {reason}") from error
    if not path.is_relative_to(root):
        raise CheckpointError(
            f"{index} points outside its directory and those beside it: {shown(name)}"
        )
    return path


def taken(content: Mapping[str, Any], name: str, path: Path) -> Any:
    """The tensor ``name`` of the file ``path``.

    Raises:
        CheckpointError: the file lacks it.
    """
    if name not in content:
        raise CheckpointError(f"{path} lacks the tensor {name:.80}")
    return content[name]


def read_file(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a safetensors file; bfloat16 as float32, packed ones in their plain shape.

    Raises:
        CheckpointError: a file that is missing, damaged, or of numbers that we don't know.
    """
    try:
        # The library checks the header against itself and the file's length.
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = cast(dict[str, str], file.metadata() or {})
        tensors = _read_checked(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no weight file {path}") from error
    except (safetensors.SafetensorError, OSError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"{path} is not a readable safetensors file: {error}",
            hint="copy or download it again",
        ) from error
    return panels.unpack(tensors, metadata, where=path)


def _read_checked(path: Path) -> dict[str, NDArray[Any]]:
    tensors: dict[str, NDArray[Any]] = {}
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(length))
        header.pop("__metadata__", None)
        for name, entry in header.items():
            if entry["dtype"] not in _DTYPES:
                raise CheckpointError(
                    f"the tensor {name:.80} of {path} has dtype {shown(entry['dtype'])}, "
                    "expected F32, F16, BF16 or what the compact form holds",
                    hint="save it as float32; other libraries' 4 and 8 bits are not read",
                )
            begin, end = entry["data_offsets"]
            file.seek(8 + length + begin)
            dtype = np.dtype(_DTYPES[entry["dtype"]])
            raw = np.fromfile(file, dtype=dtype, count=(end - begin) // dtype.itemsize)
            array = raw.reshape(entry["shape"])
            tensors[name] = _widened(array) if entry["dtype"] == "BF16" else array
    return tensors


def _widened(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """bfloat16 is the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def unwrapped(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """``tensors`` without the prefixes of :data:`WRAPPERS` that all names have, nested ones too.

    >>> list(unwrapped({"module._orig_mod.a": 1, "module._orig_mod.model.b": 2}))
    ['a', 'model.b']
    """
    length = _wrapper_length(tensors)
    return {name[length:]: value for name, value in tensors.items()}


def _wrapper_length(names: Iterable[str]) -> int:
    names = list(names)
    length = 0
    while names:
        wrapper = next(
            (w for w in WRAPPERS if all(name.startswith(w, length) for name in names)), None
        )
        if wrapper is None:
            break
        length += len(wrapper)
    return length


def _dequantize(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    result: dict[str, NDArray[Any]] = {}
    for name, value in tensors.items():
        if name.endswith(SCALE_SUFFIX):
            continue
        if value.dtype == np.int8:
            scale = tensors.get(name + SCALE_SUFFIX)
            if scale is None or value.ndim == 0 or scale.shape != value.shape[:1]:
                raise CheckpointError(
                    f"the int8 tensor {name:.80} has no {name:.80}{SCALE_SUFFIX} with a "
                    f"scale for each of its rows; its shape is {value.shape}"
                )
            columns = (1,) * (value.ndim - 1)
            value = value.astype(np.float32) * scale.reshape(-1, *columns).astype(np.float32)
        elif value.dtype == np.float16 or value.dtype == np.float64:
            value = value.astype(np.float32)
        result[name] = value
    return result
