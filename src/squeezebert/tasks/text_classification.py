"""A class, several classes or a number for a text or a pair of texts."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from squeezebert.data.examples import TextExample
from squeezebert.data.messages import shown
from squeezebert.encoded import Encoded
from squeezebert.errors import ConfigError, DataError, InvalidInputError
from squeezebert.spec import TaskName, TaskSpec
from squeezebert.tasks.base import Choices, Features, Scores, Task
from squeezebert.tasks.inputs import (
    check_logits,
    check_spec,
    check_text,
    cut_lengths,
    unknown_label,
)
from squeezebert.tasks.metrics import (
    calibration_error,
    class_table,
    confusion_matrix,
    macro_f1,
    matthews,
    pearson,
    sigmoid,
    softmax,
    spearman,
)
from squeezebert.tasks.resampling import Tally
from squeezebert.tokenizer import Tokenizer

Float32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class TextPrediction:
    """What a text is.

    Args:
        label: The most probable class; what the number is called, for a regression.
        score: The probability of ``label``; the number itself, for a regression.
        probabilities: The probability of every class (or of the ``top_k``), best first; empty
            for a regression.
        truncated_tokens: How many tokens of the text were beyond the model's longest input and
            were not read.
    """

    label: str
    score: float
    probabilities: Mapping[str, float]
    truncated_tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class Classification(TextPrediction):
    """One class of several."""


@dataclass(frozen=True, kw_only=True)
class MultiClassification(TextPrediction):
    """Any number of classes.

    Args:
        labels: The classes with a probability of the threshold (one half, where none is given) or
            more, in the order of the task's labels.
    """

    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Regression(TextPrediction):
    """A number."""

    @property
    def value(self) -> float:
        """The number."""
        return self.score


class TextClassification(Task[TextExample, Float32, TextPrediction]):
    """Encodes, decodes and scores text classification (``docs/tasks.md`` defines the scores).

    An input is ``[CLS] text [SEP]`` or ``[CLS] text [SEP] pair [SEP]``; what is longer than
    ``spec.max_length`` is cut at the end, the longer text of a pair first, and predictions tell
    how much. An empty text is ``[CLS] [SEP]``. What is kept of an answer is its logits, (labels,)
    float32.

    Args:
        spec: The labels, the problem type and the length.
        tokenizer: The model's.

    Raises:
        ConfigError: a spec of another task, without labels, or with a length below 4.

    >>> tokenizer = Tokenizer.from_vocabulary(
    ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"], lowercase=True
    ... )
    >>> spec = TaskSpec(task="text_classification", labels=("no", "yes"), max_length=16)
    >>> task = TextClassification(spec, tokenizer)
    >>> examples = [TextExample(text="Good!", label="yes")]
    >>> features = task.encode(examples, with_labels=True)
    >>> features[0].input_ids.tolist(), int(features[0].labels)
    ([2, 5, 1, 3], 1)
    >>> kept = [task.reduce(features[0], np.array([0.0, 1.0], dtype=np.float32))]
    >>> task.predict(examples, features, kept)[0].label
    'yes'
    >>> task.score(examples, features, kept).values["accuracy"]
    1.0
    """

    name: ClassVar[TaskName] = "text_classification"
    choices: ClassVar[tuple[str, ...]] = ("top_k", "threshold")

    def __init__(self, spec: TaskSpec, tokenizer: Tokenizer) -> None:
        check_spec(spec, self.name, shortest=4)
        if spec.problem_type not in ("single_label", "multi_label", "regression"):
            raise ConfigError(
                f"problem_type is {spec.problem_type!r}, "
                "expected 'single_label', 'multi_label' or 'regression'"
            )
        if spec.problem_type == "regression":
            if len(spec.labels) > 1:
                raise ConfigError(f"a regression has one output, not {len(spec.labels)} labels")
        elif len(spec.labels) < (2 if spec.problem_type == "single_label" else 1):
            raise ConfigError(f"{len(spec.labels)} labels are too few for {spec.problem_type}")
        self.spec = spec
        self.tokenizer = tokenizer
        self._label_ids = {label: index for index, label in enumerate(spec.labels)}
        self._outputs = len(spec.labels) or 1
        self.top_k: int | None = None
        self.threshold = 0.5

    def from_text(self, text: object, where: str = "") -> TextExample:
        """A text, or a pair of texts as a tuple of two.

        Raises:
            InvalidInputError: neither, or a lone surrogate in one of them.
        """
        place = where or "the text"
        pair: str | None = None
        if isinstance(text, tuple):
            parts: tuple[object, ...] = text
            if len(parts) != 2:
                raise InvalidInputError(
                    f"{place} is a tuple of {len(parts)}, expected a string or a pair",
                    hint="a pair is a tuple of two strings; several texts are a list",
                )
            text, pair = parts[0], check_text(parts[1], f"{place}, second text,")
        return TextExample(text=check_text(text, place), pair=pair, where=where)

    def _chosen(self, choices: Choices) -> Self:
        """Telling the ``top_k`` most probable classes only; where a text may have several, its
        labels are those from ``threshold`` up.
        """
        if choices.threshold is not None and self.spec.problem_type != "multi_label":
            raise InvalidInputError(
                f"a threshold is for models that give a text any number of labels; this one is "
                f"{self.spec.problem_type}",
                hint="compare the prediction's score with it",
            )
        chosen = copy.copy(self)
        if choices.top_k is not None:
            chosen.top_k = choices.top_k
        if choices.threshold is not None:
            chosen.threshold = choices.threshold
        return chosen

    def encode(
        self, examples: Sequence[TextExample], *, with_labels: bool = False
    ) -> list[Features]:
        """One input an example.

        Raises:
            DataError: ``with_labels`` and a label that is missing, unknown or of the wrong kind.
            InvalidInputError: a text that is not a string, or holds a lone surrogate.
        """
        texts: list[str] = []
        pairs: list[str] = []
        for index, example in enumerate(examples):
            place = example.where or f"text {index}"
            texts.append(check_text(example.text, place))
            if example.pair is not None:
                pairs.append(check_text(example.pair, f"{place}, second text,"))
        firsts = self.tokenizer.encode(texts)
        seconds = iter(self.tokenizer.encode(pairs))
        features: list[Features] = []
        for index, (example, first) in enumerate(zip(examples, firsts, strict=True)):
            second = None if example.pair is None else next(seconds)
            item = self._features(index, first, second)
            features.append(self._labeled(item, example, index) if with_labels else item)
        return features

    def reduce(self, features: Features, logits: Float32) -> Float32:
        """The logits as they are, (labels,)."""
        del features
        check_logits(logits, (self._outputs,))
        return np.array(logits, dtype=np.float32)

    def predict(
        self,
        examples: Sequence[TextExample],
        features: Sequence[Features],
        reduced: Sequence[Float32],
    ) -> list[TextPrediction]:
        """One :class:`Classification`, :class:`MultiClassification` or :class:`Regression` an
        example, by the spec's problem type.
        """
        del examples
        # Answers alone can be decoded too; nothing is then known of what was cut.
        cut = [item.truncated_tokens for item in features] or [0] * len(reduced)
        if self.spec.problem_type == "regression":
            label = self.spec.labels[0] if self.spec.labels else "value"
            return [
                Regression(
                    label=label, score=float(row[0]), probabilities={}, truncated_tokens=left
                )
                for row, left in zip(reduced, cut, strict=True)
            ]
        rows = self._probabilities(reduced).tolist()
        return [self._decide(row, left) for row, left in zip(rows, cut, strict=True)]

    def score(
        self,
        examples: Sequence[TextExample],
        features: Sequence[Features],
        reduced: Sequence[Float32],
    ) -> Scores:
        """Accuracy, F1 and their like, or correlations; see ``docs/tasks.md``.

        Raises:
            InvalidInputError: no examples, or features without labels.
        """
        del examples
        if not features:
            raise InvalidInputError("there are no examples to score")
        labels = [item.labels for item in features]
        if any(label is None for label in labels):
            raise InvalidInputError(
                "the features carry no labels", hint="encode them with with_labels=True"
            )
        true = np.stack([np.asarray(label) for label in labels])
        if self.spec.problem_type == "regression":
            return self._score_regression(true, np.stack(reduced)[:, 0])
        if self.spec.problem_type == "multi_label":
            return self._score_multi_label(true > 0, self._probabilities(reduced))
        return self._score_single_label(true, self._probabilities(reduced))

    # Encoding

    def _features(self, index: int, first: Encoded, second: Encoded | None) -> Features:
        parts = [first] if second is None else [first, second]
        room = self.spec.max_length - 1 - len(parts)
        lengths = cut_lengths([len(part) for part in parts], room)
        ids = [np.array([self.tokenizer.cls_id], dtype=np.int32)]
        offsets = [np.zeros((1, 2), dtype=np.int32)]
        types = [np.zeros(1, dtype=np.int32)]
        for kind, (part, length) in enumerate(zip(parts, lengths, strict=True)):
            ids += [part.ids[:length], np.array([self.tokenizer.sep_id], dtype=np.int32)]
            offsets += [part.offsets[:length], np.zeros((1, 2), dtype=np.int32)]
            types.append(np.full(length + 1, kind, dtype=np.int32))
        return Features(
            input_ids=np.concatenate(ids),
            token_type_ids=np.concatenate(types),
            offsets=np.concatenate(offsets),
            example=index,
            truncated_tokens=sum(len(part) for part in parts) - sum(lengths),
        )

    def _labeled(self, features: Features, example: TextExample, index: int) -> Features:
        """With the label or, where a teacher gave some, with its probabilities."""
        if (soft := example.soft) is None:
            return dataclasses.replace(features, labels=self._label(example, index))
        if len(soft) != self._outputs:
            place = example.where or f"text {index}"
            raise DataError(f"{place} has soft labels for {len(soft)}, expected {self._outputs}")
        soft = soft.astype(np.float32)
        if self.spec.problem_type == "single_label":
            return dataclasses.replace(features, labels=np.array(soft.argmax()), soft=soft)
        # The losses of the others take any number for a label.
        labels = soft if self.spec.problem_type == "multi_label" else np.array(soft[0])
        return dataclasses.replace(features, labels=labels)

    def _label(self, example: TextExample, index: int) -> NDArray[Any]:
        place = example.where or f"text {index}"
        label = example.label
        if label is None:
            raise DataError(f"{place} has no label", hint="name the column that holds the labels")
        if self.spec.problem_type == "regression":
            try:
                value = float(label)  # pyright: ignore[reportArgumentType]
            except (TypeError, ValueError):
                value = float("nan")
            if not np.isfinite(value):
                raise DataError(f"{place}: the label is {label!r}, expected a number")
            return np.array(value, dtype=np.float32)
        names = label if isinstance(label, tuple) else (label,)
        if self.spec.problem_type == "single_label" and len(names) != 1:
            raise DataError(f"{place} has {len(names)} labels, expected one")
        for name in names:
            if name not in self._label_ids:
                raise unknown_label(
                    f"{place}: unknown label {shown(name)}", "labels", self.spec.labels
                )
        ids = [self._label_ids[str(name)] for name in names]
        if self.spec.problem_type == "single_label":
            return np.array(ids[0], dtype=np.int64)
        flags = np.zeros(self._outputs, dtype=np.float32)
        flags[ids] = 1.0
        return flags

    # Decoding

    def _probabilities(self, reduced: Sequence[Float32]) -> NDArray[np.float64]:
        """(examples, labels)"""
        logits = np.array(reduced, dtype=np.float64).reshape(len(reduced), self._outputs)
        logits /= self.spec.temperature
        return softmax(logits) if self.spec.problem_type == "single_label" else sigmoid(logits)

    def _decide(self, probabilities: list[float], truncated_tokens: int) -> TextPrediction:
        pairs = list(zip(self.spec.labels, probabilities, strict=True))
        ranked = sorted(pairs, key=lambda pair: -pair[1])  # of equals, the first label comes first
        label, score = ranked[0]
        told = dict(ranked[: self.top_k])
        if self.spec.problem_type == "multi_label":
            return MultiClassification(
                label=label,
                score=score,
                probabilities=told,
                truncated_tokens=truncated_tokens,
                labels=tuple(label for label, score in pairs if score >= self.threshold),
            )
        return Classification(
            label=label, score=score, probabilities=told, truncated_tokens=truncated_tokens
        )

    # Scoring

    def _score_single_label(self, true: NDArray[Any], probabilities: NDArray[np.float64]) -> Scores:
        predicted = probabilities.argmax(axis=1)
        right = predicted == true
        confusion = confusion_matrix(true, predicted, len(self.spec.labels))
        table = class_table(np.diagonal(confusion), confusion.sum(axis=0), confusion.sum(axis=1))
        return Scores(
            values={
                "accuracy": float(right.mean()),
                "macro_f1": macro_f1(confusion),
                "matthews": matthews(confusion),
                "ece": calibration_error(probabilities.max(axis=1), right),
            },
            main="accuracy",
            per_class={label: table.row(i) for i, label in enumerate(self.spec.labels)},
            confusion=tuple(tuple(int(n) for n in row) for row in confusion),
            labels=self.spec.labels,
            tallies={"accuracy": Tally(right.astype(np.float64), np.ones(len(right)))},
        )

    def _score_multi_label(
        self, true: NDArray[np.bool_], probabilities: NDArray[np.float64]
    ) -> Scores:
        predicted = probabilities >= 0.5
        counts = ((true & predicted), predicted, true)
        table = class_table(*(flags.sum(axis=0) for flags in counts))
        total = class_table(*(flags.sum(keepdims=True).reshape(1) for flags in counts))
        confidence = np.maximum(probabilities, 1.0 - probabilities)
        return Scores(
            values={
                "micro_f1": float(total.f1[0]),
                "macro_f1": float(table.f1.mean()),
                "accuracy": float((true == predicted).all(axis=1).mean()),
                "ece": calibration_error(confidence.ravel(), (true == predicted).ravel()),
            },
            main="micro_f1",
            per_class={label: table.row(i) for i, label in enumerate(self.spec.labels)},
            tallies={
                "micro_f1": Tally(
                    2.0 * (true & predicted).sum(axis=1),
                    (predicted.sum(axis=1) + true.sum(axis=1)).astype(np.float64),
                ),
            },
        )

    def _score_regression(self, true: NDArray[Any], predicted: Float32) -> Scores:
        return Scores(
            values={
                "pearson": pearson(true, predicted),
                "spearman": spearman(true, predicted),
                "mean_absolute_error": float(np.abs(true - predicted).mean(dtype=np.float64)),
            },
            main="pearson",
        )
