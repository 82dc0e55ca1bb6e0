"""The shape of a model, with Hugging Face's field names, and the presets.

BERT is the same encoder with every group count 1, so one dataclass describes both.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from squeezebert.config_fields import ACTIVATION_NAMES, check_fields
from squeezebert.errors import ConfigError, shown
from squeezebert.structured import build

ModelType = Literal["squeezebert", "bert"]

GROUP_FIELDS = (
    "q_groups",
    "k_groups",
    "v_groups",
    "post_attention_groups",
    "intermediate_groups",
    "output_groups",
)
"""The group counts of a block's six position-wise projections, in the order of the computation."""

SIZE_FIELDS = (
    "vocab_size",
    "embedding_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
    *GROUP_FIELDS,
)
"""Positive whole numbers."""

RATE_FIELDS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
    "layer_norm_eps",
)
"""Numbers in [0, 1); ``classifier_dropout`` may be None too."""

PROJECTIONS = ("query", "key", "value", "post_attention", "intermediate", "output")
"""What the six projections are called in the model, in the same order."""

ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu")
"""``gelu`` is the exact one (erf), ``gelu_new`` its tanh approximation."""

LARGEST_SIZE, MOST_LAYERS = 1 << 24, 1000
"""Above what any model has, and small enough that products of sizes and loops over layers end."""


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """The sizes of an encoder. The defaults are SqueezeBERT-base (Iandola et al. 2020, section 3).

    ``embedding_size`` may be smaller than ``hidden_size``: a dense projection then follows the
    embeddings' LayerNorm, so that a small model is not all embedding table. Checkpoints with such
    a bottleneck cannot be read by ``transformers``.

    ``classifier_dropout`` is the dropout before a classification head, ``hidden_dropout_prob``
    where None. Without ``tie_word_embeddings`` a masked LM has a matrix of its own that gives the
    logits.

    Raises:
        ConfigError: a size that is not positive, a group count or head count that does not divide
            what it splits, an unknown activation or model type.

    >>> EncoderConfig(hidden_size=256, embedding_size=128, num_attention_heads=4).head_size
    64
    """

    model_type: ModelType = "squeezebert"
    vocab_size: int = 30522
    embedding_size: int = 768
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    classifier_dropout: float | None = None
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    tie_word_embeddings: bool = True
    q_groups: int = 4
    k_groups: int = 4
    v_groups: int = 4
    post_attention_groups: int = 1
    intermediate_groups: int = 4
    output_groups: int = 4

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def has_bottleneck(self) -> bool:
        """Whether a projection up to ``hidden_size`` follows the embeddings."""
        return self.embedding_size != self.hidden_size

    def projection_sizes(self) -> dict[str, tuple[int, int, int]]:
        """The six projections of a block as ``{name: (in_features, out_features, groups)}``."""
        hidden, wide = self.hidden_size, self.intermediate_size
        sizes = (
            (hidden, hidden),
            (hidden, hidden),
            (hidden, hidden),
            (hidden, hidden),
            (hidden, wide),
            (wide, hidden),
        )
        return {
            name: (*size, getattr(self, field))
            for name, field, size in zip(PROJECTIONS, GROUP_FIELDS, sizes, strict=True)
        }

    def __post_init__(self) -> None:
        if self.model_type not in ("squeezebert", "bert"):
            raise ConfigError(
                f"model_type is {shown(self.model_type)}, expected 'squeezebert' or 'bert'",
                hint="other architectures are not supported",
            )
        self._check_sizes()
        self._check_rates()
        if not (math.isfinite(self.initializer_range) and self.initializer_range >= 0.0):
            raise ConfigError(
                f"initializer_range is {self.initializer_range}, expected a number of 0 or more"
            )
        if self.hidden_act not in ACTIVATIONS:
            raise ConfigError(
                f"hidden_act is {shown(self.hidden_act)}, expected one of {', '.join(ACTIVATIONS)}"
            )
        if self.hidden_size % self.num_attention_heads:
            raise ConfigError(
                f"num_attention_heads is {self.num_attention_heads}, "
                f"which does not divide hidden_size {self.hidden_size}"
            )
        if not 0 <= self.pad_token_id < self.vocab_size:
            raise ConfigError(
                f"pad_token_id is {shown(self.pad_token_id)}, "
                f"expected an id below {self.vocab_size}"
            )
        if self.model_type == "bert" and any(getattr(self, name) != 1 for name in GROUP_FIELDS):
            raise ConfigError(
                "a model of type 'bert' has group counts other than 1",
                hint="grouped projections make it a 'squeezebert'",
            )
        for field, (in_features, out_features, groups) in zip(
            GROUP_FIELDS, self.projection_sizes().values(), strict=True
        ):
            if in_features % groups or out_features % groups:
                raise ConfigError(
                    f"{field} is {groups}, which does not divide both "
                    f"{in_features} and {out_features}",
                    hint=f"use a common divisor of {in_features} and {out_features}",
                )

    def _check_sizes(self) -> None:
        for name in SIZE_FIELDS:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"{name} is {shown(value)}, expected a positive whole number")
            largest = MOST_LAYERS if name == "num_hidden_layers" else LARGEST_SIZE
            if value > largest:
                raise ConfigError(f"{name} is {shown(value)}, expected at most {largest}")

    def _check_rates(self) -> None:
        for name in RATE_FIELDS:
            value = getattr(self, name)
            if name == "classifier_dropout" and value is None:
                continue
            if not isinstance(value, (int, float)) or not 0.0 <= value < 1.0:
                raise ConfigError(f"{name} is {shown(value)}, expected a number in [0, 1)")

    def to_dict(self) -> dict[str, Any]:
        """The fields as ``config.json`` holds them. Those that are at Hugging Face's defaults are
        left out where its config for the model type does not know them.
        """
        fields = dataclasses.asdict(self)
        if self.classifier_dropout is None:
            del fields["classifier_dropout"]
        if self.tie_word_embeddings:
            del fields["tie_word_embeddings"]
        if self.model_type == "bert":
            for name in GROUP_FIELDS:
                del fields[name]
            if not self.has_bottleneck:
                del fields["embedding_size"]
        return fields

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "config.json") -> EncoderConfig:
        """Reads the fields of a Hugging Face ``config.json``. What becomes of each is listed in
        :mod:`squeezebert.config_fields` and docs/checkpoints.md.

        Args:
            values: What the file holds.
            where: The file, for messages.

        Raises:
            ConfigError: no or another ``model_type``, a field that asks for what no model of ours
                computes, or a value that cannot be (see the class).
        """
        check_fields(values, where)
        names = {field.name for field in dataclasses.fields(cls)}
        known = {name: value for name, value in values.items() if name in names}
        for name, missing in (("pad_token_id", 0), ("tie_word_embeddings", True)):
            if known.get(name) is None:
                known[name] = missing
        act = known.get("hidden_act")
        if isinstance(act, str):
            known["hidden_act"] = ACTIVATION_NAMES.get(act, act)
        known.setdefault("embedding_size", known.get("hidden_size", 768))
        if values["model_type"] == "bert":
            for name in GROUP_FIELDS:
                known.setdefault(name, 1)
        return build(cls, known, where, ConfigError)


