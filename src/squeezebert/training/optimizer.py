"""AdamW and the learning rate, the latter a pure function of how much of the run is done."""

from __future__ import annotations

import math

from torch import nn
from torch.optim import AdamW

from squeezebert.training.recipe import OptimizerRecipe


def build_optimizer(model: nn.Module, recipe: OptimizerRecipe) -> AdamW:
    """AdamW over what is trainable; biases and LayerNorms are not decayed."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {
            "params": [p for p in trainable if p.ndim >= 2],
            "weight_decay": recipe.weight_decay,
        },
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    return AdamW(
        [group for group in groups if group["params"]],
        lr=recipe.learning_rate,
        betas=(recipe.beta1, recipe.beta2),
        eps=recipe.epsilon,
        fused=all(p.device.type in ("cpu", "cuda") for p in trainable),
    )


def learning_rate(done: float, recipe: OptimizerRecipe) -> float:
    """The rate when the share ``done`` in [0, 1] of the run lies behind.

    >>> recipe = OptimizerRecipe(learning_rate=1.0, warmup=0.1, schedule="linear")
    >>> [round(learning_rate(done, recipe), 3) for done in (0.0, 0.05, 0.1, 0.55, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if done < recipe.warmup:
        return recipe.learning_rate * done / recipe.warmup
    rest = min((done - recipe.warmup) / (1.0 - recipe.warmup), 1.0)
    match recipe.schedule:
        case "constant":
            share = 1.0
        case "linear":
            share = 1.0 - rest
        case "cosine":
            share = 0.5 * (1.0 + math.cos(math.pi * rest))
    return recipe.learning_rate * (recipe.final + (1.0 - recipe.final) * share)
