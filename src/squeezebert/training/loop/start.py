"""What a run begins with: a model with the right head, and its tokenizer."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from squeezebert.checkpoint.directory import read_config
from squeezebert.checkpoint.hub import resolve
from squeezebert.config import PRESETS, EncoderConfig, preset
from squeezebert.errors import ConfigError
from squeezebert.model import (
    HeadConfig,
    TaskModel,
    attach_head,
    build_model,
    load_encoder,
    load_model,
)
from squeezebert.model.encoder import Attention
from squeezebert.tasks.reference import ReferenceEmbeddings
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.recipe.run import FinetuneRecipe, ModelRecipe, PretrainRecipe

logger = logging.getLogger(__name__)

TABLES = ("word", "position", "token_type", "layer_norm")
"""The parts of the embeddings that models of other depth and groups can share."""

WORD_SPREAD = 0.05
"""The deviation of a trained word table's numbers, roughly; given word vectors are scaled to it."""


Chosen = TypeVar("Chosen", FinetuneRecipe, PretrainRecipe)

NARROW = 256
"""Models up to this width take the highest default rates."""


def with_learning_rate(recipe: Chosen) -> Chosen:
    """``recipe`` with a learning rate where it leaves that open: fine-tuning 5e-4 up to width 256
    and falling with its square (5.6e-5 at 768), pretraining 1e-3 and falling with the width.

    Raises:
        ConfigError, CheckpointError: a preset's shape or a model that cannot be.
    """
    if recipe.optimizer.learning_rate:
        return recipe
    start, shape = recipe.model.start, recipe.model.shape
    width = (
        preset(start).hidden_size if start in PRESETS else read_config(resolve(start)).hidden_size
    )
    ratio = min(NARROW / float(shape.get("hidden_size", width)), 1.0)
    rate = 1e-3 * ratio if isinstance(recipe, PretrainRecipe) else 5e-4 * ratio**2
    optimizer = dataclasses.replace(recipe.optimizer, learning_rate=float(f"{rate:.2g}"))
    return dataclasses.replace(recipe, optimizer=optimizer)


def start_tokenizer(recipe: ModelRecipe) -> Tokenizer:
    """The tokenizer of ``recipe``.

    Raises:
        ConfigError: a preset without a tokenizer.
        CheckpointError: none there, or not a WordPiece one.
    """
    if not recipe.tokenizer and recipe.start in PRESETS:
        raise ConfigError(
            f"model.tokenizer is empty, but the preset {recipe.start!r} has no vocabulary",
            hint="name a model directory, tokenizer.json or vocab.txt; "
            "`squeezebert vocabulary` trains one",
        )
    named = recipe.tokenizer or recipe.start
    return Tokenizer.load(named if Path(named).exists() else resolve(named))


def start_model(recipe: ModelRecipe, head: HeadConfig, tokenizer: Tokenizer) -> TaskModel:
    """The model to train, its new parts drawn from torch's global generator.

    A checkpoint that already carries ``head`` keeps it; else its encoder gets a new one, and a log
    line tells it where there was another of the same kind.

    Raises:
        ConfigError: ``shape`` for a checkpoint, or an unknown field in it; a tokenizer of another
            size than the model; embeddings of another shape.
        CheckpointError: a model that cannot be read.
    """
    if recipe.start in PRESETS:
        model = build_model(_shape(recipe, tokenizer), head)
    else:
        if recipe.shape:
            raise ConfigError(
                f"model.shape is set, but model.start is {recipe.start!r}, a trained model",
                hint=f"shapes can be changed for presets only: {', '.join(PRESETS)}",
            )
        loaded = load_model(recipe.start)
        if isinstance(loaded, TaskModel) and loaded.head_config == head:
            model = loaded
        else:
            if isinstance(loaded, TaskModel):
                _tell_replaced(recipe.start, loaded.head_config, head)
            encoder = loaded.encoder if isinstance(loaded, TaskModel) else loaded
            model = attach_head(encoder, head)
        if model.config.vocab_size < tokenizer.vocab_size:
            raise ConfigError(
                f"the tokenizer has {tokenizer.vocab_size} tokens, "
                f"but the model's embeddings only {model.config.vocab_size}",
                hint="leave model.tokenizer empty to take the model's own",
            )
    if recipe.embeddings.endswith(".safetensors"):
        _copy_word_vectors(recipe.embeddings, model, tokenizer)
    elif recipe.embeddings:
        _copy_embeddings(recipe.embeddings, model)
    if recipe.dropout >= 0:
        set_dropout(model, recipe.dropout)
    for parameter in model.parameters():
        # Memory of torch's own alignment: kernels round alike in every run.
        parameter.data = parameter.data.clone()
    if recipe.freeze_embeddings:
        for name in TABLES:
            getattr(model.encoder.embeddings, name).requires_grad_(False)
    return model


