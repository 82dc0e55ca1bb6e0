"""Model directories on disk, read and written without torch.

A directory holds ``config.json`` (Hugging Face's fields), the tokenizer's files, the weights under
Hugging Face's names, and ``task.json`` (:class:`~squeezebert.spec.TaskSpec`) where it was
made for a task. The weights are

- ``model.safetensors``; or
- ``model.safetensors.index.json``, Hugging Face's list of which tensor stands in which file. A
  file may lie in a neighboring directory, so that models share an embedding table; or
- ``pytorch_model.bin`` or ``pytorch_model.bin.index.json``, read by :mod:`squeezebert.model` only
  (weights-only, nothing is run).

A compact file stores matrices as int8 with one float32 scale a row, as ``NAME`` and
``NAME.scale``; :func:`~squeezebert.checkpoint.weights.read_tensors` gives them back as float32. The
engine's own form keeps its projections in panels besides (:mod:`squeezebert.checkpoint.panels`).
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from squeezebert import files
from squeezebert.checkpoint import panels
from squeezebert.checkpoint.weights import INDEX, SCALE_SUFFIX, WEIGHTS, read_file, weight_files
from squeezebert.config import LARGEST_SIZE, EncoderConfig
from squeezebert.errors import CheckpointError, shown
from squeezebert.spec import TASK_NAMES, ProblemType, TaskSpec
from squeezebert.structured import build, read_json

Storage = Literal["float32", "float16", "int8", "panels"]
"""``panels`` is ``int8`` with the projections laid out as the engine multiplies them."""

CONFIG, TASK = "config.json", "task.json"
CHECKPOINTS = "checkpoints"
"""The folder in which a training run that is not done keeps its state."""

_ROWS = re.compile(r"\[\s*(?:null|[-\d.])[^][\"]*\]")

MOST_LABELS = 1 << 16
"""Of a head."""

ARCHITECTURES: dict[str, str] = {
    "masked_lm": "ForMaskedLM",
    "text_classification": "ForSequenceClassification",
    "token_classification": "ForTokenClassification",
    "question_answering": "ForQuestionAnswering",
    "multiple_choice": "ForMultipleChoice",
}
"""How Hugging Face's class names end, by head."""


def read_config(directory: Path) -> EncoderConfig:
    """The shape of the model in ``directory``.

    Raises:
        CheckpointError: no readable ``config.json``.
        ConfigError: a shape that cannot be, or a field that is not supported.
    """
    path = directory / CONFIG
    return EncoderConfig.from_dict(read_json(path), where=str(path))


def read_labels(config: Mapping[str, Any], where: str = CONFIG) -> tuple[str, ...]:
    """The outputs' names of a Hugging Face ``config.json``, in order; ``LABEL_0``, … if it gives
    none but says how many there are.

    Raises:
        CheckpointError: names without a gap in their ids, or a number that cannot be.
    """
    id2label = config.get("id2label")
    if id2label is None or id2label == {}:
        # Hugging Face leaves both fields out where a head has the usual two outputs.
        count = config.get("num_labels")
        count = 2 if count is None else count
        if type(count) is not int or not 1 <= count <= MOST_LABELS:
            raise CheckpointError(
                f"{where}: num_labels is {shown(count)}, expected a whole number from 1 to "
                f"{MOST_LABELS}"
            )
        return tuple(f"LABEL_{index}" for index in range(count))
    if not isinstance(id2label, dict):
        raise CheckpointError(f"{where}: id2label is {shown(id2label)}, expected an object")
    labels = cast(dict[str, Any], id2label)
    names: list[str] = []
    for index in range(len(labels)):
        label = labels.get(str(index))
        if not isinstance(label, (str, int, float)) or isinstance(label, bool):
            raise CheckpointError(
                f"{where}: id2label has {len(labels)} labels and {shown(label)} for {index}, "
                "expected strings for the ids 0 and up, no gap"
            )
        names.append(str(label))
    return tuple(names)


def head_kind(config: Mapping[str, Any], where: str = CONFIG) -> str | None:
    """Which head the ``architectures`` field of a ``config.json`` names, or None.

    Raises:
        CheckpointError: a field that is no list of names.
    """
    architectures = config.get("architectures")
    if architectures is None:
        return None
    if not isinstance(architectures, list):
        raise CheckpointError(f"{where}: architectures is {shown(architectures)}, expected a list")
    for architecture in cast(list[Any], architectures):
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
        CheckpointError: an unreadable file, an unknown task or field, a value of another kind.
    """
    path = directory / TASK
    if not path.is_file():
        return _spec_of_config(directory / CONFIG)
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
            f"{path} names the task {shown(values.get('task'))}, "
            f"expected one of {', '.join(TASK_NAMES)}"
        )
    spec = build(TaskSpec, values, str(path), CheckpointError)
    return _checked(spec, path)


def _spec_of_config(path: Path) -> TaskSpec | None:
    config = read_json(path)
    kind = head_kind(config, str(path))
    if kind not in TASK_NAMES:
        return None
    labels = () if kind == "masked_lm" else read_labels(config, str(path))
    problem_type: ProblemType = "single_label"
    if kind == "text_classification":
        problem_type = _problem_type(config, len(labels), path)
    shape = EncoderConfig.from_dict(config, where=str(path))
    return TaskSpec(
        task=kind,
        labels=labels,
        problem_type=problem_type,
        max_length=shape.max_position_embeddings,
        words="pre_tokens",
    )


def _problem_type(config: Mapping[str, Any], labels: int, path: Path) -> ProblemType:
    """As in Hugging Face, a single output without a ``problem_type`` is a number."""
    names: dict[object, ProblemType] = {
        "single_label_classification": "single_label",
        "multi_label_classification": "multi_label",
        "regression": "regression",
    }
    given = config.get("problem_type")
    if given is None:
        return "regression" if labels == 1 else "single_label"
    if not isinstance(given, str) or given not in names:
        raise CheckpointError(
            f"{path}: problem_type is {shown(given)}, expected one of {', '.join(map(str, names))}"
        )
    return names[given]


def _checked(spec: TaskSpec, path: Path) -> TaskSpec:
    if not 1 <= spec.max_length <= LARGEST_SIZE:
        raise CheckpointError(
            f"{path}: max_length is {shown(spec.max_length)}, expected 1 to {LARGEST_SIZE} tokens"
        )
    if not spec.temperature > 0.0:
        raise CheckpointError(
            f"{path}: temperature is {spec.temperature}, expected a number above 0"
        )
    if len(spec.labels) > MOST_LABELS:
        raise CheckpointError(
            f"{path}: there are {len(spec.labels)} labels, expected at most {MOST_LABELS}"
        )
    return spec


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
        content = read_file(neighbor)
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
    return sum(path.stat().st_size for path in weight_files(directory) if path.is_file())
