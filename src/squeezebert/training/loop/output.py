"""A run's directory: what is in it before, while and after a model is trained.

::

    recipe.toml       the resolved recipe
    metrics.jsonl     one line a log point or evaluation
    tensorboard/      the same for TensorBoard
    checkpoints/      the newest complete state; deleted once the model is saved
    config.json, model.safetensors, task.json, tokenizer files, README.md   the model, at the end
    training.json     how the run ended; written last
    .lock             held by the process that writes here
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from squeezebert import files
from squeezebert.checkpoint.directory import CHECKPOINTS, CONFIG
from squeezebert.errors import CheckpointError, ConfigError
from squeezebert.model import Encoder, TaskModel, save_model
from squeezebert.spec import TaskSpec
from squeezebert.structured import read_json
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.loop.hardware import in_main_process, processes
from squeezebert.training.loop.lock import held
from squeezebert.training.loop.resume import LoopState, remove_checkpoints
from squeezebert.training.recipe.file import (
    changed_settings,
    lasting_settings,
    load_recipe,
    save_recipe,
)
from squeezebert.training.recipe.run import FinetuneRecipe, Recipe

RECIPE, RESULT, CARD = "recipe.toml", "training.json", "README.md"


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """How a run ended.

    Args:
        output: The model directory.
        steps: Optimizer steps.
        tokens: Input tokens seen.
        seconds: Time spent training.
        stopped: ``complete``, ``early stopping`` or ``max_minutes``.
        best_step: The step whose weights were kept.
        scores: Dev scores of these weights.
        main_score: The name in ``scores`` that decided.
    """

    output: Path
    steps: int
    tokens: int
    seconds: float
    stopped: str
    best_step: int
    scores: Mapping[str, float]
    main_score: str

    @property
    def tokens_per_second(self) -> float:
        """Over the whole run, evaluations and checkpoints included."""
        return self.tokens / max(self.seconds, 1e-9)


@contextmanager
def claimed(
    output: Path, recipe: Recipe, *, resume: bool
) -> Generator[TrainingResult | None, None, None]:
    """Holds a run's directory while the block runs, and makes it ready. No other run can write
    there meanwhile.

    Yields:
        As :func:`open_output` returns.

    Raises:
        ConfigError: another run is going on there; or as :func:`open_output`.
        CheckpointError: nothing can be written there.
    """
    with held(output):
        yield in_main_process(lambda: open_output(output, recipe, resume=resume))


def open_output(output: Path, recipe: Recipe, *, resume: bool) -> TrainingResult | None:
    """Makes a run's directory ready.

    Returns:
        The result of a run that is already finished, where ``resume`` finds one.

    Raises:
        ConfigError: the directory holds a run, or a README.md of a person's, and ``resume`` is not
            asked for; or that run had another recipe.
    """
    saved = output / RECIPE
    taken = [name for name in (RESULT, CHECKPOINTS, CONFIG) if (output / name).exists()]
    if not resume and taken:
        raise ConfigError(
            f"{output} already holds a run or a model ({taken[0]})",
            hint="go on with --resume, or choose another output directory",
        )
    if not resume and (output / CARD).exists():
        raise ConfigError(
            f"{output} holds a {CARD}, which the model's card would replace",
            hint="choose another output directory",
        )
    if resume and saved.is_file():
        _check_same(load_recipe(saved, _kind(recipe)), recipe, output)
        result = read_result(output)
        # A run that the clock stopped goes on if its checkpoint is there.
        if result is not None and not (output / CHECKPOINTS).exists():
            return result
    output.mkdir(parents=True, exist_ok=True)
    with files.replacing(saved) as temporary:
        save_recipe(recipe, temporary)
    return None


def _kind(recipe: Recipe) -> Any:
    return "finetune" if isinstance(recipe, FinetuneRecipe) else "pretrain"


def _check_same(before: Recipe, now: Recipe, output: Path) -> None:
    changed = changed_settings(lasting_settings(before), lasting_settings(now))
    if changed:
        raise ConfigError(
            f"the run in {output} had another recipe: {changed}",
            hint=f"resume with {output / RECIPE}, or choose another output directory",
        )


def save_run(
    output: Path,
    *,
    model: TaskModel | Encoder,
    tokenizer: Tokenizer,
    spec: TaskSpec | None,
    card: str,
    state: LoopState,
    main_score: str,
) -> TrainingResult:
    """Writes the model directory, then how the run ended, then deletes the checkpoints. Of several
    processes only the main one writes.
    """
    result = TrainingResult(
        output=output,
        steps=state.step,
        tokens=state.tokens,
        seconds=round(state.seconds, 3),
        stopped=state.stopped,
        best_step=state.best_step,
        scores=state.best_values or {},
        main_score=main_score,
    )
    if processes().is_main_process:
        tokenizer.save(output)
        files.write_text(output / CARD, card)
        save_model(model, output, spec=spec)
        content = asdict(result)
        del content["output"]
        files.write_text(output / RESULT, json.dumps(content, indent=2) + "\n")
        if state.stopped != "max_minutes":
            remove_checkpoints(output)
    processes().wait_for_everyone()
    return result


def read_result(output: Path) -> TrainingResult | None:
    """How the run in ``output`` ended, or None if it has not.

    Raises:
        CheckpointError: an unreadable ``training.json``.
    """
    path = output / RESULT
    if not path.is_file():
        return None
    try:
        return TrainingResult(output=output, **read_json(path))
    except TypeError as error:  # other fields
        raise CheckpointError(f"cannot read {path}: {error}") from error
