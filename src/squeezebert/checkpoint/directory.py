"""Model directories on disk, read and written without torch.

A directory holds ``config.json`` (Hugging Face's fields), the tokenizer's files, the weights under
Hugging Face's names, and ``task.json`` (:class:`~squeezebert.spec.TaskSpec`) where it was
made for a task. The weights are

- ``model.safetensors``; or
- ``model.safetensors.index.json``, Hugging Face's list of which tensor stands in which file. A
  file may lie in a neighboring directory, so that models share an embedding table; or
- ``pytorch_model.bin``, read by :mod:`squeezebert.model` only (weights-only, nothing is run).

A compact file stores matrices as int8 with one float32 scale a row, as ``NAME`` and
``NAME.scale``; :func:`read_tensors` gives them back as float32. The engine's own form keeps its
projections in panels besides (:mod:`squeezebert.checkpoint.panels`).
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import save_file

from squeezebert import files
from squeezebert.checkpoint import panels
from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError
from squeezebert.spec import TASK_NAMES, TaskSpec

Storage = Literal["float32", "float16", "int8", "panels"]
"""``panels`` is ``int8`` with the projections laid out as the engine multiplies them."""

CONFIG, TASK, WEIGHTS = "config.json", "task.json", "model.safetensors"
INDEX = "model.safetensors.index.json"
SCALE_SUFFIX = ".scale"
_ROWS = re.compile(r"\[\s*(?:null|[-\d.])[^][\"]*\]")

ARCHITECTURES: dict[str, str] = {
    "masked_lm": "ForMaskedLM",
    "text_classification": "ForSequenceClassification",
    "token_classification": "ForTokenClassification",
    "question_answering": "ForQuestionAnswering",
    "multiple_choice": "ForMultipleChoice",
}
"""How Hugging Face's class names end, by head."""


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        CheckpointError: no such file, not UTF-8, not JSON, or not an object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"there is no {path.name} in {path.parent}",
            hint="a model directory has config.json, tokenizer files and model.safetensors",
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, expected an object")
    return cast(dict[str, Any], content)


def read_config(directory: Path) -> EncoderConfig:
    """The shape of the model in ``directory``.

    Raises:
        CheckpointError: no readable ``config.json``.
        ConfigError: a shape that cannot be.
    """
    return EncoderConfig.from_dict(read_json(directory / CONFIG))


