"""Optimizers from libraries, and the learning rate, a pure function of how much of the run is done.

AdamW (Loshchilov & Hutter 2019) is torch's own. LAMB (You et al. 2020) and Muon (Jordan et al.
2024) are pytorch-optimizer's, whose Muon orthogonalises all matrices of one shape together.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from squeezebert.errors import CheckpointError, ConfigError, MissingDependencyError
from squeezebert.model.grouped_linear import GroupedLinear
from squeezebert.training.recipe.run import OptimizerRecipe

ONE_CYCLE_START = 1 / 25
"""The first rate of ``one_cycle`` as a share of the peak, as in ``torch``'s ``OneCycleLR``."""


@dataclass(frozen=True, eq=False)
class _Slice:
    """One matrix of a grouped layer's weight, as a parameter of its own that shares its memory.

    Muon orthogonalises matrices; a grouped weight is a stack (groups, in, out) of them.
    """

    weight: nn.Parameter
    index: int
    matrix: nn.Parameter

    def refresh(self) -> None:
        """Looks at the weight and its gradient where they are now."""
        self.matrix.data = self.weight.data[self.index]
        self.matrix.grad = None if self.weight.grad is None else self.weight.grad[self.index]


class RunOptimizer:
    """The optimizer of a run: one of ``torch``'s kind, or two that share the parameters.

    Biases and LayerNorms are not decayed.

    Args:
        model: What is trained; parameters that want no gradient are left out.
        recipe: Which optimizer, and its settings.

    Raises:
        ConfigError: Muon for a model without a matrix for it.
        MissingDependencyError: LAMB or Muon without pytorch-optimizer.

    >>> model = GroupedLinear(8, 8, groups=2)
    >>> optimizer = RunOptimizer(model, OptimizerRecipe(learning_rate=0.1, weight_decay=0.0))
    >>> model(torch.ones(1, 8)).sum().backward()
    >>> before = model.bias.clone()
    >>> optimizer.step(0.5)  # at half the peak rate
    >>> bool(torch.allclose(before - model.bias, torch.tensor(0.05)))
    True
    """

    def __init__(self, model: nn.Module, recipe: OptimizerRecipe) -> None:
        self._named = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._slices: list[_Slice] = []
        # What the optimizers know each tensor by, named as checkpoints name its moments.
        self._known: dict[str, tuple[Optimizer, nn.Parameter]] = {}
        self.optimizers = self._build(model, recipe)

    def _build(self, model: nn.Module, recipe: OptimizerRecipe) -> list[Optimizer]:
        match recipe.name:
            case "adamw":
                optimizers = [_adamw(self._named.values(), recipe)]
            case "lamb":
                optimizers = [_lamb(self._named.values(), recipe)]
            case "muon":
                stacks = _grouped_weights(model)
                self._slices = [
                    _Slice(p, index, nn.Parameter(p.detach()[index]))
                    for p in self._named.values()
                    if p in stacks
                    for index in range(len(p))
                ]
                rest = [p for p in self._named.values() if p not in stacks]
                optimizers = [_muon([piece.matrix for piece in self._slices], recipe)]
                if rest:
                    optimizers.append(_adamw(rest, recipe))
        last = optimizers[-1]
        cut = {piece.weight for piece in self._slices}
        names = {parameter: name for name, parameter in self._named.items()}
        for piece in self._slices:
            name = f"{names[piece.weight]}/{piece.index}"
            self._known[name] = (optimizers[0], piece.matrix)
        for name, parameter in self._named.items():
            if parameter not in cut:
                self._known[name] = (last, parameter)
        return optimizers

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The parameter groups of all optimizers; ``"peak"`` is the rate that a step scales."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def step(self, share: float) -> None:
        """One step at ``share`` of the peak rates; gradients are let go afterwards."""
        for piece in self._slices:
            piece.refresh()
        for group in self.groups:
            group["lr"] = share * group["peak"]
        for optimizer in self.optimizers:
            optimizer.step()
        for piece in self._slices:
            piece.matrix.grad = None
        for parameter in self._named.values():
            parameter.grad = None

    # Moments

    def moments(self) -> dict[str, Tensor]:
        """All that the next step depends on beside weights and gradients, by name:
        ``<parameter>/<moment>``, with Muon ``<parameter>/<group>/<moment>``.
        """
        tensors: dict[str, Tensor] = {}
        for name, (optimizer, parameter) in self._known.items():
            for moment, value in optimizer.state.get(parameter, {}).items():
                # Scalars may be views of one tensor, which safetensors refuses.
                tensors[f"{name}/{moment}"] = value if value.ndim else value.clone()
        for index, group in enumerate(self.groups):
            if "step" in group:  # LAMB and Muon count by group
                tensors[f"groups/{index}/step"] = torch.tensor(group["step"])
        return tensors

    def restore(self, moments: Mapping[str, Tensor]) -> None:
        """Takes back what :meth:`moments` gave.

        Raises:
            CheckpointError: moments of another model or optimizer.
        """
        for key, value in moments.items():
            name, moment = key.rsplit("/", 1)
            if name.startswith("groups/"):
                self.groups[int(name.removeprefix("groups/"))]["step"] = int(value)
                continue
            if name not in self._known:
                raise CheckpointError(
                    f"the checkpoint has moments of {name!r}, which the model has not",
                    hint="start again in another output directory",
                )
            optimizer, parameter = self._known[name]
            # Own memory where and as the optimizer would have made it.
            if value.ndim:
                own = torch.empty_like(parameter, memory_format=torch.contiguous_format)
            else:
                fused = optimizer.defaults.get("fused")
                own = torch.empty((), device=parameter.device if fused else value.device)
            optimizer.state[parameter][moment] = own.copy_(value)


