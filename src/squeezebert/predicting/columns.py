"""Predictions as columns under plain names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from squeezebert.data.messages import listed
from squeezebert.errors import InvalidInputError
from squeezebert.pipeline import Prediction
from squeezebert.spec import TaskSpec
from squeezebert.tasks import FilledMask, MultiClassification, TextPrediction

ColumnKind = Literal["string", "integer", "number", "names", "probabilities", "entities", "masks"]


@dataclass(frozen=True)
class Column:
    """One column that is appended.

    Args:
        name: Its header.
        kind: What stands in it. ``names`` is a list of labels; ``probabilities`` an object of
            label and number, best first; ``entities`` and ``masks`` are lists of objects.
    """

    name: str
    kind: ColumnKind


@dataclass(frozen=True, kw_only=True)
class Appended:
    """The columns that a model's predictions make.

    Args:
        spec: The model's.
        scores: Text classification: whether the probability of every class (of the ``top_k``,
            where that was asked for) is told as well.
        language: Whether the language of the text is told.
        prefix: What the names of all columns begin with.
    """

    spec: TaskSpec
    scores: bool = False
    language: bool = False
    prefix: str = ""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Their names and kinds, in order."""
        found = [Column(self.prefix + name, kind) for name, kind in self._plain()]
        if self.language:
            found.append(Column(f"{self.prefix}language", "string"))
        return tuple(found)

    def _plain(self) -> list[tuple[str, ColumnKind]]:
        if self.spec.task == "token_classification":
            return [("entities", "entities")]
        if self.spec.task == "masked_lm":
            return [("masks", "masks")]
        if self.spec.problem_type == "regression":
            return [("value", "number"), ("truncated_tokens", "integer")]
        found: list[tuple[str, ColumnKind]]
        found = [("label", "string"), ("score", "number")]
        if self.spec.problem_type == "multi_label":
            found = [("labels", "names")]
        if self.scores:
            found.append(("scores", "probabilities"))
        return [*found, ("truncated_tokens", "integer")]

    def check_free(self, names: Sequence[str], where: str) -> None:
        """Refuses to hide a column of the input.

        Raises:
            InvalidInputError: one of ``names`` is that of a column which is to be appended.
        """
        taken = [column.name for column in self.columns if column.name in names]
        if taken:
            raise InvalidInputError(
                f"{where} has the column {listed(taken)} already, which the predictions would hide",
                hint=f"give theirs other names: --prefix {self.prefix}predicted_",
            )

    def cells(self, answer: Prediction | None, language: str | None = None) -> dict[str, Any]:
        """What a prediction puts into the columns; None into all for a row without a text."""
        values: Sequence[Any]
        if answer is None:
            values = [None] * (len(self.columns) - self.language)
        elif isinstance(answer, tuple):
            values = [_listed(answer)]
        else:
            values = self._of_text(answer)
        if self.language:
            values = [*values, language]
        return {column.name: value for column, value in zip(self.columns, values, strict=True)}

    def _of_text(self, answer: TextPrediction) -> list[Any]:
        if self.spec.problem_type == "regression":
            return [answer.score, answer.truncated_tokens]
        if isinstance(answer, MultiClassification):
            values: list[Any] = [list(answer.labels)]
        else:
            values = [answer.label, answer.score]
        if self.scores:
            values.append(dict(answer.probabilities))
        return [*values, answer.truncated_tokens]


def _listed(answer: tuple[Any, ...]) -> list[Mapping[str, Any]]:
    if not answer or not isinstance(answer[0], FilledMask):
        return [asdict(entity) for entity in answer]
    return [
        {
            "start": gap.start,
            "end": gap.end,
            "candidates": [
                {"token": guess.token, "score": guess.score, "text": guess.text}
                for guess in gap.candidates
            ],
        }
        for gap in cast("tuple[FilledMask, ...]", answer)
    ]
