"""What a run is made of, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from squeezebert.training.loop.batches import BatchSource
from squeezebert.training.loop.losses import Loss
from squeezebert.training.recipe.run import LoopRecipe, OptimizerRecipe


@dataclass(frozen=True, kw_only=True)
class DevScore:
    """What an evaluation on the dev set found.

    Args:
        values: All scores by name.
        main: The name of the one by which checkpoints are kept.
        higher_is_better: How it is read.
    """

    values: Mapping[str, float]
    main: str
    higher_is_better: bool = True

    def compare(self, best: float | None) -> int:
        """1 where this is better than ``best``, 0 where equal, -1 where worse. NaN is worse than
        anything.
        """
        value = self.values[self.main]
        if value != value:
            return -1
        if best is None:
            return 1
        gain = value - best if self.higher_is_better else best - value
        return (gain > 0) - (gain < 0)


Evaluate = Callable[[], DevScore]
"""Measures the model that is being trained, which stands in evaluation mode meanwhile."""


class Gradual(Protocol):
    """Something about the model that changes as a run goes on, by the share that is done alone."""

    def step(self, done: float) -> None:
        """Before a step of training, with the share ``done`` in [0, 1] behind."""
        ...

    def evaluate(self) -> None:
        """Before an evaluation: the model as it will be used, so that scores compare."""
        ...


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a run is made of.

    Args:
        model: Trained in place; ends with the weights of the best step.
        source: Its batches.
        loss: From model and batch to the summed loss.
        evaluate: Dev scores.
        loop: How long and how.
        optimizer: AdamW and its rate.
        output: The run's directory.
        title: For the progress bar.
        flops_per_token: Of a forward pass; 0 where it is not known, and no model FLOP
            utilization is told.
        gradual: What changes along the run.
        quiet: Tell nothing of the run, neither on stderr nor in files.
        settings: The recipe's that touch what is computed: a checkpoint of other ones is refused.
    """

    model: nn.Module
    source: BatchSource
    loss: Loss
    evaluate: Evaluate
    loop: LoopRecipe
    optimizer: OptimizerRecipe
    output: Path
    title: str = "training"
    flops_per_token: float = 0.0
    gradual: Sequence[Gradual] = ()
    quiet: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
