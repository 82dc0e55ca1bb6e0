"""Data sets known by name, and files of CoNLL columns, as rows with the labels that they have."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, TypeAlias

from squeezebert.data.catalog import Dataset
from squeezebert.data.examples import TextExample, TokenExample
from squeezebert.data.tags import entity_spans
from squeezebert.errors import InvalidInputError
from squeezebert.predicting.inputs import Inputs
from squeezebert.predicting.items import Item
from squeezebert.predicting.values import Kind

GOLD = "gold"
"""The column of the labels."""


class Examples:
    """The examples of a data set as rows: the columns are ``text``, ``pair`` where there is one,
    and ``gold``. They are in memory all at once.

    Args:
        dataset: Of texts or words.

    Raises:
        InvalidInputError: a data set for masked language models, which has no gaps to fill.
    """

    text = "text"
    files = ()
    format = "examples"
    encoding = "utf-8"
    dialect = None
    schema = None
    guessed = False

    def __init__(self, dataset: Dataset) -> None:
        if dataset.task == "masked_lm":
            raise InvalidInputError(
                f"{dataset.name} is for masked_lm, and its texts hold no [MASK] to fill",
                hint="`squeezebert evaluate` hides words of it and scores what a model guesses",
            )
        self.name = f"{dataset.name} ({dataset.split})"
        self.read = 0.0
        self._dataset = dataset
        paired = any(getattr(example, "pair", None) is not None for example in dataset.examples)
        self.pair = "pair" if paired else None
        self.columns = ("text", "pair", GOLD) if paired else ("text", GOLD)

    def items(self, *, whole: bool = True) -> Iterator[Item]:
        """All rows in their order, each with its example.

        Args:
            whole: As for :class:`~squeezebert.predicting.inputs.Inputs`; they are whole here.
        """
        del whole
        for number, example in enumerate(self._dataset.examples, start=1):
            self.read = number / len(self._dataset)
            where = example.where or f"{self.name}:{number}"
            yield Item(where=where, row=self._row(example), example=example)

    def survey(self) -> dict[str, Kind]:
        """The columns and what they hold."""
        kinds: dict[str, Kind] = dict.fromkeys(self.columns, "string")
        if self._dataset.task == "token_classification":
            kinds[GOLD] = "json"
        elif self._dataset.problem_type != "single_label":
            kinds[GOLD] = "json" if self._dataset.problem_type == "multi_label" else "number"
        return kinds

    def _row(self, example: TextExample | TokenExample) -> dict[str, Any]:
        if isinstance(example, TokenExample):
            found = [
                {"text": example.text[one.start : one.end], **dataclasses.asdict(one)}
                for one in entity_spans(example)
            ]
            return {"text": example.text, GOLD: found}
        label = example.label
        gold = list(label) if isinstance(label, tuple) else label
        pair = {} if self.pair is None else {"pair": example.pair}
        return {"text": example.text, **pair, GOLD: gold}


Rows: TypeAlias = Inputs | Examples
"""What a job can read."""
