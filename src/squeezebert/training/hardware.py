"""What the machine offers: processes, devices, number formats; and its random numbers."""

from __future__ import annotations

import random

import numpy as np
import torch
from accelerate import Accelerator, PartialState

from squeezebert.training.recipe import Precision


def processes() -> PartialState:
    """The processes that train together: those of ``torchrun`` or ``accelerate launch``, or one."""
    return PartialState(cpu=_only_cpu())


def accelerator() -> Accelerator:
    """The device and the processes; number formats are the loop's own affair, see
    :func:`uses_bf16`.
    """
    return Accelerator(cpu=_only_cpu(), mixed_precision="no")


def _only_cpu() -> bool:
    # Without an accelerator accelerate must be told so, or it looks for MPI.
    return not torch.accelerator.is_available()


def seed_everything(*seeds: int) -> None:
    """Seeds torch's, NumPy's and Python's global generators from a place in the run. This package
    draws from torch's alone; the others are for what it calls.
    """
    words = np.random.SeedSequence(seeds).generate_state(3)
    torch.manual_seed(int(words[0]))
    np.random.seed(int(words[1]))  # noqa: NPY002
    random.seed(int(words[2]))


def uses_bf16(precision: Precision, device: torch.device) -> bool:
    """Whether to compute in bf16. ``auto`` asks the hardware: a CPU with AVX-512 BF16 or AMX
    trains the mini models twice as fast with it; others emulate it slowly.
    """
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    # Not public in every version of torch that we support; without them: no bf16.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in checks)
