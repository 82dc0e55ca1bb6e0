"""How much a choice of precisions loses: task scores on labeled data, or token states on texts."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.data.catalog import Dataset
from squeezebert.engine import Engine, describe_precision
from squeezebert.errors import InvalidInputError
from squeezebert.evaluation import Run
from squeezebert.pipeline import CHUNK_TEXTS, Pipeline, load
from squeezebert.tasks import Entity, Features
from squeezebert.tokenizer import Tokenizer

Precisions = Mapping[str, str]
"""The precision of each of :data:`squeezebert.engine.PROJECTION_KINDS`."""

PROBE_TOKENS = 4096
"""Tokens on which choices are ranked before they are scored."""

MOST_TOKENS = 32768
"""Tokens whose states are compared: their float32 states are kept in memory."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One choice of precisions, measured.

    Args:
        name: ``float32``, ``int8``, ``int8, value bf16``, …
        precision: By kind of product.
        scores: By data set.
        loss: Points (hundredths of the score) below float32, on the data set that loses most;
            negative where all gain.
        same: The share of texts that are answered as in float32; None where answers are numbers.
        ms_per_text: Wall-clock milliseconds from text to answer.
    """

    name: str
    precision: Precisions
    scores: Mapping[str, float]
    loss: float
    same: float | None
    ms_per_text: float


class Measure(ABC):
    """Measures the weights in ``original`` as float32, and a compact copy against them.

    Args:
        score: What the score is called; higher is better, and 1 is its best.
        texts: How many texts each data set has.
        splits: Which part of it they are.
    """

    def __init__(self, score: str, texts: Mapping[str, int], splits: Mapping[str, str]) -> None:
        self.score = score
        self.texts = texts
        self.splits = splits
        self._reference: Trial | None = None

    @property
    def resolution(self) -> float:
        """Points that one text is worth, on the smallest data set."""
        return 100 / min(self.texts.values())

    def reference(self, original: Path) -> Trial:
        """The original weights in float32. To be called first."""
        self._reference = self._trial(original, "float32")
        return self._reference

    def trial(self, directory: Path, precision: Precisions) -> Trial:
        """A choice of precisions over the weights in ``directory``."""
        assert self._reference is not None
        return self._trial(directory, precision)

    @abstractmethod
    def error(self, directory: Path, precision: str | Precisions) -> float:
        """How far a choice is from the reference on a few texts: finer than the score, and quick.
        Zero is equal; only ratios mean something.
        """

    @abstractmethod
    def _trial(self, directory: Path, precision: str | Precisions) -> Trial: ...

    def _found(
        self, precision: str | Precisions, scores: Mapping[str, float], seconds: float, same: Any
    ) -> Trial:
        reference = scores if self._reference is None else self._reference.scores
        return Trial(
            name=precision if isinstance(precision, str) else describe_precision(precision),
            precision={} if isinstance(precision, str) else precision,
            scores=scores,
            loss=max(100 * (reference[name] - scores[name]) for name in scores),
            same=same,
            ms_per_text=1e3 * seconds / sum(self.texts.values()),
        )


class TaskMeasure(Measure):
    """Scores of the model's task on labeled data.

    Args:
        datasets: Of the task; at least one.
        threads: Of the engine.

    Raises:
        InvalidInputError: an empty set, or one given twice.
    """

    def __init__(self, datasets: Sequence[Dataset], *, threads: int | None = None) -> None:
        names = [dataset.name for dataset in datasets]
        for dataset in datasets:
            if not dataset.examples or names.count(dataset.name) > 1:
                what = "given twice" if dataset.examples else "empty"
                raise InvalidInputError(f"the data set {dataset.name} is {what}")
        super().__init__(
            "score",
            {dataset.name: len(dataset) for dataset in datasets},
            # A single file is all of one part, whatever its name.
            {one.name: "file" if Path(one.name).is_file() else one.split for one in datasets},
        )
        self._datasets = datasets
        self._threads = threads
        self._answers: dict[str, list[object]] = {}
        self._logits: list[NDArray[np.float32]] = []

    def _trial(self, directory: Path, precision: str | Precisions) -> Trial:
        pipeline = load(directory, precision=precision, threads=self._threads)
        seconds = 0.0
        scores: dict[str, float] = {}
        agreeing: list[bool] = []
        for dataset in self._datasets:
            run = Run(pipeline)
            for start in range(0, len(dataset), CHUNK_TEXTS):
                run.block(dataset.examples[start : start + CHUNK_TEXTS])
            found = run.scores()
            self.score = found.main
            scores[dataset.name] = found.values[found.main]
            seconds += run.watch.wall_seconds
            answers = [_answer(prediction) for prediction in run.predictions]
            first = self._answers.setdefault(dataset.name, answers)
            agreeing += [a == b for a, b in zip(first, answers, strict=True)]
        if self._reference is None:
            self._logits = self._probe(pipeline)
        numbers = any(dataset.problem_type == "regression" for dataset in self._datasets)
        same = None if numbers else sum(agreeing) / len(agreeing)
        return self._found(precision, scores, seconds, same)

    def error(self, directory: Path, precision: str | Precisions) -> float:
        """The mean squared difference of logits, as a share of the logits' variance."""
        pipeline = load(directory, precision=precision, threads=self._threads)
        pairs = list(zip(self._probe(pipeline), self._logits, strict=True))
        wrong = sum(float(np.square(found - right).sum()) for found, right in pairs)
        scale = sum(float(np.square(right - right.mean()).sum()) for _, right in pairs)
        return wrong / max(scale, 1e-30)

    def _probe(self, pipeline: Pipeline[Any]) -> list[NDArray[np.float32]]:
        features: list[Features] = []
        for dataset in self._datasets:
            share = PROBE_TOKENS // len(self._datasets)
            for example in dataset.examples:
                own = pipeline.task.encode([example], with_labels=True)
                features += own
                share -= sum(len(item) for item in own)
                if share < 0:
                    break
        return [_logits(pipeline, item) for item in features]


