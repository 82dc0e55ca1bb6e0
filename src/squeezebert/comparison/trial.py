"""One data set of a comparison: who takes part in it, their turns, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from squeezebert.comparison.classical import ClassicalEntrant
from squeezebert.comparison.differences import differing
from squeezebert.comparison.entrants import Entrant, choose_baselines
from squeezebert.comparison.measure import (
    Progress,
    fitting_lengths,
    run_passes,
    take_latency,
    take_latency_by_length,
)
from squeezebert.comparison.results import Measured, build_results, compare_pairs
from squeezebert.comparison.schema import Difference, ExampleRow, Result
from squeezebert.comparison.sets import draw
from squeezebert.comparison.settings import CompareSettings
from squeezebert.data.catalog import Dataset
from squeezebert.evaluation import further_scores
from squeezebert.pipeline import Pipeline


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """A data set and those who are measured on it.

    Args:
        dataset: The texts.
        entrants: The encoders, one at least.
        classical: The classical models that were fitted to its training part.
    """

    dataset: Dataset
    entrants: Sequence[Entrant]
    classical: Sequence[ClassicalEntrant] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What came of a trial.

    Args:
        results: One of each who took part, the encoders first.
        differences: Between pairs of them, with a test each.
        examples: Texts that they answer differently.
    """

    results: Sequence[Result]
    differences: Sequence[Difference]
    examples: Sequence[ExampleRow]


def run_trial(
    trial: Trial,
    settings: CompareSettings,
    *,
    peaks_mb: Mapping[str, float | None],
    progress: Progress,
) -> Outcome:
    """Measures all who take part in a trial, in turn.

    Args:
        trial: What is measured.
        settings: How.
        peaks_mb: Peak memory of the encoders, by label, where it was taken.
        progress: Told how far it is.
    """
    dataset = trial.dataset
    measured = _measure(trial, settings, peaks_mb, progress)
    baselines = choose_baselines(trial.entrants, settings.baseline)
    baselines += [baselines[0]] * len(trial.classical)
    results = build_results(dataset, measured, baselines, seed=settings.seed)
    return Outcome(
        results=results,
        differences=compare_pairs(dataset, measured, results, seed=settings.seed),
        examples=differing(
            dataset,
            [item.entrant.label for item in measured],
            [item.runs[0].predictions for item in measured],
            count=settings.examples,
            seed=settings.seed,
        ),
    )


def _measure(
    trial: Trial,
    settings: CompareSettings,
    peaks_mb: Mapping[str, float | None],
    progress: Progress,
) -> list[Measured]:
    dataset = trial.dataset
    pipelines = [entrant.pipeline for entrant in trial.entrants]
    answering = [*pipelines, *(entrant.model for entrant in trial.classical)]
    blocks = math.ceil(len(dataset) / settings.block_texts)
    progress.stage(dataset.name, blocks * len(answering) * settings.repetitions)
    runs = run_passes(
        answering,
        dataset.examples,
        repetitions=settings.repetitions,
        block_texts=settings.block_texts,
        warmup_texts=settings.warmup_texts,
        progress=progress,
    )
    sample = draw(dataset.examples, settings.latency_texts, settings.seed)
    progress.stage(f"{dataset.name}: latency", len(sample) * settings.repetitions)
    latencies = take_latency(answering, sample, repetitions=settings.repetitions, progress=progress)
    lengths = fitting_lengths(pipelines)
    progress.stage(f"{dataset.name}: latency by length", len(lengths))
    by_length = take_latency_by_length(pipelines, lengths, seed=settings.seed, progress=progress)
    further = _further_scores(dataset, pipelines, settings, progress)
    encoders = [
        Measured(
            entrant=entrant,
            runs=own,
            latency=latency,
            by_length=curve,
            more_scores=scores,
            peak_memory_mb=peaks_mb.get(entrant.label),
        )
        for entrant, own, latency, curve, scores in zip(
            trial.entrants, runs, latencies, by_length, further, strict=False
        )
    ]
    classical = [
        Measured(entrant=entrant, runs=own, latency=latency)
        for entrant, own, latency in zip(
            trial.classical, runs[len(encoders) :], latencies[len(encoders) :], strict=True
        )
    ]
    return [*encoders, *classical]


def _further_scores(
    dataset: Dataset,
    pipelines: Sequence[Pipeline[Any]],
    settings: CompareSettings,
    progress: Progress,
) -> list[Mapping[str, float]]:
    """Scores that cost so much that they are taken of a few texts, drawn at random."""
    few = draw(dataset.examples, settings.pseudo_texts, settings.seed)
    if not few:
        return [{} for _ in pipelines]
    progress.stage(f"{dataset.name}: further scores", len(pipelines))
    scores: list[Mapping[str, float]] = []
    for pipeline in pipelines:
        scores.append(further_scores(pipeline, few))
        progress.advance()
    return scores
