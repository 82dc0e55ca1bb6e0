"""Classical models on the rows of docs/results.md: the bar that its encoders have to pass."""

from __future__ import annotations

import time

from experiments.results.jobs import Job
from experiments.results.kept import KeptClassical
from squeezebert.classical import Classical, fit_classical
from squeezebert.data import open_dataset
from squeezebert.pipeline import load
from squeezebert.spec import TaskSpec

READER = "squeezebert-mini-mlm"
"""Whose tokens, masks and word vectors a classical masked LM is given."""


def fit_and_score(job: Job, *, limit: int | None = None) -> list[KeptClassical]:
    """One classical model, fitted to a recipe's training set and scored on each of its test parts.

    Args:
        job: The recipe and its sets.
        limit: Only the first so many texts of each test part.
    """
    model, rows = _fit(job)
    return [_score(model, rows, job, test, limit) for test in job.tests]


def _fit(job: Job) -> tuple[Classical, int]:
    train = open_dataset(job.tests[0], task=job.task, split="train")
    if job.task == "masked_lm":
        own = load(READER).task
        model = fit_classical(own.spec, train.examples, tokenizer=own.tokenizer)
        model.task = own
    else:
        spec = TaskSpec(task=job.task, labels=train.labels, problem_type=train.problem_type)
        model = fit_classical(spec, train.examples)
    return model, len(train)


def _score(model: Classical, rows: int, job: Job, test: str, limit: int | None) -> KeptClassical:
    examples = open_dataset(test, task=job.task).examples[:limit]
    begun = time.process_time()
    answers = model.answer(examples, with_labels=True)
    seconds = time.process_time() - begun
    scores = model.task.score(examples, answers.features, answers.reduced)
    return KeptClassical(
        data=test,
        model=model.name,
        rows=rows,
        texts=len(examples),
        scores={name: round(float(value), 5) for name, value in scores.values.items()},
        fit_cpu_seconds=round(model.watch.cpu_seconds, 1),
        answer_cpu_seconds=round(seconds, 1),
    )
