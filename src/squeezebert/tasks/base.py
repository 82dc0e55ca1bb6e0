"""What every task is made of. No framework here: NumPy in, typed predictions out.

A task turns examples into model inputs (``encode``), shrinks what the model answers to what is
needed later (``reduce``), and turns that into predictions (``predict``) or scores (``score``).
Training, evaluation, the pipeline and every backend share these four steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from squeezebert.spec import TASK_NAMES, ProblemType, TaskName, TaskSpec

__all__ = [
    "IGNORE_INDEX",
    "TASK_NAMES",
    "Features",
    "ProblemType",
    "Scores",
    "Task",
    "TaskName",
    "TaskSpec",
]

IGNORE_INDEX = -100
"""The label of a token that neither trains nor counts (PyTorch's and Hugging Face's value)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """One model input.

    Args:
        input_ids: (length,) int32, special tokens included.
        token_type_ids: (length,) int32.
        offsets: (length, 2) int32: where each token stands in its example's text, as
            half-open character ranges; (0, 0) for special tokens.
        example: The index of the example that it comes from.
        labels: What the model should answer: (length,) int64 with :data:`IGNORE_INDEX` for token
            tasks; () int64, (labels,) float32 or () float32 for text classification (single-label,
            multi-label, regression); None for inputs without an answer.
        words: Token classification only: (length,) int32, the index of the example's word that
            is decided at a token of this input, -1 at every other token.
        truncated_tokens: How many tokens of the example were beyond the model's longest input and
            are left out.
    """

    input_ids: NDArray[np.int32]
    token_type_ids: NDArray[np.int32]
    offsets: NDArray[np.int32]
    example: int
    labels: NDArray[Any] | None = None
    words: NDArray[np.int32] | None = None
    truncated_tokens: int = 0

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What an evaluation found.

    Args:
        values: Scores by name, each with a fixed meaning in every report.
        main: The name in ``values`` by which models are ranked and checkpoints kept.
        per_class: Rows of the per-class or per-type table: ``{label: {"precision": …, "recall": …,
            "f1": …, "support": …}}``.
        confusion: (labels, labels) counts, true label by row, or None.
        labels: The names of the confusion matrix's rows.
    """

    values: Mapping[str, float]
    main: str
    per_class: Mapping[str, Mapping[str, float]] = field(
        default_factory=dict[str, dict[str, float]]
    )
    confusion: tuple[tuple[int, ...], ...] | None = None
    labels: tuple[str, ...] = ()


Example = TypeVar("Example")
Reduced = TypeVar("Reduced")
Prediction = TypeVar("Prediction")


class Task(ABC, Generic[Example, Reduced, Prediction]):
    """One task over one tokenizer and label set."""

    name: ClassVar[TaskName]
    higher_is_better: ClassVar[bool] = True

    spec: TaskSpec

    @abstractmethod
    def encode(self, examples: Sequence[Example], *, with_labels: bool = False) -> list[Features]:
        """Model inputs in the order of the examples; one example may give several (windows).

        Raises:
            DataError: ``with_labels`` and a label that the task does not know.
            InvalidInputError: an example that cannot be encoded.
        """

    def positions(self, features: Features) -> NDArray[np.int64] | None:
        """(positions,) the tokens of one input whose logits are wanted, or None for all."""
        del features
        return None

    @abstractmethod
    def reduce(self, features: Features, logits: NDArray[np.float32]) -> Reduced:
        """What is kept of one input's logits. ``logits`` is (labels,) for text classification,
        (length, labels) for token classification, (positions, vocab_size) for masked LM.
        """

    @abstractmethod
    def predict(
        self,
        examples: Sequence[Example],
        features: Sequence[Features],
        reduced: Sequence[Reduced],
    ) -> list[Prediction]:
        """One typed prediction an example, in order."""

    @abstractmethod
    def score(
        self,
        examples: Sequence[Example],
        features: Sequence[Features],
        reduced: Sequence[Reduced],
    ) -> Scores:
        """The scores over all examples; ``features`` were encoded ``with_labels``."""
