"""A model's weights by our names, read without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from squeezebert import checkpoint
from squeezebert.checkpoint import names
from squeezebert.config import EncoderConfig
from squeezebert.errors import InvalidInputError
from squeezebert.quantization.compact import read_float32
from squeezebert.spec import TaskName, TaskSpec

Float32 = NDArray[np.float32]
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """A projection: ``y[..., g, o] = sum_i x[..., g, i] * weight[g, i, o] + bias[g * o]``.

    Args:
        name: Where it stands in the model.
        weight: (groups, in / groups, out / groups).
        bias: (out,).
    """

    name: str
    weight: Float32
    bias: Float32

    @property
    def groups(self) -> int:
        """How many slices; 1 is a dense layer."""
        return len(self.weight)

    @property
    def width(self) -> int:
        """Numbers of an output."""
        return len(self.bias)


@dataclass(frozen=True, kw_only=True, eq=False)
class Parameters:
    """A model's shape, what it is for, and its weights.

    Args:
        config: The shape.
        spec: What it is for; None for a bare encoder.
        tensors: float32 by our names (:class:`squeezebert.model.TaskModel`'s).
    """

    config: EncoderConfig
    spec: TaskSpec | None
    tensors: dict[str, Float32]

    @classmethod
    def read(cls, directory: Path) -> Parameters:
        """The model in ``directory``.

        Raises:
            CheckpointError: a tensor missing, left over or misshapen, or no weights.
            ConfigError: a shape that cannot be.
            InvalidInputError: a head that no task of ours has.
            MissingDependencyError: an old ``pytorch_model.bin``, which torch must read.
        """
        config = checkpoint.read_config(directory)
        spec = checkpoint.read_spec(directory)
        kind = checkpoint.head_kind(checkpoint.read_json(directory / checkpoint.CONFIG))
        if spec is None and kind is not None:
            raise InvalidInputError(
                f"the model in {directory} has a {kind} head, which is not exported",
                hint="masked LMs, classifiers of texts and of tokens and bare encoders are",
            )
        tensors = read_float32(directory)
        task = None if spec is None else spec.task
        if task == "masked_lm":
            config, tensors = names.settle_decoder(config, tensors, str(directory))
        labels = 0 if spec is None else len(spec.labels)
        ours = names.to_ours(
            tensors,
            config,
            shapes(config, task, labels),
            question_answering=False,
            where=str(directory),
        )
        return cls(config=config, spec=spec, tensors=_named_alike(ours))

    def vector(self, name: str) -> Float32:
        """A tensor as it is, a table of embeddings too."""
        return self.tensors[name]

    def layer(self, name: str) -> Layer:
        """A projection, a dense one as one group."""
        weight = self.tensors[f"{name}.weight"]
        return Layer(
            name=name,
            weight=weight if weight.ndim == 3 else weight.T[None],
            bias=self.tensors[f"{name}.bias"],
        )

    def calibrated(self) -> Parameters:
        """The same with the temperature that its logits are divided by in its head, so that others'
        probabilities are ours; the labels stay.
        """
        spec = self.spec
        if spec is None or spec.temperature == 1.0 or spec.problem_type == "regression":
            return self
        share = np.float32(1.0 / spec.temperature)
        masked = spec.task == "masked_lm"
        changed = MASKED_HEAD if masked else ("head.classifier.weight", "head.classifier.bias")
        tensors = self.tensors | {name: self.tensors[name] * share for name in changed}
        transitions = tuple(
            tuple(None if score is None else score / spec.temperature for score in row)
            for row in spec.transitions
        )
        settled = replace(spec, temperature=1.0, transitions=transitions)
        return replace(self, spec=settled, tensors=tensors)


MASKED_HEAD = ("head.layer_norm.weight", "head.layer_norm.bias", "head.decoder.bias")
"""What scales a masked LM's logits and nothing else: its matrix may be the word embeddings."""


def _named_alike(tensors: dict[str, Float32]) -> dict[str, Float32]:
    """A bare encoder's tensors under the names that they have in a model with a head."""
    return {
        name if name.startswith(("encoder.", "head.")) else f"encoder.{name}": value
        for name, value in tensors.items()
    }


def shapes(config: EncoderConfig, task: TaskName | None, labels: int) -> Shapes:
    """The shape of each weight of a model by our names, tied ones once.

    Args:
        config: Of the encoder.
        task: What the head is for; a bare encoder where None, without its pooler.
        labels: Outputs of a classification head.

    >>> shapes(EncoderConfig(), "text_classification", 2)["head.classifier.weight"]
    (2, 768)
    """
    hidden, size = config.hidden_size, config.embedding_size
    result: Shapes = {
        "embeddings.word.weight": (config.vocab_size, size),
        "embeddings.position.weight": (config.max_position_embeddings, size),
        "embeddings.token_type.weight": (config.type_vocab_size, size),
        **_norm("embeddings.layer_norm", size),
    }
    if config.has_bottleneck:
        result |= _dense("embeddings.projection", size, hidden)
    for index in range(config.num_hidden_layers):
        block = f"blocks.{index}"
        for name, (inner, outer, groups) in config.projection_sizes().items():
            layer = f"{block}.{projection_name(name)}"
            result[f"{layer}.weight"] = (groups, inner // groups, outer // groups)
            result[f"{layer}.bias"] = (outer,)
        result |= _norm(f"{block}.attention_layer_norm", hidden)
        result |= _norm(f"{block}.output_layer_norm", hidden)
    if task is None:
        return result
    result = {f"encoder.{name}": shape for name, shape in result.items()}
    if task == "text_classification":
        result |= _dense("encoder.pooler.dense", hidden, hidden)
    if task != "masked_lm":
        return result | _dense("head.classifier", hidden, labels)
    result |= _dense("head.transform", hidden, size) | _norm("head.layer_norm", size)
    if not config.tie_word_embeddings:
        result["head.decoder.weight"] = (config.vocab_size, size)
    return result | {"head.decoder.bias": (config.vocab_size,)}


def projection_name(name: str) -> str:
    """Where one of :data:`~squeezebert.config.PROJECTIONS` stands in a block."""
    return f"attention.{name}" if name in ("query", "key", "value") else name


def _dense(name: str, inner: int, outer: int) -> Shapes:
    return {f"{name}.weight": (outer, inner), f"{name}.bias": (outer,)}


def _norm(name: str, size: int) -> Shapes:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}
