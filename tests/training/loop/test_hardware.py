from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from squeezebert.training.loop.hardware import (
    data_sheet_peak,
    peak_flops,
    seed_everything,
    uses_bf16,
)


def draws() -> tuple[float, float, float]:
    return torch.rand(1).item(), float(np.random.rand()), random.random()  # noqa: NPY002


def test_all_generators_are_seeded_by_the_place() -> None:
    seed_everything(1, 2, 3)
    first = draws()
    seed_everything(1, 2, 4)
    second = draws()
    seed_everything(1, 2, 3)
    assert draws() == first
    assert all(a != b for a, b in zip(first, second, strict=True))


def test_precision_is_the_recipe_s_unless_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    assert uses_bf16("bf16", cpu)
    assert not uses_bf16("float32", cpu)
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False)
    assert not uses_bf16("auto", cpu)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert uses_bf16("auto", cpu)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert not uses_bf16("auto", cpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert uses_bf16("auto", torch.device("cuda"))


def test_a_peak_is_measured_without_touching_the_generators() -> None:
    seed_everything(1)
    before = torch.get_rng_state()
    threads = torch.get_num_threads()
    for bf16 in (False, True):
        # Between a tenth of a GFLOP/s and a PFLOP/s lies every CPU.
        assert 1e8 < peak_flops(torch.device("cpu"), bf16=bf16) < 1e15
    assert torch.get_rng_state().equal(before)
    assert torch.get_num_threads() == threads


def test_peaks_of_data_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {
        "NVIDIA H200": 989e12,
        "NVIDIA H100 80GB HBM3": 989e12,
        "NVIDIA H100 PCIe": 756e12,
        "NVIDIA A100-SXM4-80GB": 312e12,
        "NVIDIA L40S": 362e12,
        "NVIDIA L4": 121e12,
        "NVIDIA L40": None,
        "NVIDIA GeForce RTX 4090": None,
    }
    assert {name: data_sheet_peak(name) for name in names} == names
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H200")
    assert peak_flops(torch.device("cuda"), bf16=True) == 989e12
