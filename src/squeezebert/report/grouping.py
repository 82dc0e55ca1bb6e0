"""A report's results by data set, each beside the baseline it was measured against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from squeezebert.comparison.schema import DatasetInfo, Difference, Report, Result
from squeezebert.report.words import TASK_TITLES, Measure, task_title

CLASSICAL = "classical models"
"""What classical models are called where several stand as one."""


@dataclass(frozen=True)
class Group:
    """All results on one data set: the baselines first, classical models last.

    Args:
        task, dataset: What was run on what.
        results: At least one.
        info: The data set as it was used, where the report describes it.
        differences: Pairs of the models, tested.
    """

    task: str
    dataset: str
    results: tuple[Result, ...]
    info: DatasetInfo | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def encoders(self) -> list[Result]:
        """All but classical models."""
        return [result for result in self.results if not result.is_classical]

    @property
    def task_title(self) -> str:
        """The task in words."""
        return task_title(self.task)

    @property
    def measure(self) -> Measure:
        """The score by which the models are ranked."""
        return Measure(self.results[0].main_score)

    @property
    def size(self) -> int:
        """The number of texts."""
        return self.info.texts if self.info else max(result.texts for result in self.results)

    @property
    def has_contenders(self) -> bool:
        """Whether there is anything to compare."""
        return any(self.baseline_of(result) is not None for result in self.results)

    def score(self, result: Result) -> float | None:
        """The main score of one of the results, None where it is missing."""
        value = result.scores.get(self.measure.name)
        return value if value is not None and math.isfinite(value) else None

    def baseline_of(self, result: Result) -> Result | None:
        """What ``result`` is compared with; None for a baseline."""
        if result.is_baseline:
            return None
        named = [other for other in self.results if other.label == result.baseline]
        return next((other for other in named if other is not result), None)

    def points(self, result: Result) -> float | None:
        """How much better than its baseline, in points."""
        baseline = self.baseline_of(result)
        if baseline is None:
            return None
        return self.measure.points(self.score(result), self.score(baseline))

    def is_noise(self, result: Result, other: Result | None) -> bool:
        """Whether the two differ by no more than chance explains; False where nobody tested it."""
        if other is None:
            return False
        pair = {result.label, other.label}
        return any(
            found.is_noise for found in self.differences if {found.first, found.second} == pair
        )

    def score_names(self) -> list[str]:
        """All scores of the data set, the main one first, in the order they were given."""
        names = dict.fromkeys(name for result in self.results for name in result.scores)
        return [self.measure.name, *(name for name in names if name != self.measure.name)]


def groups_of(report: Report) -> list[Group]:
    """The report's data sets: tasks in their usual order, data sets in the report's."""
    found: dict[tuple[str, str], list[Result]] = {}
    for result in report.results:
        found.setdefault((result.task, result.dataset), []).append(result)
    infos = {(info.task, info.name): info for info in report.datasets}
    order = list(TASK_TITLES)
    return [
        Group(
            task=task,
            dataset=dataset,
            results=tuple(sorted(results, key=_place)),
            info=infos.get((task, dataset)),
            differences=tuple(
                found
                for found in report.differences
                if (found.task, found.dataset) == (task, dataset)
            ),
        )
        for (task, dataset), results in sorted(
            found.items(),
            key=lambda item: order.index(item[0][0]) if item[0][0] in order else len(order),
        )
    ]


def _place(result: Result) -> tuple[bool, bool]:
    return result.is_classical, not result.is_baseline


def labels_of(groups: Sequence[Group]) -> list[str]:
    """Every model's label once, the baselines first."""
    results = [result for group in groups for result in group.results]
    ordered = sorted(results, key=_place)
    return list(dict.fromkeys(result.label for result in ordered))


def families_of(groups: Sequence[Group]) -> dict[str, list[str]]:
    """The models' labels by family, the baselines first and classical models last.

    Models of one task each, which never meet on a data set and are alike in name but for what
    follows the last hyphen, stand as one. Where not all are so, each is a family of its own.
    Classical models, one a data set, are one family.
    """
    results = {result.label: result for group in groups for result in group.results}
    classical = [label for label in labels_of(groups) if results[label].is_classical]
    labels = [label for label in labels_of(groups) if label not in classical]
    family = {label: label.rpartition("-")[0] or label for label in labels}
    baselines = {
        baseline.label
        for group in groups
        for result in group.results
        if (baseline := group.baseline_of(result)) is not None
    }
    against = {family[label] for label in baselines}
    never_meet = all(
        len({family[one.label] for one in group.encoders}) == len(group.encoders)
        for group in groups
    )
    if not (
        baselines and never_meet and against.isdisjoint(family[x] for x in set(labels) - baselines)
    ):
        family = {label: label for label in labels}
    found: dict[str, list[str]] = {}
    for label in labels:
        found.setdefault(family[label], []).append(label)
    # One model a family: its own name tells more.
    if len(found) == len(labels):
        found = {label: [label] for label in labels}
    if classical:
        found[classical[0] if len(classical) == 1 else CLASSICAL] = classical
    return found