def _logits(pipeline: Pipeline[Any], features: Features) -> NDArray[np.float32]:
    positions = pipeline.task.positions(features)
    batch = RaggedBatch.from_features([features])
    if positions is None:
        return pipeline.backend.logits(batch)
    if not len(positions):
        return np.zeros((0, 1), dtype=np.float32)
    return pipeline.backend.logits(batch, positions.astype(np.int64))


def _answer(prediction: Any) -> object:
    """What a person would take for the answer: labels, entities, the best word of each mask."""
    if not isinstance(prediction, tuple):
        for name in ("labels", "value", "label"):
            if hasattr(prediction, name):
                return getattr(prediction, name)
    return tuple(
        (item.start, item.end, item.type)
        if isinstance(item, Entity)
        else (item.start, item.candidates[0].token)
        for item in prediction
    )


class StatesMeasure(Measure):
    """The mean cosine of the tokens' last states to those of float32, for a model without a head
    for one of our tasks.

    Args:
        directory: Where the tokenizer lies.
        texts: Any that are like those the model will read.
        name: What to call them.
        longest: The most tokens of a text, special ones included.
        threads: Of the engine.

    Raises:
        InvalidInputError: no texts.
    """

    def __init__(
        self,
        directory: Path,
        texts: Iterable[str],
        *,
        name: str,
        longest: int,
        threads: int | None = None,
    ) -> None:
        tokenizer = Tokenizer.load(directory)
        rows: list[NDArray[np.int32]] = []
        tokens = 0
        for text in texts:
            ids = tokenizer.encode([text])[0].ids[: longest - 2]
            row = np.concatenate([[tokenizer.cls_id], ids, [tokenizer.sep_id]])
            rows.append(row.astype(np.int32))
            tokens += len(row)
            if tokens > MOST_TOKENS:
                break
        if not rows:
            raise InvalidInputError(f"{name} holds no text")
        super().__init__("token_cosine", {name: len(rows)}, {name: "texts"})
        rows.sort(key=len)
        self._batches = [RaggedBatch.of(rows[at : at + 32]) for at in range(0, len(rows), 32)]
        self._threads = threads
        self._states: list[NDArray[np.float32]] = []

    @property
    def resolution(self) -> float:
        """A mean of cosines knows no steps."""
        return 0.0

    def error(self, directory: Path, precision: str | Precisions) -> float:
        """One minus the score."""
        return 1 - next(iter(self._trial(directory, precision).scores.values()))

    def _trial(self, directory: Path, precision: str | Precisions) -> Trial:
        engine = Engine.load(directory, precision=precision, threads=self._threads)
        start = time.perf_counter()
        states = [engine.encode(batch.input_ids, batch.cu_seqlens) for batch in self._batches]
        seconds = time.perf_counter() - start
        if self._reference is None:
            self._states = states
        cosines = np.concatenate([_cosine(a, b) for a, b in zip(states, self._states, strict=True)])
        scores = {name: float(cosines.mean()) for name in self.texts}
        return self._found(precision, scores, seconds, None)


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / np.maximum(lengths, 1e-30)
