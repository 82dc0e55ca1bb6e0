"""GroupedLinear is a 1×1 grouped convolution and a block-diagonal dense layer, gradients too."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from squeezebert.errors import ConfigError
from squeezebert.model import GroupedLinear

SIZES = [(12, 24, 1), (12, 24, 2), (12, 24, 3), (12, 12, 4), (24, 12, 12)]
sizes = pytest.mark.parametrize(("in_features", "out_features", "groups"), SIZES)
modes = pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])


def gradients(layer: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The output, and the gradient of an uneven function of it with respect to the input."""
    x = x.clone().requires_grad_()
    y = layer(x)
    (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
    assert x.grad is not None
    return y.detach(), x.grad


@sizes
@modes
def test_equals_a_grouped_convolution(
    in_features: int, out_features: int, groups: int, training: bool
) -> None:
    ours = GroupedLinear(in_features, out_features, groups).double().train(training)
    conv = nn.Conv1d(in_features, out_features, kernel_size=1, groups=groups).double()
    with torch.no_grad():
        # (groups, in, out) to (groups * out, in, 1)
        conv.weight.copy_(ours.weight.transpose(1, 2).reshape(out_features, -1, 1))
        conv.bias.copy_(ours.bias)

    class FeaturesLast(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return conv(x.transpose(1, 2)).transpose(1, 2)

    x = torch.randn(3, 5, in_features, dtype=torch.float64)
    for got, expected in zip(gradients(ours, x), gradients(FeaturesLast(), x), strict=True):
        torch.testing.assert_close(got, expected)
    assert ours.weight.grad is not None
    torch.testing.assert_close(
        ours.weight.grad.transpose(1, 2).reshape(out_features, -1, 1), conv.weight.grad
    )
    torch.testing.assert_close(ours.bias.grad, conv.bias.grad)


@sizes
@modes
def test_equals_a_block_diagonal_dense_layer(
    in_features: int, out_features: int, groups: int, training: bool
) -> None:
    ours = GroupedLinear(in_features, out_features, groups).double().train(training)
    dense = ours.to_dense().double()
    x = torch.randn(7, in_features, dtype=torch.float64)
    for got, expected in zip(gradients(ours, x), gradients(dense, x), strict=True):
        torch.testing.assert_close(got, expected)
    assert dense.weight.grad is not None
    height, width = out_features // groups, in_features // groups
    for group in range(groups):
        block = dense.weight.grad[
            group * height : (group + 1) * height, group * width : (group + 1) * width
        ]
        torch.testing.assert_close(ours.weight.grad[group].T, block)
    outside = torch.block_diag(*([torch.ones(height, width)] * groups)) == 0
    assert torch.all(dense.weight[outside] == 0)


@pytest.mark.parametrize("shape", [(0, 12), (12,), (2, 3, 4, 12)])
@modes
def test_any_leading_axes(shape: tuple[int, ...], training: bool) -> None:
    layer = GroupedLinear(12, 8, 4).train(training)
    assert layer(torch.randn(shape)).shape == (*shape[:-1], 8)


@pytest.mark.parametrize("groups", [0, 5, 8])
def test_groups_must_divide_both_widths(groups: int) -> None:
    with pytest.raises(ConfigError, match=f"{groups} groups do not divide"):
        GroupedLinear(12, 8, groups)