def as_bert(config: EncoderConfig) -> EncoderConfig:
    """The baseline of a SqueezeBERT: the same depth and widths, every group count 1."""
    return dataclasses.replace(config, model_type="bert", **dict.fromkeys(GROUP_FIELDS, 1))


SQUEEZEBERT_BASE = EncoderConfig()
"""51.1 M parameters and 7.4 GFLOP at 128 tokens (Iandola et al. 2020)."""

BERT_BASE = as_bert(SQUEEZEBERT_BASE)
"""109.5 M parameters and 22.4 GFLOP at 128 tokens (Devlin et al. 2019)."""

SQUEEZEBERT_MINI = EncoderConfig(
    vocab_size=16384,
    embedding_size=128,
    hidden_size=256,
    num_hidden_layers=4,
    num_attention_heads=4,
    intermediate_size=1024,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    max_position_embeddings=512,
    # BERT's 0.02 goes with its width of 768: narrower layers need more to start moving.
    initializer_range=0.05,
)
"""The size that ships: small enough to pretrain on two cores in under an hour."""

BERT_MINI = as_bert(SQUEEZEBERT_MINI)

SQUEEZEBERT_SMALL = EncoderConfig(
    embedding_size=192,
    hidden_size=384,
    num_hidden_layers=6,
    num_attention_heads=12,
    intermediate_size=1536,
)
"""MiniLM's shape (Wang et al. 2020), which it is grown out of, with half the word table."""

BERT_SMALL = as_bert(SQUEEZEBERT_SMALL)

PRESETS: dict[str, EncoderConfig] = {
    "squeezebert-base": SQUEEZEBERT_BASE,
    "bert-base": BERT_BASE,
    "squeezebert-small": SQUEEZEBERT_SMALL,
    "bert-small": BERT_SMALL,
    "squeezebert-mini": SQUEEZEBERT_MINI,
    "bert-mini": BERT_MINI,
}
"""Shapes by name, for models that start from random weights."""


def preset(name: str) -> EncoderConfig:
    """The shape called ``name``.

    Raises:
        ConfigError: no preset of that name; the message lists them.

    >>> preset("bert-base").q_groups
    1
    """
    if name not in PRESETS:
        raise ConfigError(
            f"no preset is called {name!r}", hint=f"the presets are {', '.join(PRESETS)}"
        )
    return PRESETS[name]
