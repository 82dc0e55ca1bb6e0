"""What every task is made of. No framework here: NumPy in, typed predictions out.

A task makes an example of a raw text (``from_text``), turns examples into model inputs
(``encode``), says at which tokens it wants an answer (``positions``), shrinks what the model
answers to what is needed later (``reduce``), and turns that into predictions (``predict``) or
scores (``score``). Training, evaluation, the pipeline and every backend share these steps, and
none of them asks a task which one it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig
from squeezebert.errors import InvalidInputError
from squeezebert.spec import TASK_NAMES, ProblemType, TaskName, TaskSpec
from squeezebert.tasks.resampling import Tally
from squeezebert.tokenizer import Tokenizer

__all__ = [
    "AGGREGATIONS",
    "IGNORE_INDEX",
    "TASK_NAMES",
    "Aggregation",
    "Choices",
    "Features",
    "Model",
    "ProblemType",
    "Scores",
    "Task",
    "TaskName",
    "TaskSpec",
]

Aggregation: TypeAlias = Literal["entities", "words"]
"""What a token classifier tells: the entities that the tags of words spell, or each word."""

AGGREGATIONS: tuple[Aggregation, ...] = ("entities", "words")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What predictions are to hold; see :meth:`Task.choosing`, which makes it.

    Raises:
        InvalidInputError: ``top_k`` below 1, ``threshold`` outside 0 to 1, an unknown
            ``aggregation``.

    >>> Choices(threshold=0.5).made()
    ('threshold',)
    """

    top_k: int | None = None
    threshold: float | None = None
    aggregation: Aggregation | None = None

    def __post_init__(self) -> None:
        if self.top_k is not None and self.top_k < 1:
            raise InvalidInputError(f"top_k is {self.top_k}, expected 1 or more")
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise InvalidInputError(
                f"threshold is {self.threshold}, expected a probability, 0 to 1"
            )
        if self.aggregation is not None and self.aggregation not in AGGREGATIONS:
            raise InvalidInputError(
                f"aggregation is {self.aggregation!r}, expected {' or '.join(AGGREGATIONS)}"
            )

    def made(self) -> tuple[str, ...]:
        """The names of those that were made."""
        return tuple(name for name, value in vars(self).items() if value is not None)


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
        unsaid: Token classification only: (labels,) bool, the labels that an ``O`` of this input
            may be as well, as nobody looked for them; None where ``O`` is ``O``.
        soft: A teacher's probabilities, float32: (length, labels) for token classification, where
            ``labels`` counts, and (labels,) for one class a text; None for an input without a
            teacher.
        truncated_tokens: How many tokens of the example were beyond the model's longest input and
            are left out.
    """

    input_ids: NDArray[np.int32]
    token_type_ids: NDArray[np.int32]
    offsets: NDArray[np.int32]
    example: int
    labels: NDArray[Any] | None = None
    words: NDArray[np.int32] | None = None
    unsaid: NDArray[np.bool_] | None = None
    soft: NDArray[np.float32] | None = None
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
        tallies: What each text adds to a score, by its name: those scores, the main one among
            them, that are a sum over texts divided by another. Intervals and tests come of it.
    """

    values: Mapping[str, float]
    main: str
    per_class: Mapping[str, Mapping[str, float]] = field(
        default_factory=dict[str, dict[str, float]]
    )
    confusion: tuple[tuple[int, ...], ...] | None = None
    labels: tuple[str, ...] = ()
    tallies: Mapping[str, Tally] = field(
        default_factory=dict[str, Tally], compare=False, repr=False
    )


