"""From times and answers to the rows of a report."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from squeezebert.comparison.classical import FAMILY, ClassicalEntrant
from squeezebert.comparison.entrants import Entrant
from squeezebert.comparison.schema import (
    Difference,
    Latency,
    LengthLatency,
    Repetition,
    Result,
    Spread,
    Training,
)
from squeezebert.complexity import Complexity, HeadShape, count
from squeezebert.data.catalog import Dataset
from squeezebert.evaluation import Run
from squeezebert.tasks import MaskedLM, Scores
from squeezebert.tasks.resampling import interval, paired_differences

MAIN_SCORES = {"masked_lm": "average_cosine_similarity"}
"""Scores by which models are ranked where a comparison, like the study, ranks by another one than
training does."""


BUSY = 1.25
"""Wall-clock time over CPU time from which on other programs are to blame. Waiting threads count as
CPU time here, so a quiet machine stays near 1 with one thread and below with several."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What was measured of one entrant on one data set.

    Args:
        entrant: Which one; a model, or a classical one.
        runs: Its passes over the data set; the first has kept its answers.
        latency: At batch 1.
        by_length: The same for artificial inputs of given lengths.
        peak_memory_mb: Of a process of its own.
        more_scores: Scores that the passes do not give.
    """

    entrant: Entrant | ClassicalEntrant
    runs: Sequence[Run]
    latency: Latency
    by_length: tuple[LengthLatency, ...] = ()
    peak_memory_mb: float | None = None
    more_scores: Mapping[str, float] = field(default_factory=dict[str, float])


def build_results(
    dataset: Dataset, measured: Sequence[Measured], baselines: Sequence[int], *, seed: int = 0
) -> list[Result]:
    """One result an entrant.

    Args:
        dataset: What they ran on.
        measured: What was measured, in the order of the report.
        baselines: For each of them, the index of the one that its speed is compared with.
        seed: Of the intervals' draws.
    """
    return [
        _result(dataset, item, measured[baseline], seed)
        for item, baseline in zip(measured, baselines, strict=True)
    ]


def _result(dataset: Dataset, item: Measured, baseline: Measured, seed: int) -> Result:
    entrant, first = item.entrant, item.runs[0]
    scores = first.scores()
    wall = statistics.median(run.watch.wall_seconds for run in item.runs)
    told = _told(entrant, first, scores)
    values = {**scores.values, **item.more_scores}
    preferred = MAIN_SCORES.get(dataset.task, scores.main)
    return Result(
        model=told.model,
        label=entrant.label,
        family=told.family,
        task=dataset.task,
        dataset=dataset.name,
        backend=told.backend,
        # JSON has no NaN: a score that is not defined on this data is left out.
        scores={name: value for name, value in values.items() if math.isfinite(value)},
        main_score=preferred if preferred in scores.values else scores.main,
        cpu_seconds=statistics.median(run.watch.cpu_seconds for run in item.runs),
        wall_seconds=wall,
        texts_per_second=first.texts / wall,
        tokens_per_second=first.tokens / wall if told.tokens else None,
        latency_ms=item.latency,
        peak_memory_mb=item.peak_memory_mb,
        parameters=told.parameters,
        gflop=told.gflop,
        size_mb=told.size_mb,
        speedup=speedup(item.runs, baseline.runs, "cpu_seconds").median,
        speedup_spread=speedup(item.runs, baseline.runs, "cpu_seconds"),
        speedup_wall=speedup(item.runs, baseline.runs, "wall_seconds").median,
        is_baseline=item is baseline,
        baseline=baseline.entrant.label,
        texts=first.texts,
        tokens=told.tokens,
        mean_tokens=told.tokens / max(1, first.inputs),
        repetitions=tuple(
            Repetition(cpu_seconds=run.watch.cpu_seconds, wall_seconds=run.watch.wall_seconds)
            for run in item.runs
        ),
        latency_by_length=item.by_length,
        per_class={label: dict(row) for label, row in scores.per_class.items()},
        confusion=scores.confusion,
        labels=scores.labels,
        precision=told.precision,
        instruction_set=told.instruction_set,
        batch_tokens=told.batch_tokens,
        training=told.training,
        intervals={name: interval(tally, seed=seed) for name, tally in scores.tallies.items()},
    )


def compare_pairs(
    dataset: Dataset, measured: Sequence[Measured], results: Sequence[Result], *, seed: int
) -> list[Difference]:
    """Every two models of a data set, tested over its texts by the score that ranks them; none
    where that score is no sum over texts, or where the models were asked for different tokens.

    Args:
        dataset: What they ran on.
        measured: What was measured.
        results: What :func:`build_results` made of it.
        seed: Of the draws.
    """
    measure = results[0].main_score
    tallies = [item.runs[0].scores().tallies.get(measure) for item in measured]
    known = [tally for tally in tallies if tally is not None]
    vocabularies = {
        tuple(task.tokenizer.tokens)
        for item in measured
        if isinstance(task := item.runs[0].pipeline.task, MaskedLM)
    }
    if len(known) < len(tallies) or len(vocabularies) > 1:
        return []
    return [
        Difference(
            task=dataset.task,
            dataset=dataset.name,
            first=results[a].label,
            second=results[b].label,
            measure=measure,
            difference=found.difference,
            low=found.low,
            high=found.high,
            p_value=found.p_value,
        )
        for (a, b), found in paired_differences(known, seed=seed).items()
    ]


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What a result says of its model by itself; the defaults are a classical one's."""

    model: str
    family: str
    backend: str
    parameters: int
    tokens: int = 0
    gflop: float | None = None
    size_mb: float | None = None
    precision: str = ""
    instruction_set: str = ""
    batch_tokens: int = 0
    training: Training | None = None


def _told(entrant: Entrant | ClassicalEntrant, run: Run, scores: Scores) -> _Told:
    if isinstance(entrant, ClassicalEntrant):
        return _Told(
            model=entrant.model.name,
            family=FAMILY,
            backend=entrant.model.library,
            parameters=entrant.model.parameters,
            training=entrant.training,
        )
    cost = complexity(entrant, run, scores)
    by = entrant.pipeline.backend
    return _Told(
        model=entrant.model,
        family=entrant.family,
        backend=entrant.backend,
        parameters=cost.parameters,
        tokens=run.tokens,
        gflop=cost.gflop,
        size_mb=entrant.size_mb,
        precision=by.precision,
        instruction_set=by.instruction_set,
        batch_tokens=entrant.pipeline.batch_tokens,
    )


def busy_note(results: Sequence[Result]) -> str | None:
    """A warning where much more time passed by the clock than the process was given."""
    passes = [one for result in results for one in result.repetitions]
    wall = sum(one.wall_seconds for one in passes)
    cpu = sum(one.cpu_seconds for one in passes)
    if wall <= BUSY * cpu:
        return None
    return (
        f"The machine was busy: {wall:.3g} seconds went by on the clock for {cpu:.3g} of CPU time. "
        "Programs that share a processor slow each other's CPU time as well, so measure again on a "
        "quiet machine before you trust small differences in speed."
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
