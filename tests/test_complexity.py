"""Counts from the shape alone against what the models really hold."""

from __future__ import annotations

import pytest

from squeezebert.complexity import HeadShape, count
from squeezebert.config import BERT_BASE, PRESETS, SQUEEZEBERT_BASE, EncoderConfig
from squeezebert.errors import InvalidInputError


def test_the_papers_figures() -> None:
    squeeze, bert = count(SQUEEZEBERT_BASE, tokens=128), count(BERT_BASE, tokens=128)
    assert round(squeeze.parameters / 1e6, 1) == 51.1
    assert round(bert.parameters / 1e6, 1) == 109.5
    assert round(squeeze.gflop, 1) == 7.4
    assert round(bert.gflop, 1) == 22.4
    assert round(bert.gflop / squeeze.gflop, 1) == 3.0


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("masked_lm", ()),
        ("text_classification", ("a", "b", "c")),
        ("token_classification", ("O", "B-X", "I-X")),
        ("question_answering", ()),
        ("multiple_choice", ()),
    ],
)
def test_parameters_are_those_of_the_model(name: str, kind: str, labels: tuple[str, ...]) -> None:
    import torch

    from squeezebert.model import HeadConfig, build_model

    with torch.device("meta"):
        model = build_model(PRESETS[name], HeadConfig(kind=kind, labels=labels))  # pyright: ignore
    cost = count(PRESETS[name], HeadShape(kind=kind, outputs=len(labels)))
    assert cost.parameters == model.num_parameters


def test_operations_are_those_that_torch_counts(tiny_config: EncoderConfig) -> None:
    """torch's counter takes the products only, so the biases' share is the whole difference."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from squeezebert.model import Encoder

    tokens = 24
    encoder = Encoder(tiny_config).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        # With probabilities asked for, attention is written out and so counted.
        encoder(torch.zeros(1, tokens, dtype=torch.long), output_attentions=True)
    cost = count(tiny_config, tokens=tokens)
    biases = (
        sum(outer * tokens for _, outer, _ in tiny_config.projection_sizes().values())
        * tiny_config.num_hidden_layers
        + tiny_config.hidden_size
    )
    assert counter.get_total_flops() == 2 * (cost.multiply_adds - biases)


def test_kinds_add_up_and_bert_has_nothing_grouped() -> None:
    squeeze, bert = count(SQUEEZEBERT_BASE), count(BERT_BASE)
    for cost in (squeeze, bert):
        assert sum(parameters for parameters, _ in cost.by_kind().values()) == cost.parameters
        assert sum(products for _, products in cost.by_kind().values()) == cost.multiply_adds
    assert "grouped" in squeeze.by_kind()
    assert "grouped" not in bert.by_kind()


def test_masked_lm_answers_only_for_the_wanted_positions() -> None:
    head = HeadShape(kind="masked_lm")
    few, all_of_them = count(BERT_BASE, head, positions=3), count(BERT_BASE, head)
    assert few.parameters == all_of_them.parameters
    decoders = [c.by_kind()["head"][1] for c in (few, all_of_them)]
    assert decoders[0] * 128 == decoders[1] * 3


@pytest.mark.parametrize("tokens", [0, 513])
def test_impossible_lengths_are_refused(tokens: int) -> None:
    with pytest.raises(InvalidInputError, match="expected 1 to 512"):
        count(BERT_BASE, tokens=tokens)


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no head is called 'summary'"):
        count(BERT_BASE, HeadShape(kind="summary"))
