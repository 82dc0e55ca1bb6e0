"""Our weights under Hugging Face's names, and back: one table a model type.

Weight layouts: theirs is ``(out, in / groups, 1)`` for a convolution and ``(out, in)`` for a dense
layer, ours ``(groups, in / groups, out / groups)`` for both.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.config import PROJECTIONS, EncoderConfig, ModelType
from squeezebert.errors import CheckpointError

Tensors = dict[str, NDArray[Any]]

logger = logging.getLogger(__name__)

_EMBEDDINGS = {
    "encoder.embeddings.word": "embeddings.word_embeddings",
    "encoder.embeddings.position": "embeddings.position_embeddings",
    "encoder.embeddings.token_type": "embeddings.token_type_embeddings",
    "encoder.embeddings.layer_norm": "embeddings.LayerNorm",
    "encoder.embeddings.projection": "embeddings.projection",
    "encoder.pooler.dense": "pooler.dense",
}

_BLOCKS: dict[ModelType, tuple[str, dict[str, str]]] = {
    "squeezebert": (
        "encoder.layers.{}.",
        {
            "attention.query": "attention.query",
            "attention.key": "attention.key",
            "attention.value": "attention.value",
            "post_attention": "post_attention.conv1d",
            "attention_layer_norm": "post_attention.layernorm",
            "intermediate": "intermediate.conv1d",
            "output": "output.conv1d",
            "output_layer_norm": "output.layernorm",
        },
    ),
    "bert": (
        "encoder.layer.{}.",
        {
            "attention.query": "attention.self.query",
            "attention.key": "attention.self.key",
            "attention.value": "attention.self.value",
            "post_attention": "attention.output.dense",
            "attention_layer_norm": "attention.output.LayerNorm",
            "intermediate": "intermediate.dense",
            "output": "output.dense",
            "output_layer_norm": "output.LayerNorm",
        },
    ),
}

_PREFIX: dict[ModelType, str] = {"squeezebert": "transformer.", "bert": "bert."}

_HEADS = {
    "head.transform": "cls.predictions.transform.dense",
    "head.layer_norm": "cls.predictions.transform.LayerNorm",
    "head.decoder": "cls.predictions.decoder",
    "head.classifier": "classifier",
}

_PROJECTION = re.compile(rf"(.*\.)?blocks\.\d+\.(attention\.)?({'|'.join(PROJECTIONS)})\.weight")

_IN_BLOCKS = {
    theirs: layer.rpartition(".")[2]
    for _, table in _BLOCKS.values()
    for layer, theirs in table.items()
    if not layer.endswith("layer_norm")
}
_ELSEWHERE = {
    theirs: layer.rpartition(".")[2]
    for layer, theirs in (_EMBEDDINGS | _HEADS).items()
    if layer.endswith((".word", ".projection", ".dense", ".transform", ".decoder"))
}
_WEIGHT = re.compile(
    rf"(?:.*\.)?(?:encoder\.layers?\.\d+\.({'|'.join(map(re.escape, _IN_BLOCKS))})"
    rf"|({'|'.join(map(re.escape, _ELSEWHERE))}))\.weight"
)
"""The weights of layers that multiply."""

_UNUSED = re.compile(
    r"(.*\.)?embeddings\.position_ids"  # a constant that old checkpoints saved
    r"|cls\.seq_relationship\.(weight|bias)"  # the second pretraining objective's head
)
"""Tensors of checkpoints that no model of ours has a use for."""

_OPTIONAL = re.compile(r"(.*\.)?pooler\.dense\.(weight|bias)|cls\.predictions\.bias")
"""What may be left over: a pooler serves sentence-level heads only, and other heads leave it out,
theirs and ours; the bias of a decoder that is not tied stands there twice."""

_TABLE = re.compile(r"(.*\.)?embeddings\.word_embeddings\.weight")

DECODER, DECODER_BIAS = "cls.predictions.decoder.weight", "cls.predictions.decoder.bias"
SHARED_BIAS = "cls.predictions.bias"
"""A masked LM's bias, which :data:`DECODER_BIAS` is tied to where the weights are."""


