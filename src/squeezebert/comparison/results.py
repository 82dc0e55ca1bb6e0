"""From times and answers to the rows of a report."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from squeezebert.comparison.entrants import Entrant
from squeezebert.comparison.schema import Latency, LengthLatency, Repetition, Result, Spread
from squeezebert.complexity import Complexity, HeadShape, count
from squeezebert.data.catalog import Dataset
from squeezebert.evaluation import Run
from squeezebert.tasks import Scores

MAIN_SCORES = {"masked_lm": "average_cosine_similarity"}
"""Scores by which models are ranked where a comparison, like the study, ranks by another one than
training does."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What was measured of one entrant on one data set.

    Args:
        entrant: Which one.
        runs: Its passes over the data set; the first has kept its answers.
        latency: At batch 1.
        by_length: The same for artificial inputs of given lengths.
        peak_memory_mb: Of a process of its own.
        more_scores: Scores that the passes do not give.
    """

    entrant: Entrant
    runs: Sequence[Run]
    latency: Latency
    by_length: tuple[LengthLatency, ...]
    peak_memory_mb: float | None
    more_scores: Mapping[str, float] = field(default_factory=dict[str, float])


def build_results(
    dataset: Dataset, measured: Sequence[Measured], baselines: Sequence[int]
) -> list[Result]:
    """One result an entrant.

    Args:
        dataset: What they ran on.
        measured: What was measured, in the order of the report.
        baselines: For each of them, the index of the one that its speed is compared with.
    """
    return [
        _result(dataset, item, measured[baseline])
        for item, baseline in zip(measured, baselines, strict=True)
    ]


def _result(dataset: Dataset, item: Measured, baseline: Measured) -> Result:
    entrant, first = item.entrant, item.runs[0]
    scores = first.scores()
    wall = statistics.median(run.watch.wall_seconds for run in item.runs)
    cost = complexity(entrant, first, scores)
    values = {**scores.values, **item.more_scores}
    preferred = MAIN_SCORES.get(dataset.task, scores.main)
    return Result(
        model=entrant.model,
        label=entrant.label,
        family=entrant.family,
        task=dataset.task,
        dataset=dataset.name,
        backend=entrant.backend,
        # JSON has no NaN: a score that is not defined on this data is left out.
        scores={name: value for name, value in values.items() if math.isfinite(value)},
        main_score=preferred if preferred in scores.values else scores.main,
        cpu_seconds=statistics.median(run.watch.cpu_seconds for run in item.runs),
        wall_seconds=wall,
        texts_per_second=first.texts / wall,
        tokens_per_second=first.tokens / wall,
        latency_ms=item.latency,
        peak_memory_mb=item.peak_memory_mb,
        parameters=cost.parameters,
        gflop=cost.gflop,
        size_mb=entrant.size_mb,
        speedup=speedup(item.runs, baseline.runs, "cpu_seconds").median,
        speedup_spread=speedup(item.runs, baseline.runs, "cpu_seconds"),
        speedup_wall=speedup(item.runs, baseline.runs, "wall_seconds").median,
        is_baseline=item is baseline,
        baseline=baseline.entrant.label,
        texts=first.texts,
        tokens=first.tokens,
        mean_tokens=first.tokens / max(1, first.inputs),
        repetitions=tuple(
            Repetition(cpu_seconds=run.watch.cpu_seconds, wall_seconds=run.watch.wall_seconds)
            for run in item.runs
        ),
        latency_by_length=item.by_length,
        per_class={label: dict(row) for label, row in scores.per_class.items()},
        confusion=scores.confusion,
        labels=scores.labels,
        precision=entrant.pipeline.backend.precision,
        instruction_set=entrant.pipeline.backend.instruction_set,
        batch_tokens=entrant.pipeline.batch_tokens,
    )


def speedup(runs: Sequence[Run], baseline: Sequence[Run], seconds: str) -> Spread:
    """The baseline's seconds over this one's, repetition by repetition: what slowed one of them
    slowed both.
    """
    ratios = [
        getattr(theirs.watch, seconds) / getattr(ours.watch, seconds)
        for ours, theirs in zip(runs, baseline, strict=True)
    ]
    return Spread(median=statistics.median(ratios), low=min(ratios), high=max(ratios))


def complexity(entrant: Entrant, run: Run, scores: Scores) -> Complexity:
    """Parameters and operations of an input of the data set's mean length, as it was run: a masked
    LM answers for its masked tokens only.
    """
    inputs = max(1, run.inputs)
    masked = scores.values.get("masked_tokens")
    spec = entrant.pipeline.task.spec
    return count(
        entrant.pipeline.backend.config,
        HeadShape(kind=spec.task, outputs=len(spec.labels) or 1),
        max(1, round(run.tokens / inputs)),
        positions=None if masked is None else max(1, round(masked / inputs)),
    )
