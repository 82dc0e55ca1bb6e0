"""Tiny models of every kind with random weights, and exports of the shipped ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from squeezebert.config import EncoderConfig, as_bert
from squeezebert.spec import TaskSpec
from squeezebert.tokenizer import Tokenizer

TAGS = ("O", "B-LOC", "I-LOC")
SPECS: dict[str, TaskSpec | None] = {
    "masked_lm": TaskSpec(task="masked_lm", max_length=32),
    "single_label": TaskSpec(
        task="text_classification", labels=("bad", "fair", "good"), max_length=32, temperature=1.7
    ),
    "multi_label": TaskSpec(
        task="text_classification",
        labels=("bad", "good"),
        problem_type="multi_label",
        max_length=32,
    ),
    "regression": TaskSpec(
        task="text_classification", labels=("score",), problem_type="regression", max_length=32
    ),
    "tokens": TaskSpec(
        task="token_classification",
        labels=TAGS,
        max_length=32,
        temperature=0.6,
        transitions=((0.5, 0.0, None), (0.0, -0.5, 1.0), (0.0, 0.0, 1.0), (0.0, 0.0, None)),
    ),
    "encoder": None,
}


@pytest.fixture(scope="session")
def shapes_by_name(tiny_config: EncoderConfig) -> dict[str, EncoderConfig]:
    """What a shape may be like: joined and single projections, a bottleneck, every activation."""
    change = dataclasses.replace
    return {
        "squeezebert": tiny_config,
        "bert": as_bert(tiny_config),
        "bottleneck": change(tiny_config, embedding_size=16),
        "heads in two groups": change(tiny_config, num_attention_heads=2),
        "unlike groups": change(tiny_config, k_groups=2, post_attention_groups=2),
        "gelu_new": change(tiny_config, hidden_act="gelu_new", layer_norm_eps=1e-3),
        "relu": change(tiny_config, hidden_act="relu"),
        "silu": change(tiny_config, hidden_act="silu"),
        # Wide enough for its products to be rounded: smaller ones stay float32.
        "wide": change(tiny_config, embedding_size=64, hidden_size=256, intermediate_size=512),
    }


@pytest.fixture(scope="session")
def write_model(shapes_by_name: dict[str, EncoderConfig], tokenizer: Tokenizer):
    """Writes a model of random weights, spread as trained ones are, and gives its directory."""
    import torch

    from squeezebert.model import HeadConfig, build_model, save_model
    from squeezebert.model.encoder import Encoder

    def write(directory: Path, *, kind: str, shape: str = "squeezebert", tied: bool = True) -> Path:
        torch.manual_seed(0)
        config = dataclasses.replace(shapes_by_name[shape], tie_word_embeddings=tied)
        spec = SPECS[kind]
        if spec is None:
            model = Encoder(config)
        else:
            head = HeadConfig(kind=spec.task, labels=spec.labels, problem_type=spec.problem_type)
            model = build_model(config, head)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        save_model(model, directory, spec=spec)
        tokenizer.save(directory)
        return directory

    return write
