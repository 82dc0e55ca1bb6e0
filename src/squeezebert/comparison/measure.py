"""Taking the time of several models so that whatever drifts hits all of them alike.

The data set is cut into small blocks. Every model answers a block before the next block begins,
and who goes first moves on by one each time. Heat, other processes and the clock of the CPU then
weigh on all models alike, and their ratio stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.comparison.schema import Latency, LengthLatency
from squeezebert.evaluation import Answering, Run
from squeezebert.pipeline import Pipeline
from squeezebert.timing import Stopwatch, rotations

LENGTHS = (8, 16, 32, 64, 128, 256, 512)
"""Lengths in tokens at which latency is taken, as far as all models have positions for them."""

LENGTH_REPEATS = 10
"""Calls at each of them."""


class Progress(Protocol):
    """Told how far a comparison has come, only while no time is being taken.

    What it does in between counts as the models' CPU time if it runs in a thread of its own, so a
    progress bar should draw inside these calls and not by itself.
    """

    def stage(self, name: str, steps: int) -> None:
        """Something of ``steps`` steps begins; what came before it is done."""
        ...

    def advance(self) -> None:
        """One step of it is done."""
        ...


class Silent:
    """A progress that shows nothing."""

    def stage(self, name: str, steps: int) -> None:
        """See :class:`Progress`."""

    def advance(self) -> None:
        """See :class:`Progress`."""


def run_passes(
    pipelines: Sequence[Answering],
    examples: Sequence[Any],
    *,
    repetitions: int,
    block_texts: int,
    warmup_texts: int,
    progress: Progress,
) -> list[list[Run]]:
    """Every pipeline over all examples, ``repetitions`` times.

    Returns:
        For each pipeline its repetitions; the first of them has kept its answers.
    """
    for pipeline in pipelines:
        Run(pipeline, keep=False).block(examples[:warmup_texts])
    blocks = [
        examples[start : start + block_texts] for start in range(0, len(examples), block_texts)
    ]
    turns = rotations(range(len(pipelines)))
    runs: list[list[Run]] = [[] for _ in pipelines]
    for repetition in range(repetitions):
        for pipeline, own in zip(pipelines, runs, strict=True):
            own.append(Run(pipeline, keep=repetition == 0))
        for block in blocks:
            for index in next(turns):
                runs[index][-1].block(block)
                progress.advance()
    return runs


def take_latency(
    pipelines: Sequence[Answering],
    examples: Sequence[Any],
    *,
    repetitions: int,
    progress: Progress,
) -> list[Latency]:
    """Every pipeline on one example at a time, from raw text to prediction."""
    times: list[list[float]] = [[] for _ in pipelines]
    turns = rotations(range(len(pipelines)))
    for _ in range(repetitions):
        for example in examples:
            for index in next(turns):
                run = Run(pipelines[index], keep=False)
                run.block([example])
                times[index].append(run.watch.wall_seconds)
            progress.advance()
    return [Latency(**_percentiles(own)) for own in times]


def fitting_lengths(pipelines: Sequence[Pipeline[Any]]) -> list[int]:
    """The :data:`LENGTHS` that all models take."""
    longest = min(pipeline.task.spec.max_length for pipeline in pipelines)
    return [length for length in LENGTHS if length <= longest]


def take_latency_by_length(
    pipelines: Sequence[Pipeline[Any]], lengths: Sequence[int], *, seed: int, progress: Progress
) -> list[tuple[LengthLatency, ...]]:
    """Every model on artificial inputs of given lengths, one at a time: the model alone, without
    tokenizing and decoding.
    """
    turns = rotations(range(len(pipelines)))
    result: list[list[LengthLatency]] = [[] for _ in pipelines]
    generator = np.random.default_rng(seed)
    for length in lengths:
        # The same draws for all; a smaller vocabulary takes them modulo its size.
        draws = generator.integers(1 << 30, size=length)
        for pipeline in pipelines:
            _call(pipeline, draws)
        times: list[list[float]] = [[] for _ in pipelines]
        for _ in range(LENGTH_REPEATS):
            for index in next(turns):
                times[index].append(_call(pipelines[index], draws))
        for own, taken in zip(result, times, strict=True):
            own.append(LengthLatency(tokens=length, **_percentiles(taken)))
        progress.advance()
    return [tuple(own) for own in result]


def _call(pipeline: Pipeline[Any], draws: NDArray[np.int64]) -> float:
    """Seconds of one call of the model."""
    input_ids = (draws % pipeline.backend.config.vocab_size).astype(np.int32)
    features = pipeline.task.timing_input(input_ids)
    batch = RaggedBatch.from_features([features])
    positions = pipeline.task.positions(features)
    watch = Stopwatch()
    with watch.running():
        pipeline.backend.logits(batch, positions)
    return watch.wall_seconds


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(np.array(seconds) * 1000.0, [50, 95, 99]).tolist()
    return {"p50": p50, "p95": p95, "p99": p99}
