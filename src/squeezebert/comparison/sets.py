"""The data sets of a comparison, made ready."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from squeezebert.comparison.schema import DatasetInfo
from squeezebert.data.catalog import Dataset
from squeezebert.data.examples import Document, TextExample, TokenExample
from squeezebert.errors import InvalidInputError
from squeezebert.pipeline import Text
from squeezebert.wordpiece import MASK


def prepare(datasets: Sequence[Dataset], *, limit: int | None, seed: int) -> list[Dataset]:
    """The data sets under names of their own, cut to ``limit`` examples each.

    Raises:
        InvalidInputError: none, an empty one, or one given twice.
    """
    if not datasets:
        raise InvalidInputError("a comparison needs a data set at least")
    names = [Path(dataset.name).name for dataset in datasets]
    prepared: list[Dataset] = []
    for name, dataset in zip(names, datasets, strict=True):
        if not dataset.examples:
            raise InvalidInputError(f"the data set {dataset.name} is empty")
        unique = name if names.count(name) == 1 else f"{name} ({dataset.task}, {dataset.split})"
        if any(unique == other.name for other in prepared):
            raise InvalidInputError(f"the data set {dataset.name} is given twice")
        kept = draw(dataset.examples, limit or len(dataset), seed)
        prepared.append(dataclasses.replace(dataset, name=unique, examples=kept))
    return prepared


def draw(items: Sequence[Any], count: int, seed: int) -> list[Any]:
    """Up to ``count`` items drawn at random, in their order.

    >>> len(draw("abcdef", 3, seed=0)), draw("ab", 3, seed=0)
    (3, ['a', 'b'])
    """
    if count >= len(items):
        return list(items)
    drawn = np.random.default_rng(seed).choice(len(items), size=count, replace=False)
    return [items[at] for at in sorted(drawn.tolist())]


def describe(dataset: Dataset) -> DatasetInfo:
    """What the report says of a data set."""
    return DatasetInfo(
        name=dataset.name,
        task=dataset.task,
        split=dataset.split,
        texts=len(dataset),
        labels=dataset.labels,
        languages=dataset.languages,
        license=dataset.license,
        note=dataset.note,
    )


def raw_text(example: TextExample | TokenExample | Document) -> Text:
    """An example as a person would type it; a document with one word to be guessed at its end.

    >>> raw_text(Document(turns=("Hello.", "Hi.")))
    'Hello. Hi. [MASK]'
    """
    if isinstance(example, Document):
        return " ".join([*example.turns, MASK])
    if isinstance(example, TextExample) and example.pair is not None:
        return (example.text, example.pair)
    return example.text
