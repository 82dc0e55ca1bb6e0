"""An exported model beside our engine in float32, on real texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.data.catalog import dataset_names, open_dataset
from squeezebert.data.sources import SOURCES
from squeezebert.engine import Engine
from squeezebert.errors import CheckpointError
from squeezebert.spec import TaskName, TaskSpec
from squeezebert.tasks import make_task
from squeezebert.tasks.base import batch_positions
from squeezebert.tokenizer import Tokenizer

Float32 = NDArray[np.float32]

TEXTS = 64
"""Of each sample."""

BATCH = 8
"""Texts of all lengths that go together, so that most are padded."""

CLOSE = 2e-4
"""By how much float32 may differ, in parts of the largest answer (or of 1)."""

LEAST_COSINE = 0.97
"""Between an int8 model's answers and ours in float32."""


class Exported(Protocol):
    """A model of another run-time."""

    def logits(self, batch: RaggedBatch, positions: NDArray[np.int64] | None = None) -> Float32:
        """See :class:`squeezebert.tasks.base.Model`; of a bare encoder its last hidden states."""
        ...


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A batch that both models are asked about.

    Args:
        batch: Its sequences.
        positions: Of a masked LM, the tokens that are to be guessed.
    """

    batch: RaggedBatch
    positions: NDArray[np.int64] | None


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How alike two models answer.

    Args:
        answers: How many were compared: texts, tokens or gaps, by task.
        same_answers: How many of these have the same label or token; None for a model that gives
            numbers.
        max_difference: The largest of two logits, or numbers of a hidden state.
        mean_difference: The mean.
        cosine: Of all numbers taken as one vector.
        largest: The largest of ours.
    """

    answers: int
    same_answers: int | None
    max_difference: float
    mean_difference: float
    cosine: float
    largest: float


def sample_names(spec: TaskSpec | None) -> list[str]:
    """The sample data that suits a task, in the model's languages where it says which."""
    task: TaskName = "text_classification" if spec is None else spec.task
    names = [name for name in dataset_names(task) if name.startswith("sample_")]
    languages = set() if spec is None else set(spec.languages)
    return [name for name in names if languages & set(SOURCES[name].languages)] or names


def questions(spec: TaskSpec | None, tokenizer: Tokenizer, max_length: int) -> list[Asked]:
    """The sample's texts in batches, and one input of the greatest length.

    Args:
        spec: What the model is for; a bare encoder where None.
        tokenizer: Its.
        max_length: The most tokens of an input.
    """
    # A bare encoder is asked about the texts that a classifier would be asked about.
    asked = spec or TaskSpec(
        task="text_classification",
        labels=("any",),
        problem_type="regression",
        max_length=max_length,
    )
    task = make_task(asked, tokenizer)
    result: list[Asked] = []
    for name in sample_names(spec):
        examples = open_dataset(name, task=asked.task, split="test").examples[:TEXTS]
        features = task.encode(examples, with_labels=asked.task == "masked_lm")
        for at in range(0, len(features), BATCH):
            some = features[at : at + BATCH]
            batch = RaggedBatch.from_features(some)
            places = [at for item in some if (at := task.positions(item)) is not None]
            positions = batch_positions(batch, places) if places else None
            result.append(Asked(batch=batch, positions=positions))
    ids = np.resize(np.concatenate([one.batch.input_ids for one in result]), max_length)
    result.append(Asked(batch=RaggedBatch.of([ids]), positions=None))
    return result


def reference_answers(engine: Engine, asked: Sequence[Asked]) -> list[Float32]:
    """What our engine answers."""
    answers: list[Float32] = []
    for one in asked:
        batch = one.batch
        sequences = (batch.input_ids, batch.cu_seqlens, batch.token_type_ids)
        if engine.head is None:
            answers.append(engine.encode(*sequences))
        else:
            answers.append(engine.logits(*sequences, positions=one.positions))
    return answers


def agreement(
    model: Exported, spec: TaskSpec | None, asked: Sequence[Asked], expected: Sequence[Float32]
) -> Agreement:
    """Asks the exported model the same.

    Args:
        model: It.
        spec: What it is for.
        asked: The batches.
        expected: What our engine answered, batch by batch.
    """
    theirs = [model.logits(one.batch, one.positions) for one in asked]
    for got, ours in zip(theirs, expected, strict=True):
        if got.shape != ours.shape or not np.isfinite(got).all():
            raise CheckpointError(
                f"the exported model gives an array of shape {got.shape}, expected "
                f"{ours.shape} finite numbers"
            )
    ours, got = (np.concatenate(rows).astype(np.float64) for rows in (expected, theirs))
    difference = np.abs(got - ours)
    labels = [_labels(rows, spec) for rows in (ours, got)]
    same = None if labels[0] is None else int((labels[0] == labels[1]).sum())
    norm = float(np.linalg.norm(ours) * np.linalg.norm(got))
    return Agreement(
        answers=ours.size if spec and spec.problem_type == "multi_label" else len(ours),
        same_answers=same,
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        cosine=float((ours * got).sum()) / norm if norm else 1.0,
        largest=float(np.abs(ours).max()),
    )


def _labels(logits: NDArray[np.float64], spec: TaskSpec | None) -> NDArray[np.int64] | None:
    """What a person would read off; None where that is the number itself."""
    if spec is None or spec.problem_type == "regression":
        return None
    if spec.problem_type == "multi_label":
        return (logits > 0).astype(np.int64)
    return logits.argmax(axis=-1)


def check(found: Agreement, precision: str, what: str) -> None:
    """Refuses a model that does not answer as ours does.

    Args:
        found: How alike they are.
        precision: ``float32`` or ``int8``.
        what: The model, for messages.

    Raises:
        CheckpointError: it differs by more than rounding.
    """
    bound = CLOSE * max(1.0, found.largest)
    if precision == "float32" and found.max_difference > bound:
        raise CheckpointError(
            f"{what} does not answer as the engine does: its answers differ by up to "
            f"{found.max_difference:.2g}, expected at most {bound:.2g}",
            hint="please report it, with the model if you can",
        )
    if found.cosine < LEAST_COSINE:
        raise CheckpointError(
            f"{what} loses too much: the cosine of its answers to float32's is "
            f"{found.cosine:.4f}, expected at least {LEAST_COSINE}",
            hint="export it with --precision float32",
        )
