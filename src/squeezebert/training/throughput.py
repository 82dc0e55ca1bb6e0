"""How fast a run goes: tokens a second, and how much of the hardware's peak that is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator

import torch

TRAINING_FACTOR = 3
"""A backward pass multiplies each matrix twice: by gradients of outputs, and by inputs."""


class Throughput:
    """Tokens a second and model FLOP utilisation since the last reading.

    Model FLOP utilisation (MFU) is the rate of the operations that the model needs, forward and
    backward, by the hardware's peak (Chowdhery et al. 2022, appendix B). What an implementation
    computes beside that, such as activations a second time, does not count.

    Args:
        flops_per_token: Of the forward pass; 0 where it is not known: no utilisation then.
        peak: FLOP/s of all processes' hardware together.
        tokens: Tokens seen before.
    """

    def __init__(self, *, flops_per_token: float, peak: float, tokens: int) -> None:
        self._flops_per_token = TRAINING_FACTOR * flops_per_token
        self._peak = peak
        self._tokens = tokens
        self._since = time.monotonic()

    @contextlib.contextmanager
    def paused(self) -> Generator[None, None, None]:
        """Leaves out the time of evaluations and checkpoints."""
        if torch.accelerator.is_available():  # which may still have training to do
            torch.accelerator.synchronize()
        begun = time.monotonic()
        yield
        self._since += time.monotonic() - begun

    def read(self, tokens: int) -> dict[str, float]:
        """``tokens_per_second``, and ``mfu`` in [0, 1] where it is known, since the last call.

        Args:
            tokens: Tokens seen by now.
        """
        now = time.monotonic()
        speed = (tokens - self._tokens) / max(now - self._since, 1e-9)
        self._tokens, self._since = tokens, now
        values = {"tokens_per_second": _significant(speed)}
        if self._flops_per_token and self._peak:
            values["mfu"] = _significant(speed * self._flops_per_token / self._peak)
        return values


def _significant(value: float) -> float:
    """Six digits from the first that counts. By decimal places, the small share that a tiny model
    has of a fast machine would be 0.

    >>> _significant(0.0000123456789), _significant(1234567.8)
    (1.23457e-05, 1234570.0)
    """
    return float(f"{value:.6g}")
