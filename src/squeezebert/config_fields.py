"""What becomes of every field of a Hugging Face ``config.json`` (docs/checkpoints.md says it too).

A field that changes what the model computes is honored, or refused by name. The lists cover
``BertConfig`` and ``SqueezeBertConfig`` of ``transformers`` 4 and 5; a test holds them against the
version that is installed. Fields that neither class knows are left alone, as ``transformers``
leaves them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from squeezebert.errors import ConfigError, shown

SHAPE = (
    "model_type",
    "vocab_size",
    "embedding_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
    "layer_norm_eps",
    "pad_token_id",
    "tie_word_embeddings",
    "q_groups",
    "k_groups",
    "v_groups",
    "post_attention_groups",
    "intermediate_groups",
    "output_groups",
)
"""Honored: fields of :class:`~squeezebert.config.EncoderConfig`."""

HEAD = ("architectures", "id2label", "num_labels", "problem_type")
"""Honored: which head there is, and what its outputs are called."""

ACTIVATION_NAMES = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_python_tanh": "gelu_new",
    "gelu_fast": "gelu_new",
    "gelu_accurate": "gelu_new",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
"""Hugging Face's names of the activations that we have; several are one function, computed in
another way. Any other is refused."""


def _is_off(value: Any) -> bool:
    return value is None or value is False


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value == {} or value == []


REFUSED: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "is_decoder": (_is_off, "false", "only encoders are supported"),
    "add_cross_attention": (_is_off, "false", "only encoders are supported"),
    "is_encoder_decoder": (_is_off, "false", "only encoders are supported"),
    "position_embedding_type": (
        lambda value: value in (None, "absolute"),
        "'absolute'",
        "relative positions are not supported",
    ),
    "pruned_heads": (_is_empty, "none", "take the model from before its heads were pruned"),
    "quantization_config": (
        _is_empty,
        "none",
        "take the model from before, and run squeezebert quantize",
    ),
}
"""By field: what is taken, how that is said, and a hint for what isn't."""

HARMLESS: dict[str, str] = {
    "use_cache": "of decoders",
    "chunk_size_feed_forward": "saves memory, computes the same",
    "gradient_checkpointing": "saves memory, computes the same; a recipe has its own setting",
    "output_attentions": "what is given besides, asked for at the call",
    "output_hidden_states": "what is given besides, asked for at the call",
    "return_dict": "how outputs are wrapped",
    "torchscript": "for tracing",
    "dtype": "the stored weights say themselves what they are",
    "torch_dtype": "the stored weights say themselves what they are",
    "label2id": "id2label, turned round",
    "bos_token_id": "of generation",
    "eos_token_id": "of generation",
    "sep_token_id": "the tokenizer's files say it",
    "decoder_start_token_id": "of generation",
    "cross_attention_hidden_size": "of decoders",
    "tokenizer_class": "of the tokenizer, see squeezebert.tokenizer_files",
    "prefix": "of generation",
    "task_specific_params": "of generation",
    "finetuning_task": "a name for people",
    "tf_legacy_loss": "of TensorFlow",
    "use_bfloat16": "of TensorFlow",
    "name_or_path": "where it came from",
    "_name_or_path": "where it came from",
    "_attn_implementation_autoset": "how attention is computed, not what",
    "attn_implementation": "how attention is computed, not what",
    "transformers_version": "what wrote the file",
}
"""Left alone, by field: why it changes nothing."""


def check_fields(values: Mapping[str, Any], where: str) -> None:
    """Refuses the fields of a ``config.json`` that ask for what no model of ours computes.

    Raises:
        ConfigError: no or another ``model_type``, or one of :data:`REFUSED`.
    """
    model_type = values.get("model_type")
    if model_type not in ("squeezebert", "bert"):
        raise ConfigError(
            f"{where}: model_type is {shown(model_type)}, expected 'squeezebert' or 'bert'",
            hint="other architectures are not supported",
        )
    for name, (is_taken, expected, hint) in REFUSED.items():
        value = values.get(name)
        if not is_taken(value):
            raise ConfigError(f"{where}: {name} is {shown(value)}, expected {expected}", hint=hint)
