"""What a call of the encoder computes and must move, as a whole and by stage.

The bytes are the least that any program must move: each weight once a call in the precision of its
product, and what comes into a stage and goes out of it once, as float32. What an engine moves more
often than that is its own affair, and shows as distance from the roof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from squeezebert.complexity import Row, count
from squeezebert.config import EncoderConfig

WEIGHT_BYTES = {"int8": 1, "bf16": 2, "float32": 4}
ACTIVATION_BYTES = 4

STAGES: Mapping[str, tuple[str, ...]] = {
    "embeddings": ("bottleneck",),
    "query_key_value": ("query", "key", "value"),
    "attention": ("attention",),
    "post_attention": ("post_attention",),
    "intermediate": ("intermediate",),
    "output": ("output",),
}
"""The engine's stages that have products, and their kinds; the others have none."""


@dataclass(frozen=True)
class Work:
    """What a call or a stage does.

    Args:
        operations: A multiply-add is two.
        bytes: What must be moved.
    """

    operations: float
    bytes: float

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.operations / self.bytes if self.bytes else 0.0


def stage_work(
    config: EncoderConfig, precision: Mapping[str, str], *, batch: int, length: int
) -> dict[str, Work]:
    """Each stage of :data:`STAGES` that the model has, for ``batch`` sequences of ``length``.

    Args:
        config: The model's shape.
        precision: By kind of product.
        batch: Sequences.
        length: Tokens of each.
    """
    rows = count(config, tokens=length).rows
    tokens = batch * length
    result: dict[str, Work] = {}
    for stage, kinds in STAGES.items():
        own = [(row, kind) for row in rows if (kind := _kind(row)) in kinds]
        if not own:
            continue
        weights = sum(
            row.parameters * WEIGHT_BYTES[precision[kind]] for row, kind in own if row.parameters
        )
        moved = tokens * ACTIVATION_BYTES * _features(config, stage)
        operations = 2.0 * batch * sum(row.multiply_adds for row, _ in own)
        result[stage] = Work(operations, weights + moved)
    return result


def call_work(
    config: EncoderConfig, precision: Mapping[str, str], *, batch: int, length: int
) -> Work:
    """A whole call: all stages' operations; the weights, the rows of the embedding table and the
    last states.
    """
    stages = stage_work(config, precision, batch=batch, length=length)
    tokens = batch * length
    moved = sum(
        work.bytes - tokens * ACTIVATION_BYTES * _features(config, stage)
        for stage, work in stages.items()
    )
    moved += tokens * ACTIVATION_BYTES * (config.embedding_size + config.hidden_size)
    return Work(sum(work.operations for work in stages.values()), moved)


def _kind(row: Row) -> str:
    special = {"embeddings.projection": "bottleneck"}
    name = row.name if row.kind in ("embeddings", "norm", "head") else row.name.rpartition(".")[2]
    return special.get(row.name, name)


def _features(config: EncoderConfig, stage: str) -> int:
    """Activations a token that go into a stage and come out of it, over all layers."""
    hidden, wide, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    return {
        "embeddings": config.embedding_size + hidden,
        "query_key_value": layers * 4 * hidden,
        "attention": layers * 4 * hidden,
        "post_attention": layers * 2 * hidden,
        "intermediate": layers * (hidden + wide),
        "output": layers * (wide + hidden),
    }[stage]
