"""Dropout from few random numbers."""

from __future__ import annotations

import pytest
import torch

from squeezebert.model.dropout import Dropout, dropout


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_share_and_scale(probability: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    y = dropout(torch.ones(1000, 333, dtype=dtype), probability)
    assert y.dtype == dtype
    dropped = (y == 0).double().mean().item()
    # Five standard deviations of the share among that many elements.
    assert dropped == pytest.approx(
        probability, abs=5 * (probability * (1 - probability) / y.numel()) ** 0.5
    )
    kept = y[y != 0].double()
    assert kept.unique().numel() == 1
    assert kept[0].item() == pytest.approx(1 / (1 - probability), rel=1e-2)


def test_neighbors_are_independent() -> None:
    # Four elements share one draw.
    torch.manual_seed(0)
    kept = (dropout(torch.ones(200_000, 4), 0.5) != 0).double()
    assert (torch.corrcoef(kept.T) - torch.eye(4)).abs().max() < 0.012


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (0, 4)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    assert dropout(torch.ones(shape), 0.1).shape == shape


def test_the_gradient_goes_where_the_values_went() -> None:
    x = torch.randn(50, 50, requires_grad=True)
    y = dropout(x, 0.3)
    y.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad * x.detach(), y.detach())


def test_seeded() -> None:
    x = torch.ones(100)
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(dropout(x, 0.5))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_nothing_to_drop() -> None:
    x = torch.randn(5)
    assert dropout(x, 0.0) is x
    assert Dropout(0.5).eval()(x) is x
    assert (dropout(x, 1.0) == 0).all()
