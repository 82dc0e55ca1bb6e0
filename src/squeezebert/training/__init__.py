"""Training: from recipes to model directories. Needs torch and accelerate (``[train]``).

``finetune`` and ``pretrain`` are thin: both hand a model, a source of batches and a loss to the one
loop in :mod:`squeezebert.training.loop.loop`. Recipes are plain data and import no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.training.recipe.file import load_recipe
from squeezebert.training.recipe.run import FinetuneRecipe

if TYPE_CHECKING:
    from squeezebert.training.loop.output import TrainingResult

__all__ = ["check_installed", "train"]


def train(
    recipe: FinetuneRecipe | Path | str | None,
    output: Path | str,
    *,
    settings: Mapping[str, str] | None = None,
    resume: bool = False,
) -> TrainingResult:
    """Fine-tunes a model for a task and writes a model directory, which :func:`squeezebert.load`
    takes.

    Args:
        recipe: The run; or the TOML file that tells of it, with ``settings`` over what it says;
            or None, for what ``settings`` say alone.
        output: The run's directory; becomes the model directory.
        settings: By dotted name, with values as TOML writes them:
            ``{"loop.epochs": "5", "data.train": '["ag_news"]'}``.
        resume: Go on with the run that was killed there. A finished one is left as it is.

    Raises:
        MissingDependencyError: torch or accelerate is not installed.
        ConfigError: a recipe that cannot be, or another one than the run to resume had.
        DataError, InvalidInputError: data that cannot be read.
        CheckpointError: a model, tokenizer or checkpoint that cannot be read.
    """
    check_installed()
    if isinstance(recipe, FinetuneRecipe):
        if settings:
            raise InvalidInputError(
                "settings go over those of a file, but the recipe is a FinetuneRecipe",
                hint="change it with dataclasses.replace",
            )
    else:
        recipe = load_recipe(recipe, "finetune", settings or {})
    # Not above: it imports torch.
    from squeezebert.training.finetuning.finetune import finetune

    return finetune(recipe, output, resume=resume)


def check_installed() -> None:
    """Whether training can start at all.

    Raises:
        MissingDependencyError: torch or accelerate is not installed.
    """
    for package in ("torch", "accelerate"):
        if find_spec(package) is None:
            raise MissingDependencyError.for_extra(package, "train", "training")
