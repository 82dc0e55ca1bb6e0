from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from squeezebert.training.hardware import seed_everything, uses_bf16


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
