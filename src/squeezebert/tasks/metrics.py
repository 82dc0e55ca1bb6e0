"""The arithmetic of the scores, on arrays. ``docs/tasks.md`` says which task reports what.

A ratio whose denominator is zero (the precision of a class that was never predicted, the
correlation with a constant) counts as 0, as in scikit-learn with ``zero_division=0``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]


def log_softmax(logits: Floats) -> NDArray[np.float64]:
    """Log-probabilities over the last axis, (…, classes)."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(logits: Floats) -> NDArray[np.float64]:
    """Probabilities over the last axis, (…, classes).

    >>> softmax(np.array([0.0, 0.0, -np.inf])).tolist()
    [0.5, 0.5, 0.0]
    """
    return np.exp(log_softmax(logits))


def sigmoid(logits: Floats) -> NDArray[np.float64]:
    """The probability of yes for each logit, any shape."""
    logits = logits.astype(np.float64)
    small = np.exp(-np.abs(logits))  # never overflows
    return np.where(logits >= 0, 1.0, small) / (1.0 + small)


def confusion_matrix(true: Integers, predicted: Integers, classes: int) -> NDArray[np.int64]:
    """(classes, classes) counts: true class by row, predicted class by column.

    Args:
        true: (items,) class indices.
        predicted: (items,) class indices.
        classes: How many classes there are.
    """
    cells = true.astype(np.int64) * classes + predicted
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


class ClassTable(NamedTuple):
    """One row a class, each field (classes,) float64; ``support`` is the number of true items."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.float64]

    def row(self, index: int) -> dict[str, float]:
        """One class by column name."""
        return {name: float(column[index]) for name, column in zip(self._fields, self, strict=True)}


def class_table(right: Integers, predicted: Integers, true: Integers) -> ClassTable:
    """Precision, recall and F1 from counts.

    Args:
        right: (classes,) items of the class that were predicted as such.
        predicted: (classes,) items predicted as the class.
        true: (classes,) items of the class.
    """
    return ClassTable(
        precision=_ratio(right, predicted),
        recall=_ratio(right, true),
        f1=_ratio(2 * right, predicted + true),
        support=true.astype(np.float64),
    )


def macro_f1(confusion: Integers) -> float:
    """The mean F1 of the classes that occur among the true or the predicted items.

    >>> macro_f1(np.array([[2, 0, 0], [1, 1, 0], [0, 0, 0]]))
    0.7333333333333334
    """
    predicted, true = confusion.sum(axis=0), confusion.sum(axis=1)
    present = (predicted + true) > 0
    f1 = class_table(np.diagonal(confusion), predicted, true).f1
    return float(f1[present].mean()) if present.any() else 0.0


def matthews(confusion: Integers) -> float:
    """Matthews' correlation coefficient over any number of classes (Gorodkin 2004)."""
    # Python's integers: the products pass 64 bits on large sets.
    predicted = [int(n) for n in confusion.sum(axis=0)]
    true = [int(n) for n in confusion.sum(axis=1)]
    items, right = sum(true), int(np.trace(confusion))
    covariance = right * items - sum(p * t for p, t in zip(predicted, true, strict=True))
    spread_predicted = items**2 - sum(p * p for p in predicted)
    spread_true = items**2 - sum(t * t for t in true)
    if spread_predicted == 0 or spread_true == 0:
        return 0.0
    return covariance / (float(spread_predicted) ** 0.5 * float(spread_true) ** 0.5)


def pearson(first: Floats, second: Floats) -> float:
    """The linear correlation of two series, (items,) each; 0 where one is constant."""
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    a = first.astype(np.float64) - np.mean(first, dtype=np.float64)
    b = second.astype(np.float64) - np.mean(second, dtype=np.float64)
    # Scaled to 1 first, so that no square overflows or vanishes.
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    return float(np.clip((a @ b) / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def spearman(first: Floats, second: Floats) -> float:
    """The correlation of the ranks of two series, (items,) each; ties share their mean rank."""
    return pearson(_ranks(first), _ranks(second))


def calibration_error(confidence: Floats, right: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017): answers are sorted into ``bins`` equal ranges
    of confidence, and the gap between mean confidence and accuracy in each is averaged with the
    bins' shares as weights. 0 is perfect.

    Args:
        confidence: (items,) probabilities of the answers given.
        right: (items,) whether each was right.
        bins: The number of ranges; range ``i`` is (i / bins, (i + 1) / bins].
    """
    if len(confidence) == 0:
        return 0.0
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(index, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def _ratio(above: Integers, below: Integers) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros(len(below)), where=below > 0)


def _ranks(values: Floats) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
