"""A tag for each word, as an estimator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from squeezebert.errors import InvalidInputError
from squeezebert.sklearn.inputs import Texts, held_out, sentences_of
from squeezebert.sklearn.trained import Trained
from squeezebert.tasks.entities import EntityCounts


class SqueezeBertTagger(Trained):
    """A tag for each word by a fine-tuned model.

    Args:
        model: What training starts from: best a tagger, which finds some entities already. The
            others are as for :class:`SqueezeBertClassifier`.
        epochs: Passes over the sentences.
        learning_rate: The peak; 0: what suits the model's width.
        batch_size: Sentences a step.
        max_length: The most tokens of an input; longer texts go in as several.
        precision: To predict.
        threads: CPU threads; all usable cores where None.
        seed: Fixes what is drawn at random.
        verbose: Whether ``fit`` tells on stderr how far it is.

    Attributes:
        classes_: The tags, ``O`` first.
        pipeline_: The fitted model.

    >>> from squeezebert.sklearn import SqueezeBertTagger
    >>> SqueezeBertTagger(threads=1)
    SqueezeBertTagger(threads=1)
    """

    def __init__(
        self,
        model: str = "squeezebert-small-ner",
        *,
        epochs: float = 3.0,
        learning_rate: float = 0.0,
        batch_size: int = 16,
        max_length: int = 128,
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
        self.precision = precision
        self.threads = threads
        self.seed = seed
        self.verbose = verbose

    def fit(self, X: Texts, y: Sequence[Sequence[str]]) -> Self:  # noqa: N803
        """Fine-tunes the model.

        Args:
            X: Sentences, each a sequence of words.
            y: IOB2 tags, as many as words.

        Raises:
            InvalidInputError: sentences that are no words, tags that are not IOB2, or not as many
                as words; fewer than two sentences.
        """
        from squeezebert.data.tags import iob2_labels
        from squeezebert.tasks.entities import split_tag
        from squeezebert.training.finetuning.datasets import TrainingData

        examples = sentences_of(X, y)
        if len(examples) < 2:
            raise InvalidInputError("X holds fewer than two sentences: one is held out")
        kinds = dict.fromkeys(split_tag(tag)[1] for one in examples for tag in one.tags or ())
        self.classes_ = np.array(iob2_labels([kind for kind in kinds if kind]))
        train, dev = held_out(np.zeros(len(examples), dtype=np.int64), self.seed)
        data = TrainingData.of(
            train=[examples[at] for at in train.tolist()],
            dev=[examples[at] for at in dev.tolist()],
            labels=tuple(self.classes_.tolist()),
        )
        self._train(self._recipe("token_classification"), data)
        return self

    def predict(self, X: Texts) -> list[list[str]]:  # noqa: N803
        """The tag of each word of each sentence."""
        from squeezebert.tasks.token_classification import TokenClassification

        check_is_fitted(self, "pipeline_")
        task = self.pipeline_.task
        assert isinstance(task, TokenClassification)
        examples = sentences_of(X, None)
        answers = self.pipeline_.answer(examples)
        return task.tags(examples, answers.features, answers.reduced)

    def score(self, X: Texts, y: Sequence[Sequence[str]]) -> float:  # noqa: N803
        """The F1 of whole entities."""
        counts = EntityCounts()
        for true, predicted in zip(y, self.predict(X), strict=True):
            counts.add(true=true, predicted=predicted)
        right, told, there = (
            sum(counter.values()) for counter in (counts.right, counts.predicted, counts.true)
        )
        return 2 * right / max(1, told + there)
