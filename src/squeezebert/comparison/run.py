"""The whole comparison: load, check, measure, and put together what was found."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from squeezebert.comparison.classical import check_parts, fit_beside, repeated_note
from squeezebert.comparison.entrants import (
    Entrant,
    assign,
    check_baseline,
    choose_baselines,
    hard_to_compare,
    open_entrants,
)
from squeezebert.comparison.measure import Progress, Silent
from squeezebert.comparison.memory import Probe, peak_memory_mb
from squeezebert.comparison.reference import choose_reference, with_reference
from squeezebert.comparison.results import busy_note
from squeezebert.comparison.schema import Report, Settings
from squeezebert.comparison.sets import describe, prepare, raw_text
from squeezebert.comparison.settings import CompareSettings
from squeezebert.comparison.study import beside_study
from squeezebert.comparison.trial import Trial, run_trial
from squeezebert.data.catalog import Dataset
from squeezebert.engine import usable_cores
from squeezebert.machine import describe_machine, installed_versions

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
    sets = prepare(datasets, limit=asked.limit, seed=asked.seed)
    parts = check_parts(sets, train_parts)
    entrants, table = _enter(models, asked, threads, progress)
    rows, notes = assign(entrants, sets)
    for row, dataset in zip(rows, sets, strict=True):
        notes += hard_to_compare(row, dataset)
    trials = [Trial(dataset=dataset, entrants=row) for dataset, row in zip(sets, rows, strict=True)]
    if parts:
        trials = _with_classical(trials, parts, asked.baseline, progress)
        notes += filter(None, map(repeated_note, sets, parts))
    peaks = _peaks(trials, threads, progress) if asked.memory else {}
    outcomes = [run_trial(trial, asked, peaks_mb=peaks, progress=progress) for trial in trials]
    results = [result for outcome in outcomes for result in outcome.results]
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
        differences=tuple(item for outcome in outcomes for item in outcome.differences),
        examples=tuple(item for outcome in outcomes for item in outcome.examples),
        study=beside_study(results),
        notes=tuple(notes),
    )


def _enter(
    models: Sequence[str | Path], asked: CompareSettings, threads: int, progress: Progress
) -> tuple[list[Entrant], str | None]:
    """The models, loaded; and the name of the table of word vectors that all of them share."""
    backends = [*asked.backends]
    if asked.baseline == "transformers" and asked.baseline not in backends:
        backends.append(asked.baseline)
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
    return _with_reference(entrants, asked.reference, asked.baseline)


def _with_classical(
    trials: Sequence[Trial], parts: Sequence[Dataset], baseline: str | None, progress: Progress
) -> list[Trial]:
    """The trials, a classical model in each."""
    progress.stage("fitting classical models", len(parts))
    fitted: list[Trial] = []
    for trial, part in zip(trials, parts, strict=True):
        beside = choose_baselines(trial.entrants, baseline)[0]
        own = fit_beside(trial.dataset, part, trial.entrants, beside)
        fitted.append(dataclasses.replace(trial, classical=[own]))
        progress.advance()
    return fitted


def _peaks(trials: Sequence[Trial], threads: int, progress: Progress) -> dict[str, float | None]:
    """Peak memory of each entrant in MB, by label, on texts of its first data set."""
    first: dict[str, tuple[Entrant, Dataset]] = {}
    for trial in trials:
        for entrant in trial.entrants:
            first.setdefault(entrant.label, (entrant, trial.dataset))
    progress.stage("peak memory", len(first))
    peaks: dict[str, float | None] = {}
    for label, (entrant, dataset) in first.items():
        peaks[label] = _peak(entrant, dataset, threads)
        progress.advance()
    return peaks


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
