"""Classes of texts, as an estimator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from squeezebert.errors import InvalidInputError
from squeezebert.sklearn.inputs import Texts, held_out, text_example, texts_of
from squeezebert.sklearn.trained import Trained


class SqueezeBertClassifier(ClassifierMixin, Trained):
    """Classes of texts by a fine-tuned model.

    Args:
        model: What training starts from: a shipped masked LM, a directory, or a name on the hub.
        epochs: Passes over the rows.
        learning_rate: The peak; 0: what suits the model's width.
        batch_size: Rows a step.
        max_length: The most tokens of a text; the rest is cut off.
        class_weight: ``balanced`` has rows of rare classes read as often as those of the most
            frequent; None leaves them.
        precision: As for :func:`squeezebert.load`, to predict.
        threads: CPU threads; all usable cores where None.
        seed: Fixes what is drawn at random.
        verbose: Whether ``fit`` tells on stderr how far it is.

    Attributes:
        classes_: The classes, sorted, as they stand in ``y``.
        pipeline_: The fitted model.

    >>> from squeezebert.sklearn import SqueezeBertClassifier
    >>> SqueezeBertClassifier(epochs=5)
    SqueezeBertClassifier(epochs=5)
    """

    def __init__(
        self,
        model: str = "squeezebert-small-mlm",
        *,
        epochs: float = 3.0,
        learning_rate: float = 0.0,
        batch_size: int = 16,
        max_length: int = 128,
        class_weight: Literal["balanced"] | None = None,
        precision: str = "auto",
        threads: int | None = None,
        seed: int = 0,
        verbose: bool = False,
    ) -> None:
        self.model = model
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.class_weight = class_weight
        self.precision = precision
        self.threads = threads
        self.seed = seed
        self.verbose = verbose

    def fit(self, X: Texts, y: Sequence[Any] | NDArray[Any]) -> Self:  # noqa: N803 - scikit-learn's
        """Fine-tunes the model.

        Args:
            X: Texts, or pairs of texts.
            y: A class each: strings, numbers or booleans.

        Raises:
            InvalidInputError: something that is not a text, a label that is missing, ``X`` and
                ``y`` of different lengths, fewer than two classes or fewer than two rows of one,
                or a class weight that is neither None nor ``"balanced"``.
        """
        from squeezebert.training.finetuning.datasets import TrainingData

        if self.class_weight not in (None, "balanced"):
            raise InvalidInputError(
                f"class_weight is {self.class_weight!r}, expected None or 'balanced'"
            )
        texts = texts_of(X)
        classes, codes = np.unique(_labels_of(y), return_inverse=True)
        names = [str(name) for name in classes.tolist()]
        if len(texts) != len(codes):
            raise InvalidInputError(f"X has {len(texts)} rows, but y {len(codes)}")
        if len(classes) < 2 or len(set(names)) < len(classes):
            raise InvalidInputError(
                f"y holds the classes {', '.join(names) or 'none'}, expected two that differ in "
                "writing, or more"
            )
        counts = np.bincount(codes)
        if counts.min() < 2:
            rare = names[int(counts.argmin())]
            raise InvalidInputError(
                f"y holds the class {rare!r} once only: a row of each class is held out"
            )
        self.classes_ = classes
        train, dev = held_out(codes, self.seed)
        if self.class_weight == "balanced":
            most = np.bincount(codes[train]).max()
            repeats = np.rint(most / np.bincount(codes[train])[codes[train]]).astype(int)
            train = np.repeat(train, repeats)
        parts = [
            [text_example(texts[at], names[codes[at]]) for at in part.tolist()]
            for part in (train, dev)
        ]
        data = TrainingData.of(train=parts[0], dev=parts[1], labels=tuple(names))
        self._train(self._recipe("text_classification"), data)
        return self

    def predict_proba(self, X: Texts) -> NDArray[np.float64]:  # noqa: N803
        """(texts, classes) probabilities, in the order of ``classes_``."""
        check_is_fitted(self, "pipeline_")
        examples = [text_example(text, None) for text in texts_of(X)]
        answers = self.pipeline_.predict(examples)
        rows = [
            [answer.probabilities[str(name)] for name in self.classes_.tolist()]
            for answer in answers
        ]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.classes_))

    def predict(self, X: Texts) -> NDArray[Any]:  # noqa: N803
        """(texts,) the most probable class of each."""
        check_is_fitted(self, "pipeline_")
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _labels_of(y: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    """A label a row, all there."""
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise InvalidInputError(
            f"y has the shape {labels.shape}, expected one label a text",
            hint="of a table give one column",
        )
    for row, label in enumerate(labels.tolist()):
        # NaN is unlike itself; pandas' NA has no truth.
        if label is None or type(label).__name__ == "NAType" or label != label:
            raise InvalidInputError(
                f"y[{row}] is missing: {label!r}", hint="leave such rows out of X and y"
            )
    return labels
