"""A pipeline over a data set: scores, and the time it took.

What is timed is the way from raw text to predictions: tokenizing, batching, the model, decoding.
Reading files, loading the model and computing the scores are not. CPU time is that of the whole
process, all threads together, as the operating system counts it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from squeezebert.data.catalog import Dataset
from squeezebert.errors import InvalidInputError
from squeezebert.pipeline import CHUNK_TEXTS, Answers, Pipeline
from squeezebert.tasks.base import Features, Scores, Task
from squeezebert.tasks.resampling import Interval, interval
from squeezebert.timing import Stopwatch


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What :func:`evaluate` found.

    Args:
        scores: The task's scores.
        texts: Examples.
        tokens: Tokens of all inputs, special ones included.
        inputs: Model inputs; a long text gives several.
        truncated_texts: Texts that are longer than the model's longest input and were read in
            part.
        intervals: Where a score would fall on other texts of the same kind, by its name: 95 %
            bootstrap intervals over the texts, of those scores that are sums over texts.
        cpu_seconds: Process CPU seconds from raw text to predictions, all threads.
        wall_seconds: The same by the clock on the wall.
    """

    scores: Scores
    texts: int
    tokens: int
    inputs: int
    cpu_seconds: float
    wall_seconds: float
    truncated_texts: int = 0
    intervals: Mapping[str, Interval] = field(default_factory=dict[str, Interval])

    @property
    def texts_per_second(self) -> float:
        """By the clock on the wall."""
        return self.texts / self.wall_seconds

    @property
    def tokens_per_second(self) -> float:
        """By the clock on the wall."""
        return self.tokens / self.wall_seconds


class Answering(Protocol):
    """What can be run over a data set: a pipeline, or a classical model."""

    @property
    def task(self) -> Task[Any, Any, Any]:
        """Decodes and scores its answers."""
        ...

    def answer(self, examples: Sequence[Any], *, with_labels: bool = False) -> Answers:
        """See :meth:`squeezebert.pipeline.Pipeline.answer`."""
        ...


class Run:
    """A model on its way through a data set, block by block.

    Args:
        pipeline: The model.
        keep: Whether answers are kept for scores and predictions, or only time is taken.
    """

    def __init__(self, pipeline: Answering, *, keep: bool = True) -> None:
        self.pipeline = pipeline
        self.watch = Stopwatch()
        self.texts = 0
        self.tokens = 0
        self.inputs = 0
        self.truncated_texts = 0
        self.predictions: list[Any] = []
        self._keep = keep
        self._features: list[Features] = []
        self._reduced: list[Any] = []
        self._examples: list[Any] = []

    def block(self, examples: Sequence[Any]) -> None:
        """Answers the next examples, timed.

        Raises:
            DataError: a label that the model does not know.
            InvalidInputError: an example that cannot be encoded.
        """
        with self.watch.running():
            answers = self.pipeline.answer(examples, with_labels=True)
            predictions = self.pipeline.task.predict(examples, answers.features, answers.reduced)
        if self._keep:
            self._features += [
                dataclasses.replace(item, example=item.example + self.texts)
                for item in answers.features
            ]
            self._reduced += answers.reduced
            self._examples += examples
            self.predictions += predictions
        self.texts += len(examples)
        self.tokens += answers.tokens
        self.inputs += len(answers.features)
        self.truncated_texts += sum(1 for item in answers.features if item.truncated_tokens)

    def scores(self) -> Scores:
        """The scores over all blocks so far; they must have been kept."""
        return self.pipeline.task.score(self._examples, self._features, self._reduced)


def evaluate(
    pipeline: Answering,
    examples: Dataset | Sequence[Any],
    *,
    block_texts: int = CHUNK_TEXTS,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Scores ``pipeline`` on labeled examples and takes its time.

    Args:
        pipeline: The model, or a classical one.
        examples: A data set of the pipeline's task, or examples as the readers give them.
        block_texts: Texts that are sorted by length and batched together.
        progress: Called with the number of texts just done, after each block; its own time does
            not count.

    Raises:
        DataError: an example without a label, or with one that the model does not know.
        InvalidInputError: no examples, or one that cannot be encoded.
    """
    examples = _placed(examples.examples if isinstance(examples, Dataset) else examples)
    if not examples:
        raise InvalidInputError("there are no examples to evaluate")
    if block_texts < 1:
        raise InvalidInputError(f"block_texts is {block_texts}, expected 1 or more")
    run = Run(pipeline)
    for start in range(0, len(examples), block_texts):
        block = examples[start : start + block_texts]
        run.block(block)
        if progress is not None:
            progress(len(block))
    scores = run.scores()
    return Evaluation(
        scores=scores,
        texts=run.texts,
        tokens=run.tokens,
        inputs=run.inputs,
        cpu_seconds=run.watch.cpu_seconds,
        wall_seconds=run.watch.wall_seconds,
        truncated_texts=run.truncated_texts,
        intervals={name: interval(tally) for name, tally in scores.tallies.items()},
    )


def _placed(examples: Sequence[Any]) -> list[Any]:
    """Examples made by hand with their numbers as their places: a block does not know them."""
    return [
        dataclasses.replace(example, where=f"text {at}")
        if getattr(example, "where", None) == ""
        else example
        for at, example in enumerate(examples)
    ]


def further_scores(pipeline: Pipeline[Any], examples: Sequence[Any]) -> Mapping[str, float]:
    """Scores that cost many runs of the model a text, so that a few texts must do: of a masked LM
    the pseudo-perplexity (Salazar et al. 2020), each token guessed from all others; of other tasks
    none.

    Raises:
        InvalidInputError: examples without anything to score.
    """
    return pipeline.task.further_scores(examples, pipeline.run)