class Model(Protocol):
    """What a task asks; every backend is one."""

    @property
    def config(self) -> EncoderConfig:
        """The shape of the model."""
        ...

    def logits(
        self, batch: RaggedBatch, positions: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """What the head gives.

        Args:
            batch: The sequences.
            positions: Masked LM only: indices into the batch's tokens whose logits are wanted;
                all where None. Other heads take None.

        Returns:
            Masked LM: (positions, vocab_size). Token classification: (tokens, labels).
            Text classification: (sequences, labels).
        """
        ...


Example = TypeVar("Example")
Reduced = TypeVar("Reduced")
Prediction = TypeVar("Prediction")


class Task(ABC, Generic[Example, Reduced, Prediction]):
    """One task over one tokenizer and label set. A subclass writes the five abstract methods; the
    others are for tasks that want answers at some tokens only, or have choices or further scores.
    """

    name: ClassVar[TaskName]
    choices: ClassVar[tuple[str, ...]] = ()
    """Those of :class:`Choices` that the task has."""

    spec: TaskSpec

    tokenizer: Tokenizer

    @abstractmethod
    def from_text(self, text: object, where: str = "") -> Example:
        """What a person gave, as an example without an answer.

        Args:
            text: A string; a task may take pairs as tuples of two strings as well.
            where: What to call it in messages, such as ``text 3``; the example keeps it. Empty:
                "the text".

        Raises:
            InvalidInputError: something that is no text for this task.
        """

    def choosing(
        self,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        aggregation: Aggregation | None = None,
    ) -> Self:
        """The same task with other choices of what its predictions hold; what a choice means is
        the task's to say. None leaves it as it is.

        Args:
            top_k: The most answers of each kind to tell, best first.
            threshold: The least probability of what is told.
            aggregation: Whether words with tags are told one by one or as the entities they spell.

        Raises:
            InvalidInputError: a choice that the task does not have, or one out of its range.
        """
        choices = Choices(top_k=top_k, threshold=threshold, aggregation=aggregation)
        for name in choices.made():
            if name not in self.choices:
                raise InvalidInputError(f"{self.name} has no {name}", hint="leave it out")
        return self._chosen(choices)

    def _chosen(self, choices: Choices) -> Self:
        """The same task with choices out of :attr:`choices`."""
        del choices
        return self

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

    def timing_input(self, input_ids: NDArray[np.int32]) -> Features:
        """An input of these tokens as the task would ask about it, to take times by."""
        return Features(
            input_ids=input_ids,
            token_type_ids=np.zeros_like(input_ids),
            offsets=np.zeros((len(input_ids), 2), dtype=np.int32),
            example=0,
        )

    def ask(self, model: Model, features: Sequence[Features]) -> list[Reduced]:
        """What is kept of the model's answers to some inputs, which go to it as one batch."""
        batch = RaggedBatch.from_features(features)
        wanted = [self.positions(item) for item in features]
        given = [places for places in wanted if places is not None]
        if given:
            logits = model.logits(batch, batch_positions(batch, given))
            rows = np.split(logits, np.cumsum([*map(len, given)])[:-1])
        else:
            logits = model.logits(batch)
            # One row an input, or one a token. An input has two tokens at least.
            by_input = len(logits) == len(batch)
            rows = list(logits) if by_input else np.split(logits, batch.cu_seqlens[1:-1])
        return [self.reduce(item, row) for item, row in zip(features, rows, strict=True)]

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

    def further_scores(
        self,
        examples: Sequence[Example],
        run: Callable[[Sequence[Features]], list[Reduced]],
    ) -> Mapping[str, float]:
        """Scores that take many runs of the model a text, so that a few texts must do; most tasks
        have none.

        Args:
            examples: The few.
            run: Asks the model about any number of inputs.
        """
        del examples, run
        return {}


def batch_positions(
    batch: RaggedBatch, positions: Sequence[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Positions in each sequence of a batch as positions in the batch.

    >>> batch = RaggedBatch.of([np.array([2, 4, 3]), np.array([2, 9, 4, 3])])
    >>> batch_positions(batch, [np.array([1]), np.array([2])]).tolist()
    [1, 5]
    """
    starts = np.repeat(batch.cu_seqlens[:-1], [*map(len, positions)])
    return np.concatenate(positions) + starts
