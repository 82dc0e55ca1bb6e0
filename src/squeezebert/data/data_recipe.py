"""``[data]`` of a recipe: which data sets, and how each is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from squeezebert.data.bad_rows import BadRows
from squeezebert.data.catalog import Dataset, dataset_names, open_dataset
from squeezebert.data.label_map import entity_types, rename_labels
from squeezebert.data.tables import EmptyText
from squeezebert.errors import ConfigError
from squeezebert.spec import ProblemType, TaskName


def require(condition: bool, name: str, value: object, expected: str) -> None:
    """Refuses a setting that cannot be."""
    if not condition:
        raise ConfigError(f"{name} is {value!r}, expected {expected}")


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """One data set: a known name, a file or a directory, and how to read it.

    Args:
        path: A known data set's name, a file, or a directory with ``train`` and ``dev`` files.
        split: Which part of it; empty: ``train`` or ``dev``, by the list that the source is in.
        text: Column of the text, or several that are joined. This and the next few are for a
            person's own files; see :func:`squeezebert.data.open_dataset`.
        label: Column of the label.
        pair: Column of the second text of a pair; empty: none.
        delimiter: What stands between columns; empty: by the file's suffix.
        quoted: Whether ``"`` quotes a cell of a table; left out: by the delimiter.
        empty: What to do with empty texts of a table: ``error``, ``skip`` or ``keep``.
        scheme: How entities are tagged, see :mod:`squeezebert.data.tags`; empty: found out.
        token_column: Where the word stands in CoNLL columns.
        tag_column: Where its tag stands.
        encoding: Of the file.
        bad_rows: What to do with rows that cannot be read: ``error``, ``skip`` or ``report``.
        label_map: Renames this set's labels (for token classification entity types, without ``B-``
            and ``I-``, or whole tags, or labels of words); a label renamed to the empty string is
            dropped: its examples for text classification, its entities for token classification.
        types: The entity types that this set's annotators looked for, after ``label_map``; empty:
            all. A word that they left untagged is then not learned to be none of the others.
        limit: At most that many examples, spread evenly over the set; 0: all.
        repeat: How many times an epoch reads the set, so that a small good one counts beside a
            large one. Training sets only.
    """

    path: str
    split: str = ""
    text: tuple[str, ...] = ("text",)
    label: str = "label"
    pair: str = ""
    delimiter: str = ""
    quoted: bool | None = None
    empty: EmptyText = "error"
    scheme: Literal["", "IOB1", "IOB2", "IOBES", "BILOU", "IO", "words"] = ""
    token_column: int = 0
    tag_column: int = -1
    encoding: str = "utf-8"
    bad_rows: BadRows = "error"
    label_map: Mapping[str, str] = field(default_factory=dict[str, str])
    types: tuple[str, ...] = ()
    limit: int = 0
    repeat: int = 1

    def __post_init__(self) -> None:
        require(self.repeat >= 1, "repeat", self.repeat, "1 or more")

    def open(self, *, task: TaskName, split: str, problem_type: ProblemType) -> Dataset:
        """The data set, renamed and limited as the source says.

        Args:
            task: What its examples are for.
            split: Which part of it, whatever the source says.
            problem_type: What the labels of a file are; known sets say it themselves.

        Raises:
            ConfigError: ``types`` that cannot be.
            DataError, InvalidInputError: as for :func:`squeezebert.data.open_dataset`.
        """
        if self.path in dataset_names():
            dataset = open_dataset(self.path, task=task, split=split)
        else:
            dataset = open_dataset(
                self.path,
                task=task,
                split=split,
                text=self.text[0] if len(self.text) == 1 else self.text,
                label=self.label,
                pair=self.pair or None,
                problem_type=problem_type,
                delimiter=self.delimiter or None,
                quoted=self.quoted,
                empty=self.empty,
                scheme=self.scheme or None,
                token_column=self.token_column,
                tag_column=self.tag_column,
                encoding=self.encoding,
                bad_rows=self.bad_rows,
            )
        if self.label_map:
            dataset = rename_labels(dataset, self.label_map)
        if self.types:
            dataset = _of_types(dataset, self.types)
        if self.limit and len(dataset) > self.limit:
            step = len(dataset) / self.limit
            kept = [dataset.examples[int(index * step)] for index in range(self.limit)]
            dataset = dataclasses.replace(dataset, examples=kept)
        return dataset


@dataclass(frozen=True, kw_only=True)
class DataRecipe:
    """``[data]``: what a model is fine-tuned on.

    Args:
        train: Data sets to train on, joined in this order. A plain string stands for a
            :class:`DataSource` with that path.
        dev: Data sets to measure on; empty: the ``dev`` split of those in ``train`` that have
            one, else a share of the training data.
        dev_share: The share of the training examples that becomes the dev set where there is no
            other.
        labels: Classes (entity types, without ``B-`` and ``I-``, for token classification) in
            the order of the head's outputs; empty: those of the training data.
    """

    train: tuple[DataSource, ...] = ()
    dev: tuple[DataSource, ...] = ()
    dev_share: float = 0.1
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(0 < self.dev_share < 1, "dev_share", self.dev_share, "a share in (0, 1)")
        require(len(set(self.labels)) == len(self.labels), "labels", self.labels, "no label twice")


def _of_types(dataset: Dataset, types: tuple[str, ...]) -> Dataset:
    """``dataset`` with what its annotators looked for."""
    if dataset.task != "token_classification":
        raise ConfigError(f"types is set for {dataset.name}, which has no entities")
    more = sorted(set(entity_types(dataset.labels)) - set(types))
    if more:
        raise ConfigError(
            f"types of {dataset.name} lacks {', '.join(map(repr, more))}",
            hint="name all entity types that the set's annotators looked for, as label_map "
            "leaves them",
        )
    examples = [dataclasses.replace(example, types=types) for example in dataset.examples]
    return dataclasses.replace(dataset, examples=examples)
