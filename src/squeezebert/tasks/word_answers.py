"""What is kept of a model's answers for words, and what is decided of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WordScores:
    """What is kept of one input: the answers for the words that it decides, in order.

    Args:
        logits: (decided words, labels).
    """

    logits: Float32


@dataclass(frozen=True, eq=False)
class WordTags:
    """The answer for a text.

    Args:
        labels: (words,) int32.
        probabilities: (words,) float32, what the model gives each of them by itself.
    """

    labels: NDArray[np.int32]
    probabilities: Float32
