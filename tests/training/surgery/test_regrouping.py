from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from squeezebert.config import EncoderConfig
from squeezebert.errors import ConfigError
from squeezebert.model import Encoder, HeadConfig, TaskModel, build_model
from squeezebert.model.grouped_linear import GroupedLinear
from squeezebert.training.surgery.regrouping import blocks_of, cut_to_groups, encoder_of, regroup

DENSE = EncoderConfig(
    model_type="bert",
    vocab_size=60,
    hidden_size=32,
    embedding_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=32,
    q_groups=1,
    k_groups=1,
    v_groups=1,
    intermediate_groups=1,
    output_groups=1,
    initializer_range=0.2,
)
IDS = torch.arange(5, 25).reshape(2, 10)

HEADS = {
    "masked_lm": HeadConfig(kind="masked_lm"),
    "text_classification": HeadConfig(kind="text_classification", labels=("a", "b")),
    "token_classification": HeadConfig(kind="token_classification", labels=("O", "B-X", "I-X")),
}


def dense(head: str = "masked_lm", **changes: Any) -> TaskModel:
    torch.manual_seed(1)
    model = build_model(dataclasses.replace(DENSE, **changes), HEADS[head]).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "layer_norm" in name or "bias" in name:  # all alike, no order could be wrong
                parameter += 0.3 * torch.randn_like(parameter)
    return model


def logits(model: TaskModel) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(IDS).logits
    return found


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("embedding_size", [32, 16])
def test_another_order_computes_the_same(head: str, embedding_size: int) -> None:
    model = dense(head, embedding_size=embedding_size)
    before, first = logits(model), model.state_dict()["encoder.blocks.0.output.bias"].clone()
    energy = regroup(model, 4)
    assert 0.25 < energy < 0.6
    assert not torch.equal(model.state_dict()["encoder.blocks.0.output.bias"], first)
    torch.testing.assert_close(logits(model), before, atol=1e-5, rtol=1e-4)


def test_a_bare_encoder_with_a_pooler_too() -> None:
    torch.manual_seed(0)
    encoder = Encoder(DENSE).eval()
    with torch.inference_mode():
        before = encoder(IDS).pooler_output
        regroup(encoder, 2)
        after = encoder(IDS).pooler_output
    assert before is not None
    assert after is not None
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)
    assert encoder_of(encoder) is encoder
    assert cut_to_groups(encoder, 2).pooler is not None


def test_groups_that_were_shuffled_are_found_again() -> None:
    """A grouped model written as a dense one, its features in a random order."""
    model = dense()
    draw = torch.Generator().manual_seed(5)
    hidden = torch.randperm(32, generator=draw)
    with torch.no_grad():
        for block in blocks_of(model.encoder):
            features = (torch.randperm(4, generator=draw)[:, None] * 8 + torch.arange(8)).flatten()
            wide = torch.randperm(64, generator=draw)
            attention = block.attention
            for layer, rows, columns in (
                (attention.query, hidden, features),
                (attention.key, hidden, features),
                (attention.value, hidden, features),
                (block.intermediate, hidden, wide),
                (block.output, wide, hidden),
            ):
                keep_blocks(layer, rows, columns, groups=2)
    before = logits(model)
    assert regroup(model, 2) == pytest.approx(1.0)
    grown = cut_to_groups(model, 2)
    assert grown.config.model_type == "squeezebert"
    assert (grown.config.q_groups, grown.config.output_groups) == (2, 2)
    assert grown.config.post_attention_groups == 1
    torch.testing.assert_close(logits(grown), before, atol=1e-5, rtol=1e-4)


def keep_blocks(
    layer: GroupedLinear, rows: torch.Tensor, columns: torch.Tensor, *, groups: int
) -> None:
    """Zeros all weights but those of diagonal blocks, in a shuffled order of features."""
    inputs, outputs = layer.weight.shape[1:]
    row_group = torch.empty(inputs, dtype=torch.long)
    row_group[rows] = torch.arange(inputs) // (inputs // groups)
    column_group = torch.empty(outputs, dtype=torch.long)
    column_group[columns] = torch.arange(outputs) // (outputs // groups)
    layer.weight.mul_(row_group[:, None] == column_group[None, :])


@pytest.mark.parametrize(
    ("groups", "changes", "message"),
    [
        (3, {}, "3 groups do not divide the model's hidden_size of 32"),
        (8, {}, "8 groups do not divide the model's num_attention_heads of 4"),
        (1, {}, "1 groups"),
        (2, {"model_type": "squeezebert", "q_groups": 2}, "grouped already"),
    ],
)
def test_what_cannot_be_grouped_is_refused(
    groups: int, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        regroup(dense(**changes), groups)
    with pytest.raises(ConfigError, match=message):
        cut_to_groups(dense(**changes), groups)
