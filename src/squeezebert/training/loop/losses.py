"""Losses, one a task: sums over the targets, so that the loop can average over a whole step.

Dividing by the number of targets of all passes and processes together makes a step with
accumulation equal to one with a larger batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    log_softmax,
    mse_loss,
)

from squeezebert.tasks.base import IGNORE_INDEX, ProblemType, TaskName
from squeezebert.training.loop.batches import Batch

Loss = Callable[[Callable[..., Any], Batch], Tensor]
"""From a model, or what is called like one, and a batch to the summed loss."""

OUTSIDE = 0
"""The label of a word outside all entities: the first one, in :mod:`datasets`."""


def loss_for(task: TaskName, problem_type: ProblemType = "single_label") -> Loss:
    """The loss of a task."""
    if task == "text_classification" and problem_type == "multi_label":
        return multi_label_loss
    if task == "text_classification" and problem_type == "regression":
        return regression_loss
    if task == "token_classification":
        return tag_loss
    return cross_entropy_loss


def cross_entropy_loss(model: Callable[..., Any], batch: Batch) -> Tensor:
    """Cross entropy summed over the labels that are not ``IGNORE_INDEX``, or to a teacher's
    probabilities in rows that have them. Labels are (B,), (B, S) or, for masked LM, (n,): one for
    each of the inputs' ``positions``.
    """
    logits: Tensor = model(**batch.inputs).logits
    if batch.soft is None:
        return _cross_entropy(logits, batch.labels)
    scores = log_softmax(logits.float(), dim=-1)
    right = scores.gather(1, batch.labels[:, None])[:, 0]
    return -_taught(right, scores, batch.soft).sum()


def tag_loss(model: Callable[..., Any], batch: Batch) -> Tensor:
    """Cross entropy over tags: to the annotated one; to a teacher's probabilities in rows that have
    them; and where an ``O`` leaves several open, minus the logarithm of what those get together.
    """
    logits: Tensor = model(**batch.inputs).logits
    if batch.unsaid is None and batch.soft is None:
        return _cross_entropy(logits, batch.labels)
    known = batch.labels != IGNORE_INDEX
    labels, scores = batch.labels[known], log_softmax(logits[known].float(), dim=-1)
    right = scores.gather(1, labels[:, None])[:, 0]
    if batch.unsaid is not None:
        open_ = batch.unsaid[:, None].expand_as(logits)[known]
        open_ = open_.scatter(1, labels[:, None], value=True)
        together = scores.masked_fill(~open_, -torch.inf).logsumexp(dim=-1)
        right = torch.where(labels == OUTSIDE, together, right)
    if batch.soft is not None:
        right = _taught(right, scores, batch.soft[known])
    return -right.sum()


def multi_label_loss(model: Callable[..., Any], batch: Batch) -> Tensor:
    """Binary cross entropy over labels (B, classes), averaged over the classes."""
    logits: Tensor = model(**batch.inputs).logits
    each = binary_cross_entropy_with_logits(logits.float(), batch.labels, reduction="none")
    return each.mean(dim=-1).sum()


def regression_loss(model: Callable[..., Any], batch: Batch) -> Tensor:
    """Squared error over labels (B,)."""
    logits: Tensor = model(**batch.inputs).logits
    return mse_loss(logits.squeeze(-1).float(), batch.labels, reduction="sum")


def sentence_order_loss(model: Callable[..., Any], batch: Batch) -> Tensor:
    """Masked LM plus sentence order (Lan et al. 2020): the sum of their means, as a sum over the
    masked tokens. ``model`` gives the two logits.
    """
    assert batch.order is not None
    logits, order_logits = model(**batch.inputs)
    known = torch.count_nonzero(batch.order != IGNORE_INDEX).clamp(min=1)
    order = _cross_entropy(order_logits, batch.order) / known
    return _cross_entropy(logits, batch.labels) + order * batch.targets


def _taught(
    right: Float[Tensor, " n"], scores: Float[Tensor, "n labels"], soft: Float[Tensor, "n labels"]
) -> Float[Tensor, " n"]:
    """``right``, and where there is a teacher the mean of ``scores`` under its probabilities."""
    return torch.where(soft[:, 0].isnan(), right, (soft.nan_to_num() * scores).sum(dim=-1))


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(
        logits.flatten(0, -2).float(),
        labels.flatten(),
        ignore_index=IGNORE_INDEX,
        reduction="sum",
    )
