"""CPU time of single texts, several models in turn: what a phone's battery would pay.

It is what the operating system counted for this process, so other processes take none of it,
though they do slow it down through the caches and the clock: hence the turns, and the least of
many calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from squeezebert.benchmark.plan import Shape
from squeezebert.benchmark.subjects import random_batch
from squeezebert.checkpoint.shipped import ShippedModel, ShippedSpeed
from squeezebert.engine import Engine, describe_precision

TYPICAL_TOKENS = 64
"""A message or a news item, special tokens included."""

MASKED_EVERY = 7
"""One in so many tokens is asked of a masked LM, about the share that is masked in training."""

Call = Callable[[], object]


def text_call(engine: Engine, tokens: int) -> Call:
    """One text of random tokens through a model: its encoder, and its head if it has one.

    Raises:
        InvalidInputError: no tokens, or more than the model has positions for (when called).
    """
    batch = random_batch(Shape(batch=1, length=tokens), engine.config.vocab_size)
    if engine.head is None:
        return lambda: engine.encode(*batch)
    positions = np.arange(0, tokens, MASKED_EVERY) if engine.head == "masked_lm" else None
    return lambda: engine.logits(*batch, positions=positions)


def least_cpu_ms(
    calls: Sequence[Call],
    *,
    rounds: int = 30,
    seconds: float = float("inf"),
    clock: Callable[[], float] = time.process_time,
    now: Callable[[], float] = time.monotonic,
) -> list[float]:
    """Milliseconds of CPU time of each call: the least of ``rounds``, all in turn.

    Args:
        calls: What is measured, on one thread each.
        rounds: Over all calls, another one first each time. Each turn calls twice, and the call
            that finds others' data in the caches is not counted.
        seconds: No round begins after so many; the first always does.
        clock: Tells CPU seconds.
        now: Tells the time.
    """
    least = [float("inf")] * len(calls)
    end = now() + seconds
    for done in range(rounds):
        if done and now() >= end:
            break
        first = done % max(len(calls), 1)
        for index in [*range(first, len(calls)), *range(first)]:
            calls[index]()
            start = clock()
            calls[index]()
            least[index] = min(least[index], 1e3 * (clock() - start))
    return least


def measure_shipped(
    models: Sequence[ShippedModel], *, cpu: str, seconds: float = 10.0
) -> list[ShippedSpeed]:
    """How long each model takes over a text of :data:`TYPICAL_TOKENS` on this machine, on one
    thread, in the precision that it takes by itself.

    Args:
        models: All are loaded at once and take turns.
        cpu: What the processor is called.
        seconds: For all of them.
    """
    engines = [Engine.load(model.directory, threads=1) for model in models]
    tokens = [min(TYPICAL_TOKENS, one.config.max_position_embeddings) for one in engines]
    calls = [text_call(engine, count) for engine, count in zip(engines, tokens, strict=True)]
    least = least_cpu_ms(calls, rounds=1000, seconds=seconds)
    return [
        ShippedSpeed(
            cpu_ms=float(f"{cpu_ms:.3g}"),
            tokens=count,
            precision=describe_precision(engine.precision),
            isa=engine.isa,
            cpu=cpu,
        )
        for engine, count, cpu_ms in zip(engines, tokens, least, strict=True)
    ]