def names(
    config: EncoderConfig, ours: Iterable[str], *, question_answering: bool
) -> dict[str, str]:
    """Hugging Face's name for each of our parameters' names, tied ones left out. A decoder that is
    not tied has a bias of its own too.

    A model that is a bare encoder (its names do not begin with ``encoder.``) has no prefix there
    either.
    """
    ours = list(ours)
    bare = not any(name.startswith("encoder.") for name in ours)
    prefix = "" if bare else _PREFIX[config.model_type]
    heads = _HEADS | ({"head.classifier": "qa_outputs"} if question_answering else {})
    result: dict[str, str] = {}
    for name in ours:
        if name == "head.decoder.weight" and config.tie_word_embeddings:
            continue
        if name == "head.decoder.bias" and config.tie_word_embeddings:
            result[name] = SHARED_BIAS
            continue
        layer, _, parameter = (f"encoder.{name}" if bare else name).rpartition(".")
        if layer in heads:
            result[name] = f"{heads[layer]}.{parameter}"
        else:
            result[name] = f"{prefix}{_encoder_name(layer, config.model_type)}.{parameter}"
    return result


def _encoder_name(layer: str, model_type: ModelType) -> str:
    if layer in _EMBEDDINGS:
        return _EMBEDDINGS[layer]
    match = re.fullmatch(r"encoder\.blocks\.(\d+)\.(.+)", layer)
    assert match is not None, layer
    template, table = _BLOCKS[model_type]
    return template.format(match[1]) + table[match[2]]


def block_layer(config: EncoderConfig, block: int, layer: str) -> str:
    """Hugging Face's name of a layer of a bare encoder's block.

    Args:
        config: The shape of the model; its type decides.
        block: The block's number, from 0.
        layer: Ours: ``attention.query``, ``post_attention``, ``attention_layer_norm``, …

    >>> block_layer(EncoderConfig(), 3, "output")
    'encoder.layers.3.output.conv1d'
    """
    template, table = _BLOCKS[config.model_type]
    return template.format(block) + table[layer]


def product_of(name: str) -> str | None:
    """Which of our layers a weight of Hugging Face's name multiplies in: one of
    :data:`~squeezebert.config.PROJECTIONS`, ``projection`` (the bottleneck), ``dense`` (the
    pooler), ``transform`` (of the masked LM) or ``word`` (the embeddings); None for any other.

    >>> product_of("bert.encoder.layer.11.attention.self.key.weight")
    'key'
    """
    match = _WEIGHT.fullmatch(name)
    if match is None:
        return None
    return _IN_BLOCKS[match[1]] if match[1] else _ELSEWHERE[match[2]]


def is_projection(name: str) -> bool:
    """Whether one of our parameters is the weight of a :class:`GroupedLinear`."""
    return _PROJECTION.fullmatch(name) is not None


def export_tensor(name: str, value: NDArray[Any], config: EncoderConfig) -> NDArray[Any]:
    """One of our tensors in their layout."""
    if not is_projection(name):
        return value
    groups, inner, outer = value.shape
    rows = value.transpose(0, 2, 1).reshape(groups * outer, inner)
    return rows[:, :, None] if config.model_type == "squeezebert" else rows


def import_tensor(name: str, value: NDArray[Any], groups: int) -> NDArray[Any]:
    """One of their tensors in our layout."""
    if not is_projection(name):
        return value
    rows = value[:, :, 0] if value.ndim == 3 else value
    return rows.reshape(groups, -1, rows.shape[1]).transpose(0, 2, 1)


def normalize(tensors: Mapping[str, NDArray[Any]]) -> Tensors:
    """Old spellings (``gamma``, ``beta``) made new, and what no model of ours uses left out."""
    result: Tensors = {}
    for name, value in tensors.items():
        if _UNUSED.fullmatch(name):
            continue
        name = re.sub(r"\.gamma$", ".weight", name)
        name = re.sub(r"\.beta$", ".bias", name)
        if name in result:
            raise CheckpointError(f"the checkpoint has the tensor {name:.80} in two spellings")
        result[name] = value
    return result


