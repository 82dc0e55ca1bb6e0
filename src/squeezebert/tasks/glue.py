"""The sets of GLUE (Wang et al. 2019) and the scores that each of them is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from squeezebert.errors import InvalidInputError, near
from squeezebert.tasks.base import Scores


@dataclass(frozen=True, kw_only=True)
class GlueTask:
    """One of GLUE's sets.

    Args:
        title: As papers write it.
        scores: The names of its official scores, in the order that papers give them.
        positive: The class whose F1 counts, where F1 is among them.
        dev: The data sets by name whose dev splits are scored.
        epochs: Passes over its training part, where a recipe says nothing of it: small sets want
            more of them (Mosbach et al. 2021).
        by_hub: Its files come from the hub unless they lie in the data directory.
    """

    title: str
    scores: tuple[str, ...]
    positive: str = ""
    dev: tuple[str, ...]
    epochs: float
    by_hub: bool = False


GLUE_TASKS: Mapping[str, GlueTask] = {
    "cola": GlueTask(title="CoLA", scores=("matthews",), dev=("cola",), epochs=10),
    "sst2": GlueTask(title="SST-2", scores=("accuracy",), dev=("sst2",), epochs=3),
    "mrpc": GlueTask(
        title="MRPC",
        scores=("f1", "accuracy"),
        positive="equivalent",
        dev=("mrpc",),
        epochs=10,
    ),
    "stsb": GlueTask(title="STS-B", scores=("pearson", "spearman"), dev=("stsb",), epochs=10),
    "rte": GlueTask(title="RTE", scores=("accuracy",), dev=("rte",), epochs=10),
    "wnli": GlueTask(title="WNLI", scores=("accuracy",), dev=("wnli",), epochs=5),
    "qqp": GlueTask(
        title="QQP",
        scores=("f1", "accuracy"),
        positive="duplicate",
        dev=("qqp",),
        epochs=3,
        by_hub=True,
    ),
    "mnli": GlueTask(
        title="MNLI",
        scores=("accuracy",),
        dev=("mnli", "mnli_mismatched"),
        epochs=3,
        by_hub=True,
    ),
    "qnli": GlueTask(title="QNLI", scores=("accuracy",), dev=("qnli",), epochs=3, by_hub=True),
}
"""By the name of the training set."""


def choose_glue_tasks(names: Sequence[str] = ()) -> dict[str, GlueTask]:
    """The tasks of these names in GLUE's order; those of the data directory where none is named.

    Raises:
        InvalidInputError: a name that GLUE does not have.

    >>> list(choose_glue_tasks(["rte", "cola"]))
    ['cola', 'rte']
    """
    for name in names:
        if name not in GLUE_TASKS:
            raise InvalidInputError(
                f"GLUE has no task {name!r}, expected some of {', '.join(GLUE_TASKS)}",
                hint=near(name, GLUE_TASKS),
            )
    return {
        name: task
        for name, task in GLUE_TASKS.items()
        if (name in names if names else not task.by_hub)
    }


def official_scores(task: GlueTask, scores: Scores) -> dict[str, float]:
    """A task's official scores, out of those that text classification gives.

    >>> scores = Scores(values={"accuracy": 0.7}, main="accuracy",
    ...     per_class={"equivalent": {"f1": 0.8}, "not_equivalent": {"f1": 0.4}})
    >>> official_scores(GLUE_TASKS["mrpc"], scores)
    {'f1': 0.8, 'accuracy': 0.7}
    """
    return {
        name: scores.per_class[task.positive]["f1"] if name == "f1" else scores.values[name]
        for name in task.scores
    }
