"""The cheap alternative on GLUE: a classical model of each task, fitted to the same rows in seconds
of one core.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from squeezebert.classical import fit_classical
from squeezebert.comparison.sets import draw
from squeezebert.data import open_dataset
from squeezebert.spec import TaskSpec
from squeezebert.tasks.glue import GLUE_TASKS, official_scores


@dataclass(frozen=True, kw_only=True)
class ClassicalScores:
    """A classical model on one task.

    Args:
        model: What it is.
        fit_cpu_seconds: That fitting took.
        scores: The official ones, by dev set and name.
    """

    model: str
    fit_cpu_seconds: float
    scores: Mapping[str, Mapping[str, float]]

    @property
    def summary(self) -> float:
        """The mean of the scores: what GLUE's average is made of."""
        every = [value for by_name in self.scores.values() for value in by_name.values()]
        return sum(every) / len(every)


def fit_and_score(name: str, *, limit: int | None = None) -> ClassicalScores:
    """Fits a classical model to a task's training rows and scores it on the task's dev sets.

    Args:
        name: Of :data:`~squeezebert.tasks.glue.GLUE_TASKS`.
        limit: The most texts of each dev set, the same that
            :func:`~squeezebert.scored_runs.train_and_score` draws; all where None.

    Raises:
        DataError: a data set that is not there.
        MissingDependencyError: scikit-learn is not installed.
    """
    task = GLUE_TASKS[name]
    train = open_dataset(name, task="text_classification", split="train")
    spec = TaskSpec(
        task="text_classification", labels=train.labels, problem_type=train.problem_type
    )
    model = fit_classical(spec, train.examples)
    scores: dict[str, dict[str, float]] = {}
    for dev in task.dev:
        dataset = open_dataset(dev, task="text_classification", split="dev")
        examples = draw(dataset.examples, limit or len(dataset), seed=0)
        answers = model.answer(examples, with_labels=True)
        found = model.task.score(examples, answers.features, answers.reduced)
        scores[dev] = official_scores(task, found)
    return ClassicalScores(
        model=model.name, fit_cpu_seconds=round(model.watch.cpu_seconds, 1), scores=scores
    )