def read_labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The outputs' names of a Hugging Face ``config.json``, in order; ``LABEL_0``, … if it gives
    none but says how many there are.
    """
    id2label: dict[str, str] = config.get("id2label") or {}
    if not id2label:
        # Hugging Face leaves both fields out where a head has the usual two outputs.
        return tuple(f"LABEL_{index}" for index in range(int(config.get("num_labels") or 2)))
    by_index = {int(index): str(label) for index, label in id2label.items()}
    if sorted(by_index) != list(range(len(by_index))):
        raise CheckpointError(
            f"id2label in config.json has the ids {sorted(by_index)}, expected 0 and up, no gap"
        )
    return tuple(by_index[index] for index in range(len(by_index)))


def head_kind(config: Mapping[str, Any]) -> str | None:
    """Which head the ``architectures`` field of a ``config.json`` names, or None."""
    for architecture in config.get("architectures") or ():
        for kind, ending in ARCHITECTURES.items():
            if str(architecture).endswith(ending):
                return kind
        if str(architecture).endswith("ForPreTraining"):
            return "masked_lm"
    return None


def read_spec(directory: Path) -> TaskSpec | None:
    """What the model in ``directory`` is for: its ``task.json``, or what ``config.json`` tells of
    a Hugging Face checkpoint. None where it carries no head for one of our tasks.

    Raises:
        CheckpointError: an unreadable file, an unknown task or field.
    """
    path = directory / TASK
    if not path.is_file():
        config = read_json(directory / CONFIG)
        kind = head_kind(config)
        if kind not in TASK_NAMES:
            return None
        return TaskSpec(
            task=kind,
            labels=() if kind == "masked_lm" else read_labels(config),
            problem_type=_problem_type(config),
            max_length=int(config.get("max_position_embeddings", 512)),
        )
    values = read_json(path)
    known = {field.name for field in dataclasses.fields(TaskSpec)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise CheckpointError(
            f"{path} has unknown fields: {', '.join(unknown)}",
            hint=f"the fields are {', '.join(sorted(known))}",
        )
    if values.get("task") not in TASK_NAMES:
        raise CheckpointError(
            f"{path} names the task {values.get('task')!r}, expected one of {', '.join(TASK_NAMES)}"
        )
    for name in ("labels", "languages"):
        values[name] = tuple(values.get(name, ()))
    values["transitions"] = tuple(map(tuple, values.get("transitions", ())))
    return TaskSpec(**values)


def _problem_type(
    config: Mapping[str, Any],
) -> Literal["single_label", "multi_label", "regression"]:
    match config.get("problem_type"):
        case "multi_label_classification":
            return "multi_label"
        case "regression":
            return "regression"
        case _:
            return "single_label"


def read_tensors(directory: Path) -> dict[str, NDArray[Any]]:
    """All weights by Hugging Face's names, compact ones as float32.

    Raises:
        CheckpointError: no weights, a damaged file, or an index that points outside.
    """
    if (directory / WEIGHTS).is_file():
        return _dequantize(_read_file(directory / WEIGHTS))
    if (directory / INDEX).is_file():
        return _read_indexed(directory)
    raise CheckpointError(
        f"there is no {WEIGHTS} in {directory}",
        hint="old pytorch_model.bin files are read by squeezebert.model.load_model",
    )


def has_safetensors(directory: Path) -> bool:
    """Whether :func:`read_tensors` has something to read there."""
    return (directory / WEIGHTS).is_file() or (directory / INDEX).is_file()


def _read_indexed(directory: Path) -> dict[str, NDArray[Any]]:
    weight_map: dict[str, str] = read_json(directory / INDEX).get("weight_map", {})
    # One level up and no further: a shared table lies in a neighboring model's directory.
    root = directory.resolve().parent
    tensors: dict[str, NDArray[Any]] = {}
    for name in sorted(set(weight_map.values())):
        path = (directory / name).resolve()
        if not path.is_relative_to(root):
            raise CheckpointError(f"{directory / INDEX} points outside {root}: {name}")
        content = _read_file(path)
        for tensor, file in weight_map.items():
            if file == name:
                if tensor not in content:
                    raise CheckpointError(f"{path} lacks the tensor {tensor}")
                tensors[tensor] = content[tensor]
    return _dequantize(tensors)


def _read_file(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = cast(dict[str, str], file.metadata() or {})
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no weight file {path}") from error
    except (safetensors.SafetensorError, OSError, TypeError) as error:
        raise CheckpointError(
            f"{path} is not a readable safetensors file: {error}",
            hint="copy or download it again",
        ) from error
    return panels.unpack(tensors, metadata, where=path)


def quantize_rows(matrix: NDArray[np.floating]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A matrix as int8 with one scale a row (the first axis).

    >>> quantized, scale = quantize_rows(np.array([[1.0, -0.5], [0.0, 0.0]]))
    >>> quantized.tolist(), scale.tolist()
    ([[127, -64], [0, 0]], [0.007874015718698502, 1.0])
    """
    rows = np.asarray(matrix, dtype=np.float32).reshape(len(matrix), -1)
    largest = np.abs(rows).max(axis=1, initial=0.0)
    scale = np.where(largest > 0.0, largest / 127.0, 1.0).astype(np.float32)
    quantized = np.clip(np.rint(rows / scale[:, None]), -127, 127).astype(np.int8)
    return quantized.reshape(matrix.shape), scale


