"""Models from and to directories that ``transformers`` reads and writes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from squeezebert import checkpoint
from squeezebert.checkpoint import names as huggingface
from squeezebert.checkpoint.directory import Storage
from squeezebert.checkpoint.hub import resolve
from squeezebert.checkpoint.weights import (
    BIN,
    BIN_INDEX,
    indexed_files,
    no_weights,
    taken,
    unwrapped,
)
from squeezebert.errors import CheckpointError
from squeezebert.model.encoder import Encoder
from squeezebert.model.heads import HeadConfig, HeadKind, MaskedLMHead, TaskModel, build_model
from squeezebert.spec import TaskSpec


def load_model(name_or_path: str | Path) -> TaskModel | Encoder:
    """Loads a model in evaluation mode, in float32, on the CPU.

    Args:
        name_or_path: A directory, the name of a shipped model, or a name on the Hugging Face hub.

    Returns:
        The model with the head that the checkpoint carries, or the bare encoder where it has none.

    Raises:
        CheckpointError: no such model, or a tensor missing, left over or misshapen.
        ConfigError: a model type or shape that is not supported.
    """
    directory = resolve(name_or_path)
    tensors = huggingface.normalize(read_weights(directory))
    config = checkpoint.read_config(directory)
    head = read_head(directory, tensors)
    if head is not None and head.kind == "masked_lm":
        config, tensors = huggingface.settle_decoder(config, tensors, str(directory))
    model: TaskModel | Encoder
    with torch.device("meta"):  # no time spent on random weights
        if head is None:
            model = Encoder(config, with_pooler="pooler.dense.weight" in _bare(tensors))
        else:
            model = build_model(config, head)
    _load(model, tensors, where=str(directory))
    return model.eval()


def load_encoder(name_or_path: str | Path) -> Encoder:
    """The encoder of any checkpoint, whatever its head: where fine-tuning starts from.

    Raises:
        CheckpointError, ConfigError: As :func:`load_model`.
    """
    model = load_model(name_or_path)
    return model if isinstance(model, Encoder) else model.encoder


def save_model(
    model: TaskModel | Encoder,
    directory: str | Path,
    *,
    spec: TaskSpec | None = None,
    storage: Storage = "float32",
    shared: Path | None = None,
) -> None:
    """Writes ``config.json`` and ``model.safetensors`` as ``transformers`` lays them out, each
    whole or not at all.

    ``transformers`` reads what is stored as float32 or float16 and has no embedding bottleneck.

    Args:
        model: With its head, or a bare encoder.
        directory: Made if it is not there.
        spec: Also write ``task.json``.
        storage: How weights are kept.
        shared: The weight file of a neighboring model whose word embeddings are the same; they
            are then not written again.

    Raises:
        CheckpointError: the disk does not take it, or ``shared`` holds other embeddings.
    """
    tensors = export_tensors(model)
    table = _word_embeddings_name(tensors)
    if shared is not None:
        kept = _read_shared(tensors[table], shared, storage)
        # A bare encoder takes the names that it has under a head, where the neighbor has one.
        prefix = kept.removesuffix(table)
        tensors = {prefix + name: tensor for name, tensor in tensors.items()}
        table = kept
    checkpoint.write_checkpoint(
        directory,
        config=config_json(model),
        tensors=tensors,
        spec=spec,
        storage=storage,
        shared=None if shared is None else {table: shared},
    )


def export_tensors(model: TaskModel | Encoder) -> dict[str, NDArray[Any]]:
    """All weights as float32 arrays under Hugging Face's names and in their layout."""
    state = {name: _numpy(value) for name, value in model.state_dict().items()}
    names = huggingface.names(model.config, state, question_answering=_is_question_answering(model))
    tensors = {
        theirs: huggingface.export_tensor(ours, state[ours], model.config)
        for ours, theirs in names.items()
    }
    if huggingface.DECODER_BIAS in tensors:
        # Their models have it twice, tied or not.
        tensors[huggingface.SHARED_BIAS] = tensors[huggingface.DECODER_BIAS]
    return tensors


def config_json(model: TaskModel | Encoder) -> dict[str, Any]:
    """What ``config.json`` holds for ``model``."""
    content = model.config.to_dict()
    family = {"squeezebert": "SqueezeBert", "bert": "Bert"}[model.config.model_type]
    if isinstance(model, Encoder):
        return content | {"architectures": [f"{family}Model"]}
    head = model.head_config
    content["architectures"] = [family + checkpoint.ARCHITECTURES[head.kind]]
    if head.labels:
        content["id2label"] = {str(index): label for index, label in enumerate(head.labels)}
        content["label2id"] = {label: index for index, label in enumerate(head.labels)}
    if head.kind == "text_classification":
        content["problem_type"] = {
            "single_label": "single_label_classification",
            "multi_label": "multi_label_classification",
            "regression": "regression",
        }[head.problem_type]
    return content


