"""CPU times of the models of docs/results.md, all of a data set in turn."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.results.jobs import Job, Start, directory, find_jobs, named, say, tested
from experiments.results.kept import Archive
from squeezebert.benchmark.cpu_time import least_cpu_ms
from squeezebert.data import open_dataset
from squeezebert.machine import describe_machine
from squeezebert.pipeline import load
from squeezebert.scored_runs import PRECISIONS, SCORES
from squeezebert.training.finetuning.finetune import finetune

TIMED_TEXTS = 256


def take_times(
    options: argparse.Namespace,
    archive: Archive,
    starts: Mapping[str, Start],
    settings: Mapping[str, str],
) -> None:
    """CPU milliseconds a text, from raw text to prediction, on one thread: by data set, start and
    precision.

    All models of a set take turns over the same texts. A set's times are kept until it has another
    start, or a start other weights, or ``--times`` asks; another recipe of a start changes nothing.
    They are those of seed 0, or where that was trained elsewhere, of a model as large, trained for
    two steps.
    """
    machine = describe_machine(1).cpu
    for test, recipes in tested(archive).items():
        jobs, _ = find_jobs(recipes[:1])
        for job in jobs:
            made_from: dict[str, set[str]] = {}
            for run in archive.runs.values():
                if test in run.texts:
                    made_from.setdefault(run.start, set()).add(run.made_from)
            names = sorted(made_from)
            if not options.times and _still_true(archive.times.get(test), made_from):
                continue
            say(f"taking times on {test}")
            pipelines = {
                (name, precision): load(
                    timed_model(options, job, starts.get(name) or named(name), settings),
                    precision=precision,
                    threads=1,
                )
                for name in names
                for precision in PRECISIONS
            }
            examples = open_dataset(test, task=job.task).examples[: options.limit]
            step = max(len(examples) / TIMED_TEXTS, 1.0)
            texts = [examples[int(at * step)] for at in range(min(len(examples), TIMED_TEXTS))]
            calls = [
                functools.partial(pipeline.answer, texts, with_labels=True)
                for pipeline in pipelines.values()
            ]
            least = least_cpu_ms(calls, rounds=options.rounds)
            cpu_ms: dict[str, dict[str, float]] = {name: {} for name in names}
            for (name, precision), total in zip(pipelines, least, strict=True):
                cpu_ms[name][precision] = round(total / len(texts), 4)
            isa = next(iter(pipelines.values())).backend.instruction_set
            about = {"data": test, "made_from": sorted(set().union(*made_from.values()))}
            archive.add_times({**about, "cpu": machine, "isa": isa, "cpu_ms": cpu_ms})


def _still_true(row: Mapping[str, Any] | None, made_from: Mapping[str, set[str]]) -> bool:
    """Whether a set's times are of these starts, each with a run that they were taken for."""
    return (
        row is not None
        and row["cpu_ms"].keys() == made_from.keys()
        and all(known.intersection(row["made_from"]) for known in made_from.values())
    )


def timed_model(
    options: argparse.Namespace, job: Job, start: Start, settings: Mapping[str, str]
) -> Path:
    """A model of this recipe and start: what it has learnt does not change how long it takes."""
    path = directory(options.runs, start.name, job, 0)
    if (path / SCORES).is_file():
        return path
    path = options.runs / "timed" / start.name / job.name
    brief = {**settings, "loop.max_steps": "2"}
    finetune(job.recipe(Start(start.name, start.model), 0, brief, options.runs), path, resume=True)
    return path