def settle_decoder(
    config: EncoderConfig, tensors: Mapping[str, NDArray[Any]], where: str
) -> tuple[EncoderConfig, Tensors]:
    """A masked LM's decoder and its bias as ``transformers`` reads them: a decoder other than the
    word embeddings is used, whatever the config says.

    Args:
        config: The shape of the model.
        tensors: By Hugging Face's present names.
        where: The checkpoint, for messages.

    Returns:
        ``(config, tensors)``, with ``tie_word_embeddings`` as the weights are. Where they are tied,
        the decoder is left out and :data:`SHARED_BIAS` is the bias, else the bias stands under both
        names. Of other models both are as they were.

    Raises:
        CheckpointError: no decoder, though the config says that it is not tied.
    """
    result = dict(tensors)
    if not any(name.startswith("cls.predictions.transform.") for name in tensors):
        return config, result
    decoder = result.pop(DECODER, None)
    if decoder is None and not config.tie_word_embeddings:
        raise CheckpointError(
            f"{where} lacks the tensor {DECODER}",
            hint="tie_word_embeddings is false in config.json; if the word embeddings are the "
            "decoder, set it to true",
        )
    table = next((value for name, value in tensors.items() if _TABLE.fullmatch(name)), None)
    differs = decoder is not None and table is not None and not np.array_equal(decoder, table)
    if differs and config.tie_word_embeddings:
        logger.warning(
            "%s has a decoder that is not its word embeddings, though config.json does not say "
            "tie_word_embeddings: false; the decoder is used",
            where,
        )
        config = dataclasses.replace(config, tie_word_embeddings=False)
    bias = result.pop(DECODER_BIAS, None)
    if bias is not None:
        result[SHARED_BIAS] = bias
    if decoder is not None and not config.tie_word_embeddings:
        result[DECODER] = decoder
        if SHARED_BIAS in result:
            result[DECODER_BIAS] = result[SHARED_BIAS]
    return config, result


def to_ours(
    theirs: Mapping[str, NDArray[Any]],
    config: EncoderConfig,
    shapes: Mapping[str, tuple[int, ...]],
    *,
    question_answering: bool,
    where: str,
) -> Tensors:
    """A checkpoint's tensors under our names and in our layout.

    Args:
        theirs: By Hugging Face's names, a decoder as :func:`settle_decoder` leaves it.
        config: The shape of the model.
        shapes: What the model has, by our names.
        question_answering: Whether the classifier is called ``qa_outputs``.
        where: The checkpoint, for messages.

    Raises:
        CheckpointError: a tensor that is missing, left over, or of another shape; it is named.
    """
    rest = normalize(theirs)
    table = names(config, shapes, question_answering=question_answering)
    prefix = _PREFIX[config.model_type]
    result: Tensors = {}
    for ours, name in table.items():
        # A bare encoder's checkpoint may stand under a head and the reverse.
        spellings = (name, prefix + name, name.removeprefix(prefix))
        found = next((n for n in spellings if n in rest), None)
        if found is None:
            raise CheckpointError(
                f"{where} lacks the tensor {name}",
                hint="the weights belong to another head or another configuration",
            )
        value = rest.pop(found)
        layer = ours.rpartition(".")[0].rpartition(".")[2]
        groups = config.projection_sizes()[layer][2] if is_projection(ours) else 1
        expected = export_shape(shapes[ours], ours, config)
        if value.shape != expected:
            raise CheckpointError(
                f"the tensor {found} of {where} has shape {value.shape}, expected {expected}"
            )
        if value.dtype.kind != "f":
            raise CheckpointError(
                f"the tensor {found} of {where} holds {value.dtype}, "
                "expected floating-point numbers"
            )
        result[ours] = import_tensor(ours, value, groups)
    left = sorted(name for name in rest if not _OPTIONAL.fullmatch(name))
    if left:
        raise CheckpointError(
            f"{where} has tensors that the model does not: "
            + ", ".join(name[:80] for name in left[:5])
            + (f" and {len(left) - 5} more" if len(left) > 5 else ""),
            hint="the weights belong to another head or another configuration",
        )
    return result


def export_shape(shape: tuple[int, ...], name: str, config: EncoderConfig) -> tuple[int, ...]:
    """The shape that one of our tensors has in their layout."""
    return export_tensor(name, np.broadcast_to(np.float32(0), shape), config).shape
