"""The whole comparison: load, check, measure, and put together what was found."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from squeezebert.comparison.classical import (
    ClassicalEntrant,
    check_parts,
    fit_beside,
    repeated_note,
)
from squeezebert.comparison.differences import differing
from squeezebert.comparison.entrants import (
    Entrant,
    assign,
    check_baseline,
    choose_baselines,
    hard_to_compare,
    open_entrants,
)
from squeezebert.comparison.measure import (
    Progress,
    Silent,
    fitting_lengths,
    run_passes,
    take_latency,
    take_latency_by_length,
)
from squeezebert.comparison.memory import Probe, peak_memory_mb
from squeezebert.comparison.reference import choose_reference, with_reference
from squeezebert.comparison.results import Measured, build_results, busy_note, compare_pairs
from squeezebert.comparison.schema import Difference, ExampleRow, Report, Result, Settings
from squeezebert.comparison.sets import describe, draw, prepare, raw_text
from squeezebert.comparison.settings import CompareSettings
from squeezebert.comparison.study import beside_study
from squeezebert.data.catalog import Dataset
from squeezebert.engine import usable_cores
from squeezebert.evaluation import further_scores
from squeezebert.machine import describe_machine, installed_versions
from squeezebert.pipeline import Pipeline

CLASSICAL_PACKAGES = ("scikit-learn", "python-crfsuite")
"""Whose versions count where classical models take part."""

PROBE_TEXTS = 8
"""Texts that the process predicts whose memory is measured."""


def compare(
    models: Sequence[str | Path],
    datasets: Sequence[Dataset],
    settings: CompareSettings | None = None,
    *,
    train_parts: Sequence[Dataset] = (),
    command: str = "",
    progress: Progress | None = None,
) -> Report:
    """Runs models over data sets side by side; ``docs/comparison.md`` tells the method.

    Every model runs on the data sets of its task whose labels it knows. All are loaded, and tried
    in a process of their own, before anything is measured.

    Args:
        models: Directories, names of shipped models, or names on the Hugging Face hub.
        datasets: From :func:`squeezebert.open_dataset`.
        settings: How to measure; the defaults where None.
        train_parts: The training part of each data set, in their order. To each a classical model
            is fitted, which then takes part. Empty: none takes part.
        command: The command line, for the report.
        progress: Told how far it is.

    Raises:
        CheckpointError: a model that does not load; before anything is measured.
        InvalidInputError: a setting that cannot be, a data set that no model fits, a model that
            fits no data set.
        DataError: a label that a model does not know.
        MissingDependencyError: training parts without ``squeezebert[classical]``.
    """
    asked = settings or CompareSettings()
    progress = progress or Silent()
    started = datetime.now(tz=UTC).replace(microsecond=0)
    threads = asked.threads or usable_cores()
    backends = [*asked.backends]
    if asked.baseline == "transformers" and asked.baseline not in backends:
        backends.append(asked.baseline)
    sets = prepare(datasets, limit=asked.limit, seed=asked.seed)
    parts = check_parts(sets, train_parts)

    progress.stage("loading models", 1)
    entrants = open_entrants(
        models,
        backends,
        precisions=asked.precisions,
        threads=threads,
        batch_tokens=asked.batch_tokens,
    )
    progress.advance()
    check_baseline(entrants, asked.baseline)
    entrants, table = _with_reference(entrants, asked.reference, asked.baseline)
    rows, notes = assign(entrants, sets)
    notes += [
        note
        for row, dataset in zip(rows, sets, strict=True)
        for note in hard_to_compare(row, dataset)
    ]
    classical: list[list[ClassicalEntrant]] = [[] for _ in sets]
    if parts:
        progress.stage("fitting classical models", len(parts))
        for own, dataset, part, row in zip(classical, sets, parts, rows, strict=True):
            own.append(fit_beside(dataset, part, row, choose_baselines(row, asked.baseline)[0]))
            notes += filter(None, [repeated_note(dataset, part)])
            progress.advance()
    peaks: dict[str, float | None] = {}
    if asked.memory:
        progress.stage("peak memory", len(entrants))
        for entrant in entrants:
            own = next(at for at, row in enumerate(rows) if entrant in row)
            peaks[entrant.label] = _peak(entrant, sets[own], threads)
            progress.advance()

    results: list[Result] = []
    differences: list[Difference] = []
    shown: list[ExampleRow] = []
    for dataset, row, fitted in zip(sets, rows, classical, strict=True):
        pipelines = [entrant.pipeline for entrant in row]
        answering = [*pipelines, *(entrant.model for entrant in fitted)]
        blocks = math.ceil(len(dataset) / asked.block_texts)
        progress.stage(dataset.name, blocks * len(answering) * asked.repetitions)
        runs = run_passes(
            answering,
            dataset.examples,
            repetitions=asked.repetitions,
            block_texts=asked.block_texts,
            warmup_texts=asked.warmup_texts,
            progress=progress,
        )
        sample = draw(dataset.examples, asked.latency_texts, asked.seed)
        progress.stage(f"{dataset.name}: latency", len(sample) * asked.repetitions)
        latencies = take_latency(
            answering, sample, repetitions=asked.repetitions, progress=progress
        )
        lengths = fitting_lengths(pipelines)
        progress.stage(f"{dataset.name}: latency by length", len(lengths))
        by_length = take_latency_by_length(pipelines, lengths, seed=asked.seed, progress=progress)
        further = _further_scores(dataset, pipelines, asked, progress)
        measured = [
            Measured(
                entrant=entrant,
                runs=own,
                latency=latency,
                by_length=curve,
                more_scores=scores,
                peak_memory_mb=peaks.get(entrant.label),
            )
            for entrant, own, latency, curve, scores in zip(
                row, runs, latencies, by_length, further, strict=False
            )
        ]
        measured += [
            Measured(entrant=entrant, runs=own, latency=latency)
            for entrant, own, latency in zip(
                fitted, runs[len(row) :], latencies[len(row) :], strict=True
            )
        ]
        baselines = choose_baselines(row, asked.baseline)
        baselines += [baselines[0]] * len(fitted)
        built = build_results(dataset, measured, baselines, seed=asked.seed)
        differences += compare_pairs(dataset, measured, built, seed=asked.seed)
        results += built
        shown += differing(
            dataset,
            [item.entrant.label for item in measured],
            [own[0].predictions for own in runs],
            count=asked.examples,
            seed=asked.seed,
        )
    notes += filter(None, [busy_note(results)])
    return Report(
        date=started.isoformat(),
        command=command,
        versions=installed_versions(CLASSICAL_PACKAGES if parts else ()),
        machine=describe_machine(threads),
        settings=Settings(
            repetitions=asked.repetitions,
            block_texts=asked.block_texts,
            warmup_texts=asked.warmup_texts,
            batch_tokens=max(entrant.pipeline.batch_tokens for entrant in entrants),
            latency_texts=asked.latency_texts,
            seed=asked.seed,
            limit=asked.limit,
            pseudo_texts=0 if table is None else asked.pseudo_texts,
            reference=table,
        ),
        baseline=asked.baseline or next(item.model for item in results if item.is_baseline),
        datasets=tuple(describe(dataset) for dataset in sets),
        results=tuple(results),
        differences=tuple(differences),
        examples=tuple(shown),
        study=beside_study(results),
        notes=tuple(notes),
    )


def _with_reference(
    entrants: list[Entrant], path: Path | None, baseline: str | None
) -> tuple[list[Entrant], str | None]:
    """The entrants, masked language models with the one table of reference; and its name."""
    readers = [entrant for entrant in entrants if entrant.pipeline.task.name == "masked_lm"]
    if not readers:
        return entrants, None
    owner = readers[choose_baselines(readers, baseline)[0]]
    table, name = choose_reference(
        path, [entrant.pipeline for entrant in readers], owner.pipeline, owner.directory
    )
    equipped = [
        dataclasses.replace(entrant, pipeline=with_reference(entrant.pipeline, table))
        if entrant in readers
        else entrant
        for entrant in entrants
    ]
    return equipped, name


def _further_scores(
    dataset: Dataset, pipelines: Sequence[Pipeline[Any]], asked: CompareSettings, progress: Progress
) -> list[Mapping[str, float]]:
    """Scores that cost so much that they are taken of a few texts, drawn at random."""
    few = draw(dataset.examples, asked.pseudo_texts, asked.seed)
    if not few:
        return [{} for _ in pipelines]
    progress.stage(f"{dataset.name}: further scores", len(pipelines))
    scores: list[Mapping[str, float]] = []
    for pipeline in pipelines:
        scores.append(further_scores(pipeline, few))
        progress.advance()
    return scores


def _peak(entrant: Entrant, dataset: Dataset, threads: int) -> float | None:
    """Peak memory in MB, on a few texts of the data set."""
    probe = Probe(
        model=str(entrant.directory),
        backend=entrant.backend,
        precision=entrant.precision,
        threads=threads,
        batch_tokens=entrant.pipeline.batch_tokens,
        texts=[raw_text(example) for example in dataset.examples[:PROBE_TEXTS]],
    )
    return peak_memory_mb(probe)
