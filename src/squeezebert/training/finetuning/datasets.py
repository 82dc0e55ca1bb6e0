"""The training and dev examples of a fine-tuning recipe: several data sets in a row."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from squeezebert.data import dataset_names
from squeezebert.data.catalog import Dataset
from squeezebert.data.data_recipe import DataSource
from squeezebert.data.splits import divide
from squeezebert.data.tags import head_labels, names_entities
from squeezebert.errors import ConfigError, DataError
from squeezebert.spec import ProblemType, TaskName
from squeezebert.training.recipe.run import FinetuneRecipe


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """What a model is fine-tuned on.

    Args:
        train: Examples of the task's kind.
        dev: The same, held out.
        labels: The head's outputs; IOB2 tags, or labels of words, for token classification.
        problem_type: Of text classification.
        languages: Of the data sets that say so.
        rows: ``(use, name, examples)`` of each set, for the model card.
        notes: Licenses and remarks, for the model card.
    """

    train: Sequence[Any]
    dev: Sequence[Any]
    labels: tuple[str, ...]
    problem_type: ProblemType
    languages: tuple[str, ...]
    rows: tuple[tuple[str, str, int], ...]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        *,
        train: Sequence[Any],
        dev: Sequence[Any],
        labels: tuple[str, ...],
        problem_type: ProblemType = "single_label",
        languages: tuple[str, ...] = (),
    ) -> TrainingData:
        """Examples that a program has in memory."""
        return cls(
            train=train,
            dev=dev,
            labels=labels,
            problem_type=problem_type,
            languages=languages,
            rows=(("train", "in memory", len(train)), ("dev", "in memory", len(dev))),
            notes=(),
        )


def open_training_data(recipe: FinetuneRecipe) -> TrainingData:
    """Reads, renames and joins the data sets of ``recipe``.

    Raises:
        ConfigError: no training data, or sets that do not go together.
        DataError, InvalidInputError: data that is not there or broken.
    """
    if not recipe.data.train:
        raise ConfigError(
            "data.train is empty",
            hint=f"the known sets for {recipe.task} are {', '.join(dataset_names(recipe.task))}",
        )
    train = [_open(source, recipe, source.split or "train") for source in recipe.data.train]
    dev = [_open(source, recipe, source.split or "dev") for source in recipe.data.dev]
    if not dev:
        for index, source in enumerate(recipe.data.train):
            own = _open_dev(source, recipe)
            if own is not None:
                dev.append(own)
            elif not train[index].is_soft and not _any_dev(recipe):
                train[index], held_out = _divide(train[index], recipe.data.dev_share)
                dev.append(held_out)
    problem_types: set[ProblemType] = {dataset.problem_type for dataset in train + dev}
    if len(problem_types) > 1:
        raise ConfigError(
            f"the data sets are {' and '.join(map(str, problem_types))}, expected one kind"
        )
    labels = _labels(recipe, train)
    data = TrainingData(
        train=[
            example
            for source, dataset in zip(recipe.data.train, train, strict=True)
            for example in _soft_in_order(dataset, labels) * source.repeat
        ],
        dev=[example for dataset in dev for example in dataset.examples],
        labels=labels,
        problem_type=problem_types.pop(),
        languages=recipe.languages or tuple(sorted({x for d in train for x in d.languages})),
        rows=tuple(
            (use, f"{d.name} ({d.split})", len(d))
            for use, datasets in (("train", train), ("dev", dev))
            for d in datasets
        ),
        notes=tuple(dict.fromkeys(_note(dataset) for dataset in train if dataset.license)),
    )
    for dataset in dev:
        if dataset.is_soft:
            raise ConfigError(
                f"{dataset.name} holds a teacher's labels, by which no weights are chosen",
                hint="name data that people labeled in data.dev, and this one in data.train",
            )
    for use in ("train", "dev"):
        if not getattr(data, use):
            raise DataError(
                f"there are no {use} examples in "
                + ", ".join(dict.fromkeys(d.name for d in train + dev)),
                hint="see data.dev_share, data.limit and label_map in the recipe",
            )
    return data


def _open(source: DataSource, recipe: FinetuneRecipe, split: str) -> Dataset:
    return source.open(task=recipe.task, split=split, problem_type=recipe.problem_type)


def _soft_in_order(dataset: Dataset, labels: Sequence[str]) -> list[Any]:
    """The examples, soft labels in the order of the head's outputs."""
    if not dataset.is_soft or dataset.problem_type == "regression":
        return dataset.examples
    if sorted(dataset.labels) != sorted(labels):
        raise ConfigError(
            f"{dataset.name} has soft labels for {', '.join(dataset.labels)}, "
            f"but the model's are {', '.join(labels)}",
            hint="fine-tune the teacher with the same data.labels",
        )
    order = [dataset.labels.index(label) for label in labels]
    return [dataclasses.replace(e, soft=e.soft[..., order]) for e in dataset.examples]


def _open_dev(source: DataSource, recipe: FinetuneRecipe) -> Dataset | None:
    """The dev split beside a training set, or None where it has none."""
    if Path(source.path).is_file():
        return None
    try:
        return _open(dataclasses.replace(source, limit=0), recipe, "dev")
    except DataError:
        return None


def _any_dev(recipe: FinetuneRecipe) -> bool:
    return any(_open_dev(source, recipe) is not None for source in recipe.data.train)


def _divide(dataset: Dataset, share: float) -> tuple[Dataset, Dataset]:
    """Training and dev part; each class in the same share."""
    by_label = dataset.task == "text_classification"
    train, dev = divide(dataset.examples, share, by_label=by_label)
    return (
        dataclasses.replace(dataset, examples=train),
        dataclasses.replace(dataset, examples=dev, split="dev"),
    )


def _labels(recipe: FinetuneRecipe, train: Sequence[Dataset]) -> tuple[str, ...]:
    task: TaskName = recipe.task
    if task == "masked_lm":
        return ()
    if train[0].problem_type == "regression":
        return ("value",)
    given = recipe.data.labels
    if task == "token_classification":
        kinds = {names_entities(dataset.labels) for dataset in train}
        if len(kinds) > 1:
            raise ConfigError(
                "some training sets name entities, others label words, expected one kind",
                hint="see label_map and tag_column of the data sets",
            )
        if given and kinds == {True}:
            return ("O", *(prefix + kind for kind in given for prefix in ("B-", "I-")))
        return given or head_labels(tag for dataset in train for tag in dataset.labels)
    return given or tuple(dict.fromkeys(x for dataset in train for x in dataset.labels))


def _note(dataset: Dataset) -> str:
    note = f" ({dataset.note})" if dataset.note else ""
    return f"{dataset.name}: license {dataset.license}{note}."
