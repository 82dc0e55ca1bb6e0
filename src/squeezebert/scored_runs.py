"""Fine-tuning runs that are scored in the engine once they are trained; what is done stays done.

Beside what :mod:`squeezebert.training.loop.output` writes, a run's directory gets
``scores.json``. So a long row of runs can be stopped at any moment, and called again it goes on.
"""

from __future__ import annotations

import json
import signal
import statistics
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from squeezebert import files
from squeezebert.comparison.reference import choose_reference, with_reference
from squeezebert.data import open_dataset
from squeezebert.errors import CheckpointError
from squeezebert.evaluation import evaluate
from squeezebert.pipeline import load
from squeezebert.spec import TaskName
from squeezebert.tasks.base import Scores
from squeezebert.training.finetuning.finetune import finetune
from squeezebert.training.loop.hardware import processes
from squeezebert.training.loop.lock import held
from squeezebert.training.loop.output import TrainingResult
from squeezebert.training.recipe.run import FinetuneRecipe

SCORES = "scores.json"

PRECISIONS = ("float32", "int8")
"""What models are scored in: as trained, and as phones would run them."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Several seeds' scores.

    Args:
        values: One a seed.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """The sample's standard deviation; None where there is one seed only."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def percent(self, digits: int = 1) -> str:
        """Hundredfold, as papers write scores.

        >>> Spread(values=(0.80, 0.82)).percent(), Spread(values=(0.8,)).percent()
        ('81.0 ± 1.4', '80.0')
        """
        shown = f"{100 * self.mean:.{digits}f}"
        if self.deviation is None:
            return shown
        return f"{shown} ± {100 * self.deviation:.{digits}f}"


@dataclass(frozen=True, kw_only=True)
class ScoredRun:
    """A run that is trained and scored.

    Args:
        training: How it ended.
        scores: By data set and precision.
        texts: How many there were of each data set.
        isa: The instruction set that the engine ran on.
    """

    training: TrainingResult
    scores: Mapping[str, Mapping[str, Scores]]
    texts: Mapping[str, int]
    isa: str


@contextmanager
def interrupted_after(minutes: float | None) -> Generator[None]:
    """Ends what is in the block after so many minutes as Ctrl-C would, which training can bear at
    any moment: the same call goes on from the last checkpoint. No end where None.

    Raises:
        KeyboardInterrupt: the time is up.
    """
    if minutes is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, minutes * 60)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def train_and_score(
    recipe: FinetuneRecipe,
    output: Path,
    *,
    tests: Sequence[str],
    split: str,
    precisions: Sequence[str] = PRECISIONS,
    limit: int | None = None,
) -> ScoredRun:
    """Fine-tunes a model and scores it, as far as that is not done yet.

    Args:
        recipe: The run; one that was killed goes on.
        output: The run's directory.
        tests: The data sets by name that it is scored on.
        split: Which part of them.
        precisions: In what the engine computes.
        limit: Only the first so many texts of each; all where None.

    Raises:
        ConfigError: a recipe that cannot be, or another one than the run in ``output`` had; another
            run that is going on there.
        DataError, InvalidInputError: data that cannot be read.
        CheckpointError: a model or a file of the run that cannot be read.
    """
    with held(output):
        training = finetune(recipe, output, resume=True)
        about: dict[str, Any] = {
            "tests": list(tests),
            "split": split,
            "precisions": list(precisions),
            "limit": limit,
            # A run that the clock had stopped may have gone on since.
            "steps": training.steps,
        }
        with processes().main_process_first():  # the others find the file
            found: dict[str, Any] = _read(output / SCORES, about) or {}
            if not found:
                found = {"about": about, **_score(recipe.task, output, about)}
                files.write_text(output / SCORES, json.dumps(found, indent=2) + "\n")
        return ScoredRun(
            training=training,
            scores={
                name: {precision: Scores(**values) for precision, values in by_precision.items()}
                for name, by_precision in found["scores"].items()
            },
            texts=found["texts"],
            isa=found["isa"],
        )


def _read(path: Path, about: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the file says, or None where it is not there or about something else."""
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content if content["about"] == about else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"cannot read {path}: {error}", hint="delete it: the scores are then taken again"
        ) from error


def _score(task: TaskName, directory: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    scores: dict[str, dict[str, Any]] = {}
    texts: dict[str, int] = {}
    isa = ""
    for name in about["tests"]:
        examples = open_dataset(name, task=task, split=about["split"]).examples[: about["limit"]]
        texts[name] = len(examples)
        scores[name] = {}
        for precision in about["precisions"]:
            pipeline = load(directory, precision=precision)
            isa = pipeline.backend.instruction_set
            if task == "masked_lm":
                table, _ = choose_reference(None, [pipeline], pipeline, directory)
                pipeline = with_reference(pipeline, table)
            found = evaluate(pipeline, examples).scores
            scores[name][precision] = {
                "values": dict(found.values),
                "main": found.main,
                "per_class": {label: dict(row) for label, row in found.per_class.items()},
            }
    return {"scores": scores, "texts": texts, "isa": isa}
