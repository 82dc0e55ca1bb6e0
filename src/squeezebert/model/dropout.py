"""Dropout at the price of few random numbers: half the time of ``torch``'s on a CPU.

``torch`` draws one number an element there, one after another: a quarter of a model's forward and
backward pass (docs/log.md). Here one draw of 64 bits decides about four elements.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_LEVELS = 1 << 16


def dropout(x: Tensor, probability: float) -> Tensor:
    """``x`` with elements zeroed at random and the others scaled up, as in training.

    On a CPU the probability is rounded to 1/65536. GPUs take ``torch``'s own.

    Args:
        x: Of any shape.
        probability: Of an element to be zeroed, in [0, 1).

    >>> _ = torch.manual_seed(0)
    >>> y = dropout(torch.ones(1000), 0.25)
    >>> [round(value, 2) for value in y.unique().tolist()]
    [0.0, 1.33]
    """
    dropped = round(probability * _LEVELS)
    if x.device.type != "cpu" or dropped == _LEVELS:
        return nn.functional.dropout(x, probability)
    if not dropped:
        return x
    draws = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(1 << 63), None)
    levels = draws.view(torch.int16)[: x.numel()].view(x.shape)
    kept = levels >= dropped - _LEVELS // 2
    return x * kept.to(x.dtype).mul_(_LEVELS / (_LEVELS - dropped))


class Dropout(nn.Dropout):
    """``torch.nn.Dropout`` by :func:`dropout`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the base class names it so
        """``input`` as it is outside training."""
        return dropout(input, self.p) if self.training else input
