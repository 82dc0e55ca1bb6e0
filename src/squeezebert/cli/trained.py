"""What `train` tells of a finished model: scores on a test part, and what a classical model reaches
that saw the same texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from squeezebert.cli import screen

if TYPE_CHECKING:
    from squeezebert.data.catalog import Dataset
    from squeezebert.evaluation import Evaluation
    from squeezebert.pipeline import Pipeline
    from squeezebert.training.recipe.run import FinetuneRecipe


def tell_scores(
    model: Path, recipe: FinetuneRecipe, test: Sequence[Dataset], *, classical: bool
) -> None:
    """Scores the model as `squeezebert evaluate` does, a line a test part; without one there is a
    line for the dev part, so that the classical model has one to stand beside.

    Args:
        model: Its directory.
        recipe: What it was trained by.
        test: Test parts.
        classical: Whether to fit a classical model to the same training part.

    Raises:
        DataError, InvalidInputError: test parts that do not fit the model.
        MissingDependencyError: ``classical`` without ``squeezebert[classical]``.
    """
    from squeezebert.evaluation import evaluate
    from squeezebert.pipeline import load

    if not (test or classical):
        return
    pipeline = load(model)
    parts: list[tuple[str, Sequence[Any]]] = [
        (f"{part.name} ({part.split})", part.examples) for part in test
    ]
    fitted = None
    if classical:
        from squeezebert.training.finetuning.datasets import open_training_data

        data = open_training_data(recipe)
        parts = parts or [("dev", data.dev)]
        fitted = _fit(pipeline, data.train)
    for name, examples in parts:
        _tell(f"{name}: {pipeline.name}", evaluate(pipeline, examples))
        if fitted is not None:
            cost = f", {fitted.watch.cpu_seconds:.1f} CPU seconds to fit"
            _tell(f"{name}: {fitted.name} (classical)", evaluate(fitted, examples), cost)


def check_installed() -> None:
    """Whether a classical model can be fitted, before hours of training.

    Raises:
        MissingDependencyError: ``squeezebert[classical]`` is not installed.
    """
    from importlib.util import find_spec

    from squeezebert.errors import MissingDependencyError

    for module, package in (("sklearn", "scikit-learn"), ("pycrfsuite", "python-crfsuite")):
        if find_spec(module) is None:
            raise MissingDependencyError.for_extra(package, "classical", "a classical model")


def _fit(pipeline: Pipeline[Any], train: Sequence[Any]) -> Any:
    from squeezebert.classical import fit_classical
    from squeezebert.tasks import MaskedLM

    task = pipeline.task
    if not isinstance(task, MaskedLM):
        return fit_classical(task.spec, train)
    fitted = fit_classical(task.spec, train, tokenizer=task.tokenizer)
    fitted.task = task  # the same masks
    return fitted


def _tell(head: str, found: Evaluation, more: str = "") -> None:
    scores = found.scores
    around = found.intervals.get(scores.main)
    span = "" if around is None else f" ({around.low:.4f} to {around.high:.4f})"
    milliseconds = 1000 * found.cpu_seconds / max(found.texts, 1)
    screen.note(
        f"{head}: {scores.main} {scores.values[scores.main]:.4f}{span}, {found.texts:,} texts, "
        f"{milliseconds:.2f} CPU ms a text{more}"
    )
