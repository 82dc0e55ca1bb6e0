"""What the machine offers: processes, devices, number formats, peaks; and its random numbers."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import broadcast_object_list

from squeezebert.errors import ConfigError
from squeezebert.training.recipe.run import Precision

Found = TypeVar("Found")

BF16_PEAKS = {
    "B200": 2250e12,
    "GH200": 989e12,
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "A100": 312e12,
    "A30": 165e12,
    "L40S": 362e12,
    "L4": 121e12,
}
"""FLOP/s of GPUs in dense bf16 products, by a part of their names, from NVIDIA's data sheets."""

PEAK_SECONDS = 0.2
"""How long a peak is measured where it is not known."""

PEAK_PRODUCTS = 5
"""At least, however long the first one takes: it builds its kernel, or waits for a busy core."""


def processes() -> PartialState:
    """The processes that train together: those of ``torchrun`` or ``accelerate launch``, or one.

    Raises:
        ConfigError: ``accelerate launch`` was asked for several and started one.
    """
    found = PartialState(cpu=_only_cpu())
    # What `accelerate launch` sets, and sets for several processes alone. Where it takes neither
    # torchrun nor MPI it goes on with one, and says nothing.
    if found.num_processes == 1 and {"ACCELERATE_DYNAMO_BACKEND", "MASTER_ADDR"} <= {*os.environ}:
        raise ConfigError(
            "accelerate launch was asked for several processes, but started one",
            hint="start several with torchrun's nproc_per_node, or with accelerate launch's "
            "multi_gpu, which takes torchrun on a CPU as well; for one process unset MASTER_ADDR",
        )
    return found


def in_main_process(function: Callable[[], Found]) -> Found:
    """What ``function`` gives in the main process, or raises there, in all of them."""
    found: list[Any] = [None, None]
    if processes().is_main_process:
        try:
            found[0] = function()
        except Exception as error:  # noqa: BLE001 - raised again below, everywhere
            found[1] = error
    if processes().num_processes > 1:
        broadcast_object_list(found)
    if found[1] is not None:
        raise found[1]
    return found[0]


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


def peak_flops(device: torch.device, *, bf16: bool) -> float:
    """FLOP/s that matrix products can reach on ``device``: from a data sheet for known GPUs in
    bf16, else the best of a few large products.

    Args:
        device: Where to compute; on a CPU with as many threads as torch is set to.
        bf16: In bf16 or in float32.
    """
    if device.type == "cuda" and bf16:
        known = data_sheet_peak(torch.cuda.get_device_name(device))
        if known is not None:
            return known
    size = 1024 if device.type == "cpu" else 8192
    kind = torch.bfloat16 if bf16 else torch.float32
    # Not by the global generator, which the run is seeded by; a fixed pattern without zeros.
    a = (torch.arange(size * size, device=device) % 251 + 1).view(size, size).to(kind)
    best, products = float("inf"), 0
    begun = time.perf_counter()
    while products < PEAK_PRODUCTS or time.perf_counter() - begun < PEAK_SECONDS:
        products += 1
        before = time.perf_counter()
        torch.mm(a, a)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - before)
    return 2 * size**3 / best


def data_sheet_peak(name: str) -> float | None:
    """FLOP/s in dense bf16 of the GPU called ``name``, or None where no data sheet is known.

    >>> data_sheet_peak("NVIDIA H100 80GB HBM3"), data_sheet_peak("NVIDIA A10")
    (989000000000000.0, None)
    """
    words = name.replace("-", " ").split()
    for part, flops in BF16_PEAKS.items():
        wanted = part.split()
        if any(words[at : at + len(wanted)] == wanted for at in range(len(words))):
            return flops
    return None
