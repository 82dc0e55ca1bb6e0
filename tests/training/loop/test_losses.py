from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from squeezebert.config import EncoderConfig
from squeezebert.model import HeadConfig, LogitsOutput, build_model
from squeezebert.training.loop.batches import Batch
from squeezebert.training.loop.losses import loss_for, sentence_order_loss


class Fixed(nn.Module):
    """Answers with what it was given."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, **_: Tensor) -> Any:
        return self.answer


def batch(labels: Tensor, targets: int = 1, order: Tensor | None = None) -> Batch:
    return Batch(inputs={}, labels=labels, targets=targets, tokens=1, order=order)


def test_cross_entropy_sums_over_the_labels_that_count() -> None:
    logits = torch.randn(2, 3, 5)
    labels = torch.tensor([[1, -100, 2], [-100, -100, 4]])
    loss = loss_for("token_classification")(Fixed(LogitsOutput(logits)), batch(labels))
    chances = logits.log_softmax(-1)
    expected = -(chances[0, 0, 1] + chances[0, 2, 2] + chances[1, 2, 4])
    torch.testing.assert_close(loss, expected)


def test_an_o_that_may_be_more_is_any_of_them() -> None:
    logits = torch.randn(2, 2, 4)
    labels = torch.tensor([[0, 1], [0, -100]])
    unsaid = torch.tensor([[False, False, True, True], [False, False, False, False]])
    loss = loss_for("token_classification")(
        Fixed(LogitsOutput(logits)), dataclasses.replace(batch(labels), unsaid=unsaid)
    )
    chances = logits.softmax(-1)
    likely = [
        chances[0, 0, 0] + chances[0, 0, 2] + chances[0, 0, 3],  # O, or what nobody looked for
        chances[0, 1, 1],  # a tag is a tag
        chances[1, 0, 0],  # in a row whose annotators looked for everything O is O
    ]
    torch.testing.assert_close(loss, -torch.stack(likely).log().sum())


def test_soft_labels_stand_in_for_tags_where_there_are_any() -> None:
    logits = torch.randn(2, 2, 3)
    labels = torch.tensor([[0, 1], [2, -100]])
    soft = torch.full((2, 2, 3), torch.nan)
    soft[1] = torch.tensor([[0.2, 0.3, 0.5], [0.0, 0.0, 0.0]])
    loss = loss_for("token_classification")(
        Fixed(LogitsOutput(logits)), dataclasses.replace(batch(labels), soft=soft)
    )
    scores = logits.log_softmax(-1)
    expected = -(scores[0, 0, 0] + scores[0, 1, 1] + (soft[1, 0] * scores[1, 0]).sum())
    torch.testing.assert_close(loss, expected)


def test_soft_labels_of_texts_stand_in_for_classes_where_there_are_any() -> None:
    logits = torch.randn(2, 3)
    soft = torch.tensor([[torch.nan] * 3, [0.5, 0.25, 0.25]])
    loss = loss_for("text_classification")(
        Fixed(LogitsOutput(logits)),
        dataclasses.replace(batch(torch.tensor([2, 0])), soft=soft),
    )
    chances = logits.log_softmax(-1)
    torch.testing.assert_close(loss, -(chances[0, 2] + (soft[1] * chances[1]).sum()))


def test_nothing_to_predict_costs_nothing() -> None:
    logits = torch.randn(0, 5, requires_grad=True)
    loss = loss_for("masked_lm")(
        Fixed(LogitsOutput(logits)), batch(torch.zeros(0, dtype=torch.int64))
    )
    loss.backward()
    assert loss.item() == 0.0


def test_several_labels_and_numbers() -> None:
    logits = torch.randn(4, 3)
    labels = torch.tensor([[1.0, 0, 0], [0, 1, 1], [0, 0, 0], [1, 1, 1]])
    loss = loss_for("text_classification", "multi_label")
    expected = functional.binary_cross_entropy_with_logits(logits, labels) * 4
    torch.testing.assert_close(loss(Fixed(LogitsOutput(logits)), batch(labels)), expected)

    values = torch.tensor([0.5, 1.0, 2.0, 3.0])
    loss = loss_for("text_classification", "regression")
    expected = ((logits[:, 0] - values) ** 2).sum()
    found = loss(Fixed(LogitsOutput(logits[:, :1])), batch(values))
    torch.testing.assert_close(found, expected)


def test_sentence_order_weighs_as_much_as_masked_lm() -> None:
    logits, order_logits = torch.randn(6, 5), torch.randn(3, 2)
    labels, order = torch.tensor([1, 2, 3, 4, 0, 1]), torch.tensor([0, -100, 1])
    loss = sentence_order_loss(Fixed((logits, order_logits)), batch(labels, targets=6, order=order))
    expected = functional.cross_entropy(logits, labels) + functional.cross_entropy(
        order_logits[[0, 2]], order[[0, 2]]
    )
    torch.testing.assert_close(loss / 6, expected)


@pytest.mark.parametrize("rows", [(4,), (1, 3), (2, 2)])
def test_any_division_of_a_step_has_one_gradient(
    rows: tuple[int, ...], tiny_config: EncoderConfig
) -> None:
    torch.manual_seed(0)
    head = HeadConfig(kind="token_classification", labels=("O", "B-A", "I-A"))
    model = build_model(tiny_config, head)
    ids = torch.randint(5, tiny_config.vocab_size, (4, 7))
    labels = torch.randint(0, 3, (4, 7))
    labels[torch.rand(4, 7) < 0.4] = -100
    loss = loss_for("token_classification")
    total = int((labels != -100).sum())
    start = 0
    for size in rows:
        part = slice(start, start + size)
        made = Batch(inputs={"input_ids": ids[part]}, labels=labels[part], targets=0, tokens=0)
        (loss(model, made) / total).backward()
        start += size
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    logits = model(ids).logits
    functional.cross_entropy(logits.flatten(0, 1), labels.flatten()).backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(found[name], parameter.grad, atol=1e-6, rtol=1e-4)