def _dequantize(tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    result: dict[str, NDArray[Any]] = {}
    for name, value in tensors.items():
        if name.endswith(SCALE_SUFFIX):
            continue
        if value.dtype == np.int8:
            scale = tensors.get(name + SCALE_SUFFIX)
            if scale is None or scale.shape != value.shape[:1]:
                raise CheckpointError(
                    f"the int8 tensor {name} has no {name}{SCALE_SUFFIX} with a scale for each "
                    f"of its {value.shape[0]} rows"
                )
            columns = (1,) * (value.ndim - 1)
            value = value.astype(np.float32) * scale.reshape(-1, *columns)
        elif value.dtype == np.float16:
            value = value.astype(np.float32)
        result[name] = value
    return result


def write_checkpoint(
    directory: str | Path,
    *,
    config: Mapping[str, Any],
    tensors: Mapping[str, NDArray[Any]],
    spec: TaskSpec | None = None,
    storage: Storage = "float32",
    shared: Mapping[str, Path] | None = None,
) -> None:
    """Writes weights, ``config.json`` and ``task.json``; each file whole or not at all.

    Args:
        directory: Made if it is not there; other files in it stay.
        config: What ``config.json`` will hold.
        tensors: float32 weights by Hugging Face's names.
        spec: What the model is for.
        storage: How weights are kept. ``int8`` and ``panels`` keep matrices compactly and vectors
            as float32.
        shared: Tensors not to be written here because they stand in another model's weight file
            (in a neighboring directory), by name.

    Raises:
        CheckpointError: the disk does not take them, or a shared file is no neighbor.
        ConfigError: ``panels`` for a ``config`` that is no model of ours.
    """
    directory = Path(directory)
    shared = shared or {}
    stored: dict[str, NDArray[Any]] = {}
    for name, value in tensors.items():
        if name not in shared:
            stored.update(_store(name, value, storage))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        own = WEIGHTS if not shared else "model-00001-of-00001.safetensors"
        with files.replacing(directory / own) as temporary:
            if storage == "panels":
                _write_panels(temporary, stored, EncoderConfig.from_dict(config))
            else:
                # Contiguous, or safetensors writes the bytes in the wrong order.
                save_file(
                    {name: np.ascontiguousarray(value) for name, value in stored.items()},
                    temporary,
                    metadata={"format": "pt"},
                )
        if shared:
            _write_index(directory, own, stored, shared)
        if spec is not None:
            files.write_text(directory / TASK, _json(dataclasses.asdict(spec)))
        files.write_text(directory / CONFIG, _json(dict(config)))
    except OSError as error:
        raise CheckpointError(f"cannot write the model to {directory}: {error}") from error


def _store(name: str, value: NDArray[Any], storage: Storage) -> dict[str, NDArray[Any]]:
    if storage in ("int8", "panels") and value.ndim >= 2:
        quantized, scale = quantize_rows(value)
        return {name: quantized, name + SCALE_SUFFIX: scale}
    if storage == "float16" and value.ndim >= 2:
        return {name: value.astype(np.float16)}
    return {name: value.astype(np.float32)}


def _write_panels(path: Path, stored: Mapping[str, NDArray[Any]], config: EncoderConfig) -> None:
    groups = panels.packed_groups(stored, config)
    shapes = {name: stored[name].shape for name in groups}
    metadata = {
        "format": "pt",
        panels.LAYOUT_KEY: panels.LAYOUT,
        panels.SHAPES_KEY: json.dumps(shapes),
    }
    packed = {name: panels.pack_panels(stored[name], groups[name]) for name in groups}
    panels.write_aligned(path, {**stored, **packed}, metadata)


def _write_index(
    directory: Path, own: str, stored: Mapping[str, Any], shared: Mapping[str, Path]
) -> None:
    weight_map = dict.fromkeys(stored, own)
    for name, path in shared.items():
        neighbor = path.resolve()
        if neighbor.parent.parent != directory.resolve().parent:
            raise CheckpointError(f"{path} does not lie in a directory beside {directory}")
        relative = f"../{neighbor.parent.name}/{neighbor.name}"
        content = _read_file(neighbor)
        if name not in content:
            raise CheckpointError(f"{path} lacks the tensor {name}")
        weight_map[name] = relative
        if name + SCALE_SUFFIX in content:
            weight_map[name + SCALE_SUFFIX] = relative
    files.write_text(directory / INDEX, _json({"metadata": {}, "weight_map": weight_map}))


def _json(content: dict[str, Any]) -> str:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    # Rows of numbers on a line each, as a person would write a table.
    return _ROWS.sub(lambda row: "".join(row.group().split()).replace(",", ", "), text) + "\n"


def size_on_disk(directory: Path) -> int:
    """Bytes of all weight files that the model in ``directory`` needs, shared ones included."""
    paths = {directory / WEIGHTS, directory / "pytorch_model.bin"}
    if (directory / INDEX).is_file():
        weight_map: dict[str, str] = read_json(directory / INDEX).get("weight_map", {})
        paths = {directory / name for name in weight_map.values()}
    elif (directory / WEIGHTS).is_file():
        paths = {directory / WEIGHTS}
    return sum(path.stat().st_size for path in paths if path.is_file())
