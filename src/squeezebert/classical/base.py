"""What all classical models have in common, and the choice among them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from squeezebert.errors import ConfigError, InvalidInputError
from squeezebert.pipeline import Answers
from squeezebert.spec import TaskSpec
from squeezebert.tasks.base import Features, Task
from squeezebert.timing import Stopwatch
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

SEED = 0
"""Of what scikit-learn draws at random."""


class Classical(ABC):
    """A fitted model: answers examples in the terms of its task.

    Attributes:
        task: Decodes and scores, as it does for a neural model.
        name: What to call it in tables.
        library: The package that does the work.
        watch: The time that fitting took.
    """

    name: str
    library: ClassVar[str]

    def __init__(self, task: Task[Any, Any, Any]) -> None:
        self.task = task
        self.watch = Stopwatch()

    @property
    @abstractmethod
    def parameters(self) -> int:
        """Numbers that were fitted."""

    @abstractmethod
    def fit(self, examples: Sequence[Any]) -> None:
        """Fits it to labeled examples."""

    @abstractmethod
    def features(self, examples: Sequence[Any], *, with_labels: bool) -> list[Features]:
        """What the task is told of the examples; the model itself reads their text."""

    @abstractmethod
    def reduced(self, examples: Sequence[Any], features: Sequence[Features]) -> list[Any]:
        """What the task takes for the logits of each of the features."""

    def answer(self, examples: Sequence[Any], *, with_labels: bool = False) -> Answers:
        """What the model says about the examples, not yet decoded, as
        :meth:`squeezebert.pipeline.Pipeline.answer` does.
        """
        features = self.features(examples, with_labels=with_labels)
        return Answers(features=features, reduced=self.reduced(examples, features))

    def predict(self, examples: Sequence[Any]) -> list[Any]:
        """Typed predictions, one an example, in order."""
        answers = self.answer(examples)
        return self.task.predict(examples, answers.features, answers.reduced)


def fit_classical(
    spec: TaskSpec, examples: Sequence[Any], *, tokenizer: Tokenizer | None = None
) -> Classical:
    """The classical model of a task, fitted.

    Args:
        spec: The task, and the labels in order.
        examples: Labeled training examples, as the readers give them.
        tokenizer: Masked LM only, whose tokens are guessed: that of the model it stands beside.

    Raises:
        ConfigError: a masked LM without a tokenizer.
        DataError: an example without a label, or with one that ``spec`` does not name.
        InvalidInputError: no examples, or all of one class.
        MissingDependencyError: scikit-learn or python-crfsuite is not installed.
    """
    if not examples:
        raise InvalidInputError("there are no examples to fit a classical model to")
    made = _unfitted(spec, tokenizer)
    with made.watch.running():
        made.fit(examples)
    return made


def _unfitted(spec: TaskSpec, tokenizer: Tokenizer | None) -> Classical:
    if spec.task == "text_classification":
        from squeezebert.classical.bag_of_words import BagOfWords

        return BagOfWords(spec, bare_tokenizer())
    if spec.task == "token_classification":
        from squeezebert.classical.word_shapes import WordShapes

        return WordShapes(spec, bare_tokenizer())
    from squeezebert.classical.bigrams import Bigrams

    if tokenizer is None:
        raise ConfigError("a classical masked LM needs the tokenizer whose tokens it guesses")
    return Bigrams(spec, tokenizer)


def bare_tokenizer() -> Tokenizer:
    """A tokenizer for tasks whose tokens nobody reads."""
    return Tokenizer.from_vocabulary(list(SPECIAL_TOKENS), lowercase=True)
