"""Temperature scaling (Guo et al. 2017): one number that makes confidences honest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.errors import InvalidInputError
from squeezebert.tasks.metrics import log_softmax

COLDEST, HOTTEST = 0.05, 20.0
"""Where the temperature is looked for; a dev set that is all right would drive it to zero."""


def fit_temperature(logits: NDArray[np.floating[Any]], labels: NDArray[Any]) -> float:
    """The temperature under which ``logits / temperature`` fit ``labels`` best (least
    cross-entropy). Answers do not change, only their probabilities do.

    Args:
        logits: (items, labels), of a set that the model was not trained on.
        labels: (items,) class indices for a softmax, or (items, labels) of 0 and 1 for
            independent yes-or-no labels.

    Returns:
        A temperature between 0.05 and 20; 1 where there are no items.

    Raises:
        InvalidInputError: shapes that do not fit together, or logits that are not finite.

    >>> sure_but_often_wrong = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    >>> round(fit_temperature(sure_but_often_wrong, np.array([0, 0, 1, 1])), 2)
    3.64
    """
    logits = np.asarray(logits, dtype=np.float64)
    labels = np.asarray(labels)
    if logits.ndim != 2 or labels.shape not in (logits.shape[:1], logits.shape):
        raise InvalidInputError(
            f"logits have shape {logits.shape} and labels {labels.shape}, "
            "expected (items, labels) and (items,) or (items, labels)"
        )
    if not np.isfinite(logits).all():
        raise InvalidInputError("a temperature cannot be fitted to logits that are not finite")
    if len(logits) == 0:
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        if labels.ndim == 2:
            # -log sigmoid(±x), as log(1 + exp(∓x))
            return float(np.logaddexp(0.0, np.where(labels > 0, -scaled, scaled)).mean())
        return -float(log_softmax(scaled)[np.arange(len(labels)), labels].mean())

    # The loss is convex in 1 / temperature, so it has one valley in its logarithm too.
    low, high = np.log(COLDEST), np.log(HOTTEST)
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    left, right = high - golden * (high - low), low + golden * (high - low)
    loss_left, loss_right = loss(left), loss(right)
    while high - low > 1e-6:
        if loss_left <= loss_right:
            high, right, loss_right = right, left, loss_left
            left = high - golden * (high - low)
            loss_left = loss(left)
        else:
            low, left, loss_left = left, right, loss_right
            right = low + golden * (high - low)
            loss_right = loss(right)
    return float(np.exp((low + high) / 2.0))
