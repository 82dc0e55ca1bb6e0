"""Labels that rows of the input have already, and how far a model's answers agree with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from squeezebert.data.examples import Span, TokenExample
from squeezebert.data.messages import broken, shown
from squeezebert.data.records import Row
from squeezebert.data.spans import read_span_row
from squeezebert.data.tables import LabelParser
from squeezebert.data.tags import entity_spans
from squeezebert.errors import DataError, InvalidInputError
from squeezebert.pipeline import Prediction
from squeezebert.predicting.items import Item
from squeezebert.spec import TaskSpec
from squeezebert.tasks import MultiClassification, TextPrediction
from squeezebert.tasks.entities import Entity
from squeezebert.tasks.tag_sets import TagSet


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Answers beside the labels of their rows, counted.

    Args:
        rows: Answered rows that have a label.
        gold: Labels of them, or entities.
        told: Labels or entities that the model told.
        right: Those that are in both.
        distance: Regression: the sum of how far the answers are off.
        unknown: Labels or entities among ``gold`` that the model cannot tell, as it has no such
            label or type.
        first_unknown: The first of these.
    """

    rows: int = 0
    gold: int = 0
    told: int = 0
    right: int = 0
    distance: float = 0.0
    unknown: int = 0
    first_unknown: str = ""

    def __add__(self, other: Agreement) -> Agreement:
        """Those of two parts of the input together."""
        return Agreement(
            rows=self.rows + other.rows,
            gold=self.gold + other.gold,
            told=self.told + other.told,
            right=self.right + other.right,
            distance=self.distance + other.distance,
            unknown=self.unknown + other.unknown,
            first_unknown=self.first_unknown or other.first_unknown,
        )

    def sentence(self, spec: TaskSpec, column: str) -> str:
        """One line for a person: the score that ``squeezebert evaluate`` ranks by, on these rows.

        Args:
            spec: The model's.
            column: That of the labels.

        >>> spec = TaskSpec(task="text_classification", labels=("ham", "spam"))
        >>> Agreement(rows=4, gold=4, told=4, right=3).sentence(spec, "kind")
        "3 of 4 answers agree with the column 'kind' (accuracy 0.7500)"
        """
        beside = f"with the column {column!r}"
        if spec.problem_type == "regression":
            return (
                f"{self.rows:,} answers are {self.distance / self.rows:.3f} off on average {beside}"
            )
        f1 = 2 * self.right / max(self.gold + self.told, 1)
        if spec.task == "token_classification":
            return (
                f"{self.right:,} of {self.told:,} entities found agree {beside}, which has "
                f"{self.gold:,} (entity F1 {f1:.4f}, {self.rows:,} rows)"
            )
        if spec.problem_type == "multi_label":
            return (
                f"{self.right:,} of {self.told:,} labels told agree {beside}, which has "
                f"{self.gold:,} (micro F1 {f1:.4f}, {self.rows:,} rows)"
            )
        accuracy = self.right / max(self.rows, 1)
        return f"{self.right:,} of {self.rows:,} answers agree {beside} (accuracy {accuracy:.4f})"


@dataclass(frozen=True, kw_only=True)
class Gold:
    """The labels of the input's rows.

    Args:
        spec: The model's.
        column: Theirs.
        text: That of the text, which entities stand in.
        label_map: Their new names by old ones; what is renamed to "" is not compared.

    Raises:
        InvalidInputError: a model that tells no labels.
    """

    spec: TaskSpec
    column: str
    text: str = "text"
    label_map: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        if self.spec.task == "masked_lm":
            raise InvalidInputError(
                "--label names a column of labels, and a masked language model tells none",
                hint="`squeezebert evaluate` scores such a model on texts as they are",
            )

    def refusal(self, item: Item) -> DataError | None:
        """Why the label of a row cannot be read, or None."""
        try:
            self._label(item)
        except DataError as error:
            return error
        return None

    def agreement(self, item: Item, answer: Prediction | None) -> Agreement:
        """A row's; one of no rows where it has no label, or no answer.

        Args:
            item: The row, whose label can be read.
            answer: What the model says of it; None where it has no text.
        """
        label = self._label(item)
        if answer is None or label is None:
            return Agreement()
        if not isinstance(label, set):
            return Agreement(rows=1, distance=abs(cast("TextPrediction", answer).score - label))
        told = _told(answer)
        if isinstance(item.example, TokenExample) and item.example.types is not None:
            told = {
                one for one in told if one.type in item.example.types
            }  # others nobody looked for
        unknown = sorted({_name(one) for one in label} - self._known)
        return Agreement(
            rows=1,
            gold=len(label),
            told=len(told),
            right=len(label & told),
            unknown=sum(_name(one) in unknown for one in label),
            first_unknown=unknown[0] if unknown else "",
        )

    @property
    def _known(self) -> set[str]:
        if self.spec.task == "token_classification":
            return {*TagSet(self.spec.labels).types}
        return {*self.spec.labels}

    def _label(self, item: Item) -> set[Any] | float | None:
        """The label of a row, renamed: a number, or what can be right or wrong of it."""
        row = item.row or {}
        value = row.get(self.column)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if self.spec.task == "token_classification":
            return self._entities(row, value, item.where)
        label = LabelParser(self.spec.problem_type)(value, item.where)
        if not isinstance(label, str | tuple):
            return label
        old = {label} if isinstance(label, str) else {*label}
        new = {self.label_map.get(one, one) for one in old} - {""}
        return new if new or not isinstance(label, str) else None

    def _entities(self, row: Row, value: object, where: str) -> set[Span] | None:
        if not str(row.get(self.text) or "").strip():
            return None
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise broken(
                    where,
                    f"{self.column!r} is {shown(value)}",
                    "entities as JSON",
                    'for example [{"start": 0, "end": 3, "type": "PER"}]',
                ) from None
        example = read_span_row(
            {**row, self.column: value}, where, text=self.text, entities=self.column
        )
        return {
            replace(span, type=new)
            for span in entity_spans(example)
            if (new := self.label_map.get(span.type, span.type))
        }


def _told(answer: Prediction) -> set[Any]:
    if isinstance(answer, tuple):
        return {
            Span(start=one.start, end=one.end, type=one.type)
            for one in answer
            if isinstance(one, Entity)
        }
    return {*answer.labels} if isinstance(answer, MultiClassification) else {answer.label}


def _name(one: str | Span) -> str:
    return one if isinstance(one, str) else one.type
