"""Models of a preset's shape with random weights, written without torch: speed asks for no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from squeezebert import checkpoint
from squeezebert.checkpoint.names import block_layer
from squeezebert.checkpoint.shipped import shipped_models
from squeezebert.config import EncoderConfig
from squeezebert.tokenizer import Tokenizer

SPREAD = 0.04
"""The deviation of the weights: that of trained BERTs, twice that of their start."""

NORMS = ("attention_layer_norm", "output_layer_norm")
"""A block's LayerNorms, by our names."""


def random_tensors(
    config: EncoderConfig, *, seed: int = 0, spread: float = SPREAD
) -> dict[str, NDArray[np.float32]]:
    """Weights of a bare encoder by Hugging Face's names: normally distributed, LayerNorms around
    the identity.
    """
    generator = np.random.default_rng(seed)
    tensors: dict[str, NDArray[np.float32]] = {}

    def draw(*shape: int) -> NDArray[np.float32]:
        return spread * generator.standard_normal(shape, dtype=np.float32)

    def norm(name: str, size: int) -> None:
        tensors[f"{name}.weight"] = 1 + draw(size)
        tensors[f"{name}.bias"] = draw(size)

    def projection(name: str, inner: int, outer: int) -> None:
        tensors[f"{name}.weight"] = draw(outer, inner)
        tensors[f"{name}.bias"] = draw(outer)

    size = config.embedding_size
    for name, rows in (
        ("word", config.vocab_size),
        ("position", config.max_position_embeddings),
        ("token_type", config.type_vocab_size),
    ):
        tensors[f"embeddings.{name}_embeddings.weight"] = draw(rows, size)
    norm("embeddings.LayerNorm", size)
    if config.has_bottleneck:
        projection("embeddings.projection", size, config.hidden_size)
    for index in range(config.num_hidden_layers):
        for role, (inner, outer, groups) in config.projection_sizes().items():
            within = f"attention.{role}" if role in ("query", "key", "value") else role
            name = block_layer(config, index, within)
            projection(name, inner // groups, outer)
            if config.model_type == "squeezebert":  # convolutions there
                tensors[f"{name}.weight"] = tensors[f"{name}.weight"][:, :, None]
        for name in NORMS:
            norm(block_layer(config, index, name), config.hidden_size)
    projection("pooler.dense", config.hidden_size, config.hidden_size)
    return tensors


def write_random_model(
    config: EncoderConfig,
    directory: Path,
    *,
    tensors: dict[str, NDArray[np.float32]] | None = None,
    storage: checkpoint.Storage = "float32",
) -> Path:
    """Writes a bare encoder with random weights, and a shipped tokenizer that fits no weights but
    will do.

    Args:
        config: Its shape.
        directory: Made if it is not there.
        tensors: Weights to write instead of :func:`random_tensors`.
        storage: How they are kept.

    Returns:
        ``directory``.
    """
    family = {"squeezebert": "SqueezeBert", "bert": "Bert"}[config.model_type]
    checkpoint.write_checkpoint(
        directory,
        config=config.to_dict() | {"architectures": [f"{family}Model"]},
        tensors=random_tensors(config) if tensors is None else tensors,
        storage=storage,
    )
    Tokenizer.load(shipped_models()[0].directory).save(directory)
    return directory