def _decayed(parameters: Iterable[nn.Parameter], recipe: OptimizerRecipe) -> list[dict[str, Any]]:
    """Two parameter groups: matrices with decay, the rest without."""
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for parameter in parameters:
        groups[parameter.ndim >= 2].append(parameter)
    return [
        {
            "params": members,
            "weight_decay": recipe.weight_decay if is_matrix else 0.0,
            "peak": recipe.learning_rate,
        }
        for is_matrix, members in groups.items()
        if members
    ]


def _adamw(parameters: Iterable[nn.Parameter], recipe: OptimizerRecipe) -> Optimizer:
    parameters = list(parameters)
    return AdamW(
        _decayed(parameters, recipe),
        lr=recipe.learning_rate,
        betas=(recipe.beta1, recipe.beta2),
        eps=recipe.epsilon,
        fused=all(p.device.type in ("cpu", "cuda") for p in parameters),
    )


def _lamb(parameters: Iterable[nn.Parameter], recipe: OptimizerRecipe) -> Optimizer:
    return _library("LAMB").Lamb(
        _decayed(parameters, recipe),
        lr=recipe.learning_rate,
        betas=(recipe.beta1, recipe.beta2),
        eps=recipe.epsilon,
        # The decay is part of the update that the trust ratio scales (algorithm 2 of the paper).
        weight_decouple=False,
        # The trust ratio sets the length of a step: without this the library would multiply the
        # first ones by 1 / (1 - beta1).
        adam_debias=True,
    )


def _muon(matrices: Iterable[nn.Parameter], recipe: OptimizerRecipe) -> Optimizer:
    matrices = list(matrices)
    if not matrices:
        raise ConfigError(
            "optimizer.name is 'muon', but none of the blocks' matrices is trained",
            hint="take 'adamw'",
        )
    peak = recipe.muon_learning_rate or recipe.learning_rate
    group = {"params": matrices, "peak": peak, "use_muon": True}
    return _library("Muon").Muon(
        [group],
        lr=peak,
        weight_decay=recipe.weight_decay,
        momentum=recipe.momentum,
        # Updates as large as AdamW's (Liu et al. 2025, section 2.2), so that one rate suits both.
        use_adjusted_lr=True,
    )


def _library(name: str) -> Any:
    if importlib.util.find_spec("pytorch_optimizer") is None:
        raise MissingDependencyError.for_extra("pytorch-optimizer", "optimizers", name)
    import pytorch_optimizer

    return pytorch_optimizer


def _grouped_weights(model: nn.Module) -> set[nn.Parameter]:
    """The weights of the grouped layers of ``model``: all matrices of its blocks."""
    return {
        parameter
        for module in model.modules()
        if isinstance(module, GroupedLinear)
        for parameter in module.parameters(recurse=False)
        if parameter.ndim == 3
    }


def rate_share(done: float, recipe: OptimizerRecipe) -> float:
    """The learning rate as a share of its peak, when the share ``done`` in [0, 1] of the run lies
    behind.

    ``trapezoid`` is warm-up, constant and cool-down (Zhai et al. 2022; Hu et al. 2024);
    ``one_cycle`` rises and falls as cosines (Smith & Topin 2018, as ``torch``'s ``OneCycleLR``).

    >>> recipe = OptimizerRecipe(warmup=0.1, schedule="trapezoid", cooldown=0.2)
    >>> [round(rate_share(done, recipe), 3) for done in (0.0, 0.05, 0.1, 0.8, 0.9, 1.0)]
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
    """
    if done < recipe.warmup:
        risen = done / recipe.warmup
        if recipe.schedule == "one_cycle":
            return _cosine(ONE_CYCLE_START, 1.0, risen)
        return risen
    rest = min((done - recipe.warmup) / (1.0 - recipe.warmup), 1.0)
    match recipe.schedule:
        case "constant":
            return 1.0
        case "linear":
            return recipe.final + (1.0 - recipe.final) * (1.0 - rest)
        case "cosine" | "one_cycle":
            return _cosine(1.0, recipe.final, rest)
        case "trapezoid":
            left = min((1.0 - done) / recipe.cooldown, 1.0) if recipe.cooldown else 1.0
            return recipe.final + (1.0 - recipe.final) * left


def _cosine(start: float, end: float, way: float) -> float:
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * way))