def _tell_replaced(name: str, before: HeadConfig, now: HeadConfig) -> None:
    if before.kind != now.kind or not before.labels:
        return  # that of another task is of no use, and no one expects it to be kept
    what = (
        f"its labels are {_few(before.labels)}, those of the data {_few(now.labels)}"
        if before.labels != now.labels
        else f"its problem_type is {before.problem_type}, that of the data {now.problem_type}"
    )
    logger.warning("the head of %s is replaced by a new one: %s", name, what)


def _few(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - 8} more" if len(labels) > 8 else ""
    return ", ".join(label[:40] for label in labels[:8]) + more


def set_dropout(model: TaskModel, probability: float) -> None:
    """Sets all dropout of ``model``, in its config too."""
    config = dataclasses.replace(
        model.config,
        hidden_dropout_prob=probability,
        attention_probs_dropout_prob=probability,
        classifier_dropout=None,
    )
    model.config = model.encoder.config = config
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
        elif isinstance(module, Attention):
            module.dropout_prob = probability


def _shape(recipe: ModelRecipe, tokenizer: Tokenizer) -> EncoderConfig:
    known = {field.name for field in dataclasses.fields(EncoderConfig)}
    fixed = {"model_type", "vocab_size", "pad_token_id"}
    unknown = sorted(set(recipe.shape) - (known - fixed))
    if unknown:
        raise ConfigError(
            f"model.shape has the field {unknown[0]!r}",
            hint=f"it may have {', '.join(sorted(known - fixed))}",
        )
    fields: dict[str, Any] = dict(recipe.shape)
    return dataclasses.replace(
        preset(recipe.start),
        vocab_size=tokenizer.vocab_size,
        pad_token_id=tokenizer.pad_id,
        **fields,
    )


def _copy_word_vectors(source: str, model: TaskModel, tokenizer: Tokenizer) -> None:
    vectors = ReferenceEmbeddings.load(source)
    table = model.encoder.embeddings.word.weight
    size = table.shape[1]
    if vectors.vectors.shape[1] != size:
        raise ConfigError(
            f"the vectors of {source} have {vectors.vectors.shape[1]} dimensions, "
            f"but the model's embeddings {size}",
            hint="make them of the model's embedding_size",
        )
    # Tokens that the vectors lack keep their random start.
    rows = vectors.rows(tokenizer.tokens)
    known = torch.from_numpy(rows >= 0)
    with torch.no_grad():
        scaled = torch.from_numpy(vectors.vectors[rows[rows >= 0]]) * (WORD_SPREAD * size**0.5)
        table[: len(rows)][known] = scaled.to(table.dtype)


def _copy_embeddings(source: str, model: TaskModel) -> None:
    donor = load_encoder(source).embeddings
    for name in TABLES:
        theirs = getattr(donor, name).state_dict()
        ours = getattr(model.encoder.embeddings, name)
        for key, value in ours.state_dict().items():
            if theirs[key].shape != value.shape:
                raise ConfigError(
                    f"the embeddings of {source} ({name}) have shape {tuple(theirs[key].shape)}, "
                    f"expected {tuple(value.shape)}",
                    hint="the models must agree in vocabulary, embedding_size and positions",
                )
        with torch.no_grad():
            ours.load_state_dict(theirs)
