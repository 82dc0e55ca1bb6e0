"""Quantization-aware training: the last part of a run goes through the engine's int8 rounding.

What the engine does in int8 is done here in floating point, with gradients passed straight through
(Bengio et al. 2013; Jacob et al. 2018): each output's weights on one scale, max|w| / 127, and each
token's inputs, of a group or a slice of one, on theirs. Products then sum what the engine sums, so
what int8 would lose is trained away.

Weights stay float32 throughout; nothing of this is left in the model when the run is over.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from squeezebert.model import Encoder
from squeezebert.model.grouped_linear import GroupedLinear

WIDEST_SLICE, ALIGNMENT = 1024, 64
"""Inputs of a group that share a scale are at most so many; where they are divided, into parts that
are multiples of the other number. As ``count_slices`` of
``native/engine/packed_projection.cpp`` has it."""

LEVELS = 127


class Int8Rounding:
    """Switches an encoder's block projections between floating point and rounded.

    It is on from the start, for evaluations: :meth:`train_from` says which steps of training see
    it, so that scores before and after compare.

    Args:
        encoder: Whose projections are wrapped, in place, until :meth:`remove`.
        start: The share of the run from which training goes through the rounding.
    """

    def __init__(self, encoder: Encoder, start: float) -> None:
        self._start = start
        self._on = True
        self._layers = [m for m in encoder.blocks.modules() if isinstance(m, GroupedLinear)]
        self._hooks = [
            layer.register_forward_pre_hook(self._round_inputs) for layer in self._layers
        ]
        for layer in self._layers:
            parametrize.register_parametrization(layer, "weight", _Weights(self))

    @property
    def on(self) -> bool:
        """Whether what is computed now is rounded."""
        return self._on

    def step(self, done: float) -> None:
        """Before a step of training, with the share ``done`` of the run behind."""
        self._on = done >= self._start

    def evaluate(self) -> None:
        """Before an evaluation."""
        self._on = True

    def remove(self) -> None:
        """Leaves the encoder with its own weights, as if this had never been."""
        for hook in self._hooks:
            hook.remove()
        for layer in self._layers:
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)

    def _round_inputs(self, layer: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
        if not self._on:
            return None
        assert isinstance(layer, GroupedLinear)
        [x] = inputs
        return (round_activations(x, layer.groups * slices(x.shape[-1] // layer.groups)),)


class _Weights(nn.Module):
    def __init__(self, rounding: Int8Rounding) -> None:
        super().__init__()
        self._rounding = rounding

    def forward(self, weight: Tensor) -> Tensor:
        return round_weights(weight) if self._rounding.on else weight


def slices(inputs: int) -> int:
    """Into how many parts of one scale each the engine divides ``inputs`` of a group.

    >>> slices(768), slices(3072)
    (1, 3)
    """
    if inputs <= WIDEST_SLICE:
        return 1
    parts = range(2, inputs // ALIGNMENT + 1)
    fitting = (n for n in parts if inputs / n <= WIDEST_SLICE and inputs % (n * ALIGNMENT) == 0)
    return next(fitting, 1)


def round_weights(weight: Float[Tensor, "groups i o"]) -> Float[Tensor, "groups i o"]:
    """As the engine keeps them: one scale an output."""
    return _rounded(weight, weight.detach().abs().amax(dim=1, keepdim=True))


def round_activations(x: Float[Tensor, "*axes H"], parts: int) -> Float[Tensor, "*axes H"]:
    """As the engine multiplies them: one scale for each of a token's ``parts``."""
    divided = x.unflatten(-1, (parts, -1))
    return _rounded(divided, divided.detach().abs().amax(dim=-1, keepdim=True)).flatten(-2)


def _rounded(x: Tensor, top: Tensor) -> Tensor:
    scale = top.float().clamp(min=torch.finfo(torch.float32).tiny) / LEVELS
    rounded = ((x.detach().float() / scale).round() * scale).to(x.dtype)
    return x + (rounded - x.detach())


@contextmanager
def rounding(encoder: Encoder, start: float) -> Generator[Sequence[Int8Rounding]]:
    """What is gradual about a run with this ``loop.int8_from``: nothing where it is 1."""
    if start >= 1.0:
        yield ()
        return
    switched = Int8Rounding(encoder, start)
    try:
        yield (switched,)
    finally:
        switched.remove()
