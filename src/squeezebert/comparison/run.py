"""The whole comparison: load, check, measure, and put together what was found."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from squeezebert.backends import DEFAULT_BACKEND
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
from squeezebert.comparison.results import Measured, build_results
from squeezebert.comparison.schema import ExampleRow, Report, Result, Settings
from squeezebert.comparison.sets import describe, draw, prepare, raw_text
from squeezebert.comparison.study import beside_study
from squeezebert.data.catalog import Dataset
from squeezebert.engine import usable_cores
from squeezebert.errors import InvalidInputError
from squeezebert.evaluation import pseudo_perplexity
from squeezebert.machine import describe_machine, installed_versions
from squeezebert.pipeline import Pipeline

PROBE_TEXTS = 8
"""Texts that the process predicts whose memory is measured."""


def compare(
    models: Sequence[str | Path],
    datasets: Sequence[Dataset],
    *,
    backends: Sequence[str] = (DEFAULT_BACKEND,),
    precisions: Sequence[str] = ("auto",),
    baseline: str | None = None,
    repetitions: int = 3,
    limit: int | None = None,
    threads: int | None = None,
    batch_tokens: int | None = None,
    block_texts: int = 32,
    warmup_texts: int = 16,
    latency_texts: int = 50,
    pseudo_texts: int = 4,
    examples: int = 8,
    memory: bool = True,
    reference: Path | None = None,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> Report:
    """Runs models over data sets side by side; ``docs/comparison.md`` tells the method.

    Every model runs on the data sets of its task whose labels it knows. All are loaded, and tried
    in a process of their own, before anything is measured.

    Args:
        models: Directories, names of shipped models, or names on the Hugging Face hub.
        datasets: From :func:`squeezebert.data.catalog.open_dataset`.
        backends: What runs the models; every model under each of them.
        precisions: In what the engine computes; every model in each of them.
        baseline: What speed is compared with: the name of a model; ``transformers``, each model's
            double under Hugging Face's own code; or None, the first BERT on the data set.
        repetitions: Passes over each data set.
        limit: The most texts of a data set, drawn at random by ``seed``; all where None.
        threads: CPU threads of each model; all usable cores where None.
        batch_tokens: The most tokens of a batch; what suits each backend where None.
        block_texts: Texts that a model answers before the next model's turn.
        warmup_texts: Texts that each model answers before time is taken.
        latency_texts: Texts for the latency at batch 1.
        pseudo_texts: Documents of a masked-LM data set for the pseudo-perplexity, which takes a run
            of the model for each of their tokens; 0 leaves it out.
        examples: The most texts a data set on which the models differ, to be shown.
        memory: Whether to try each model in a process of its own and measure its peak memory.
        reference: A file of reference embeddings for masked LM; see
            :func:`squeezebert.comparison.reference.choose_reference` for None.
        seed: Of what is drawn: the limit, the latency's texts, the examples shown.
        command: The command line, for the report.
        progress: Told how far it is.

    Raises:
        CheckpointError: a model that does not load; before anything is measured.
        InvalidInputError: an option that cannot be, a data set that no model fits, a model that
            fits no data set.
        DataError: a label that a model does not know.
    """
    _check(
        repetitions=repetitions,
        limit=1 if limit is None else limit,
        batch_tokens=1 if batch_tokens is None else batch_tokens,
        block_texts=block_texts,
        warmup_texts=warmup_texts,
        latency_texts=latency_texts,
        threads=1 if threads is None else threads,
    )
    progress = progress or Silent()
    started = datetime.now(tz=UTC).replace(microsecond=0)
    threads = threads or usable_cores()
    if baseline == "transformers" and baseline not in backends:
        backends = [*backends, baseline]
    sets = prepare(datasets, limit=limit, seed=seed)

    progress.stage("loading models", 1)
    entrants = open_entrants(
        models, backends, precisions=precisions, threads=threads, batch_tokens=batch_tokens
    )
    progress.advance()
    check_baseline(entrants, baseline)
    entrants, table = _with_reference(entrants, reference, baseline)
    rows, notes = assign(entrants, sets)
    notes += [
        note
        for row, dataset in zip(rows, sets, strict=True)
        for note in hard_to_compare(row, dataset)
    ]
    peaks: dict[str, float | None] = {}
    if memory:
        progress.stage("peak memory", len(entrants))
        for entrant in entrants:
            own = next(at for at, row in enumerate(rows) if entrant in row)
            peaks[entrant.label] = _peak(entrant, sets[own], threads)
            progress.advance()

    results: list[Result] = []
    shown: list[ExampleRow] = []
    for dataset, row in zip(sets, rows, strict=True):
        pipelines = [entrant.pipeline for entrant in row]
        blocks = math.ceil(len(dataset) / block_texts)
        progress.stage(dataset.name, blocks * len(row) * repetitions)
        runs = run_passes(
            pipelines,
            dataset.examples,
            repetitions=repetitions,
            block_texts=block_texts,
            warmup_texts=warmup_texts,
            progress=progress,
        )
        sample = draw(dataset.examples, latency_texts, seed)
        progress.stage(f"{dataset.name}: latency", len(sample) * repetitions)
        latencies = take_latency(pipelines, sample, repetitions=repetitions, progress=progress)
        lengths = fitting_lengths(pipelines)
        progress.stage(f"{dataset.name}: latency by length", len(lengths))
        by_length = take_latency_by_length(pipelines, lengths, seed=seed, progress=progress)
        pseudo = _pseudo_perplexities(dataset, pipelines, pseudo_texts, seed, progress)
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
                row, runs, latencies, by_length, pseudo, strict=True
            )
        ]
        results += build_results(dataset, measured, choose_baselines(row, baseline))
        shown += differing(
            dataset,
            [entrant.label for entrant in row],
            [own[0].predictions for own in runs],
            count=examples,
            seed=seed,
        )
    return Report(
        date=started.isoformat(),
        command=command,
        versions=installed_versions(),
        machine=describe_machine(threads),
        settings=Settings(
            repetitions=repetitions,
            block_texts=block_texts,
            warmup_texts=warmup_texts,
            batch_tokens=max(entrant.pipeline.batch_tokens for entrant in entrants),
            latency_texts=latency_texts,
            seed=seed,
            limit=limit,
            pseudo_texts=0 if table is None else pseudo_texts,
            reference=table,
        ),
        baseline=baseline or next(item.model for item in results if item.is_baseline),
        datasets=tuple(describe(dataset) for dataset in sets),
        results=tuple(results),
        examples=tuple(shown),
        study=beside_study(results),
        notes=tuple(notes),
    )


def _check(**numbers: int) -> None:
    for name, value in numbers.items():
        if value < 1:
            raise InvalidInputError(f"{name} is {value}, expected 1 or more")


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


def _pseudo_perplexities(
    dataset: Dataset, pipelines: Sequence[Pipeline], texts: int, seed: int, progress: Progress
) -> list[dict[str, float]]:
    """That one score of each model, on documents drawn at random; none for other tasks."""
    if dataset.task != "masked_lm" or texts < 1:
        return [{} for _ in pipelines]
    documents = draw(dataset.examples, texts, seed)
    progress.stage(f"{dataset.name}: pseudo-perplexity", len(pipelines))
    scores: list[dict[str, float]] = []
    for pipeline in pipelines:
        scores.append({"pseudo_perplexity": pseudo_perplexity(pipeline, documents)})
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
