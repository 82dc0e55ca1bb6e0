"""Classical models beside the encoders of a comparison: the bar that those have to pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from squeezebert.classical import Classical, fit_classical
from squeezebert.comparison.entrants import Entrant
from squeezebert.comparison.schema import Training
from squeezebert.data.catalog import Dataset
from squeezebert.data.examples import Document, TextExample, TokenExample
from squeezebert.errors import InvalidInputError, SqueezeBertError
from squeezebert.spec import TaskSpec
from squeezebert.tasks import MaskedLM

FAMILY = "classical"
"""The family of all classical models."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassicalEntrant:
    """A classical model that was fitted to the training part of one data set.

    Args:
        model: The fitted model.
        training: What fitting it took.
    """

    model: Classical
    training: Training

    @property
    def label(self) -> str:
        """What to call it; it says what it is wherever it stands."""
        return f"{self.model.name} ({FAMILY})"


def fit_beside(
    dataset: Dataset, train: Dataset, row: Sequence[Entrant], baseline: int
) -> ClassicalEntrant:
    """A classical model of a data set.

    Args:
        dataset: What it will be scored on.
        train: The training part, which it is fitted to.
        row: The models that it stands beside.
        baseline: Which of them tells a masked LM its tokens, masks and table of word vectors.

    Raises:
        InvalidInputError: a training part of another task, or one that holds every text of
            ``dataset``; texts that nothing can be fitted to.
        DataError: a training text without a label.
        MissingDependencyError: ``squeezebert[classical]`` is not installed.
    """
    if train.task != dataset.task or train.problem_type != dataset.problem_type:
        raise InvalidInputError(
            f"the training part {train.name} is for {train.task} ({train.problem_type}), the data "
            f"set {dataset.name} for {dataset.task} ({dataset.problem_type})"
        )
    if len(repeated(dataset, train)) == len(dataset):
        raise InvalidInputError(
            f"every text of {dataset.name} is in the part that the classical model would be "
            "fitted to, so that it would only repeat what it has seen",
            hint="give a directory that holds a train and a test file, or leave out the classical "
            "model (--classical, in Python train_parts=…)",
        )
    own = row[baseline].pipeline.task
    try:
        if isinstance(own, MaskedLM):
            fitted = fit_classical(own.spec, train.examples, tokenizer=own.tokenizer)
            # The same masks, and the same word vectors, as the model beside it.
            fitted.task = own
        else:
            labels = tuple(dict.fromkeys((*train.labels, *dataset.labels)))
            spec = TaskSpec(
                task=dataset.task,
                labels=labels or own.spec.labels,
                problem_type=dataset.problem_type,
            )
            fitted = fit_classical(spec, train.examples)
    except SqueezeBertError as error:
        raise type(error)(
            f"the classical model for {dataset.name}: {error.message}", hint=error.hint
        ) from error
    training = Training(
        texts=len(train),
        cpu_seconds=fitted.watch.cpu_seconds,
        wall_seconds=fitted.watch.wall_seconds,
    )
    return ClassicalEntrant(model=fitted, training=training)


def repeated(dataset: Dataset, train: Dataset) -> list[Any]:
    """The examples of ``dataset`` whose texts are in ``train`` as well."""
    seen = {_key(example) for example in train.examples}
    return [example for example in dataset.examples if _key(example) in seen]


def repeated_note(dataset: Dataset, train: Dataset) -> str | None:
    """What to say where texts are in both parts: a classical model profits from that most."""
    count = len(repeated(dataset, train))
    if not count:
        return None
    return (
        f"{count:,} of the {len(dataset):,} texts of {dataset.name} are in its training part as "
        "well, which the classical model was fitted to."
    )


def check_parts(datasets: Sequence[Dataset], parts: Sequence[Dataset]) -> list[Dataset]:
    """The training part of each data set.

    Raises:
        InvalidInputError: another number of them, or an empty one.
    """
    if parts and len(parts) != len(datasets):
        raise InvalidInputError(
            f"there are {len(parts)} training parts for {len(datasets)} data sets",
            hint="give one for each, in their order",
        )
    empty = next((part.name for part in parts if not part.examples), None)
    if empty is not None:
        raise InvalidInputError(f"the training part of {empty} is empty")
    return [
        dataclasses.replace(part, name=dataset.name)
        for part, dataset in zip(parts, datasets, strict=bool(parts))
    ]


def _key(example: TextExample | TokenExample | Document) -> object:
    if isinstance(example, TextExample):
        return example.text, example.pair
    return example.turns if isinstance(example, Document) else example.text