def read_weights(directory: Path) -> dict[str, NDArray[Any]]:
    """All weights of a directory by Hugging Face's names, from safetensors or the old ``.bin``, in
    one file or several.

    Raises:
        CheckpointError: none there, or a damaged file, or one that holds more than tensors.
    """
    if checkpoint.has_safetensors(directory):
        return checkpoint.read_tensors(directory)
    if (directory / BIN).is_file():
        tensors = _read_bin(directory / BIN)
    elif (directory / BIN_INDEX).is_file():
        tensors = {}
        for path, names in indexed_files(directory / BIN_INDEX).items():
            content = _read_bin(path)
            tensors |= {name: taken(content, name, path) for name in names}
    else:
        raise no_weights(directory)
    return unwrapped(tensors)


def _read_bin(path: Path) -> dict[str, NDArray[Any]]:
    try:
        # weights_only: a pickle that would run code is refused.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no weight file {path}") from error
    except Exception as error:  # pickle, zip and torch errors of many kinds
        raise CheckpointError(
            f"{path} is not a readable weight file: {error}",
            hint="ask its maker for safetensors",
        ) from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds a {type(state).__name__}, expected tensors by name")
    # Lightning and others wrap the tensors once more.
    inner = cast(dict[Any, Any], state).get("state_dict", state)
    if not isinstance(inner, dict):
        raise CheckpointError(f"{path} holds a {type(inner).__name__}, expected tensors by name")
    return {
        name: _numpy(value)
        for name, value in cast(dict[Any, Any], inner).items()
        if isinstance(name, str) and isinstance(value, torch.Tensor)
    }


def read_head(directory: Path, tensors: dict[str, NDArray[Any]]) -> HeadConfig | None:
    """Which head a checkpoint carries, by its ``config.json`` or else by its tensors' names."""
    config = checkpoint.read_json(directory / checkpoint.CONFIG)
    spec = checkpoint.read_spec(directory)
    if spec is not None:
        return HeadConfig(kind=spec.task, labels=spec.labels, problem_type=spec.problem_type)
    kind = checkpoint.head_kind(config)
    if kind is not None:
        return HeadConfig(kind=cast(HeadKind, kind))
    if any(name.startswith("cls.predictions.transform.") for name in tensors):
        return HeadConfig(kind="masked_lm")
    if "qa_outputs.weight" in tensors:
        return HeadConfig(kind="question_answering")
    if "classifier.weight" in tensors:
        raise CheckpointError(
            f"{directory} has a classifier, but config.json does not say of which kind",
            hint='set "architectures" there, as ["BertForTokenClassification"]',
        )
    return None


def _load(model: nn.Module, tensors: dict[str, NDArray[Any]], *, where: str) -> None:
    assert isinstance(model, (TaskModel, Encoder))
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    ours = huggingface.to_ours(
        tensors,
        model.config,
        shapes,
        question_answering=_is_question_answering(model),
        where=where,
    )
    state = {
        # A copy of our own, in row order as a model that was built has it.
        name: torch.from_numpy(np.array(value, dtype=np.float32, order="C"))
        for name, value in ours.items()
    }
    head = model.head if isinstance(model, TaskModel) else None
    if isinstance(head, MaskedLMHead) and head.is_tied:
        state["head.decoder.weight"] = state["encoder.embeddings.word.weight"]
    model.load_state_dict(state, assign=True)
    if isinstance(head, MaskedLMHead):
        # assign=True gives each name a parameter of its own: tie them again.
        assert isinstance(model, TaskModel)
        head.tie(model.encoder.embeddings.word)
    for parameter in model.parameters():
        parameter.requires_grad_()


def _read_shared(table: NDArray[Any], shared: Path, storage: Storage) -> str:
    """The name of the word embeddings in ``shared``, which are those of ``table``."""
    kept = checkpoint.read_tensors(shared.parent)
    name = _word_embeddings_name(kept)
    bound = 0.0 if storage == "float32" else float(np.abs(table).max()) / 127
    if kept[name].shape != table.shape or float(np.abs(kept[name] - table).max()) > bound:
        raise CheckpointError(
            f"{shared} does not hold the word embeddings of the model",
            hint="models share embeddings only if these were frozen in fine-tuning",
        )
    return name


def _word_embeddings_name(names: Iterable[str]) -> str:
    return next(name for name in names if name.endswith("word_embeddings.weight"))


def export_names(model: TaskModel | Encoder) -> list[str]:
    """Hugging Face's names of the weights."""
    table = huggingface.names(
        model.config, model.state_dict(), question_answering=_is_question_answering(model)
    )
    return list(table.values())


def _is_question_answering(model: TaskModel | Encoder) -> bool:
    return isinstance(model, TaskModel) and model.head_config.kind == "question_answering"


def _bare(tensors: dict[str, NDArray[Any]]) -> set[str]:
    return {name.removeprefix("transformer.").removeprefix("bert.") for name in tensors}


def _numpy(value: torch.Tensor) -> NDArray[Any]:
    value = value.detach().cpu()
    return (value.float() if value.is_floating_point() else value).numpy()
