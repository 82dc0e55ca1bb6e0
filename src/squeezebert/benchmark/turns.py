"""The measuring itself. A first pass tries everything once, the most wanted first; in the rest of
the time items take turns, whoever has had the least of it next.

So whatever drifts on a shared machine hits all alike; quick items get many calls, slow ones few.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from squeezebert.benchmark.operations import Work, call_work
from squeezebert.benchmark.plan import Shape
from squeezebert.benchmark.subjects import Subject, random_batch

TURN_S = 2e-3
"""A turn lasts at least so many seconds."""

WARM_S = 0.05
"""A first call that takes longer than this counts: what is made and paged in for it is little."""

MOST_CALLS = 2000
"""More calls than this tell nothing new."""

FIRST_PASS = 0.6
"""The part of the time in which the first pass must be done."""


@dataclass(eq=False)
class Item:
    """One shape on one engine, being measured.

    Args:
        subject: The engine.
        shape: What it is given.
        profiled: Whether calls are divided into stages instead of timed as a whole.
        ms: Of each counted call.
        stages_s: Seconds by stage, all threads together, of each profiled call.
        spent: Seconds of all its calls.
    """

    subject: Subject
    shape: Shape
    profiled: bool = False
    ms: list[float] = field(default_factory=list[float])
    stages_s: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    spent: float = 0.0
    batch: tuple[NDArray[np.int32], NDArray[np.int32]] = field(init=False)
    work: Work = field(init=False)

    def __post_init__(self) -> None:
        engine = self.subject.engine
        self.batch = random_batch(self.shape, engine.config.vocab_size)
        self.work = call_work(
            engine.config, engine.precision, batch=self.shape.batch, length=self.shape.length
        )

    def first(self) -> float:
        """The first counted call; its operations a second."""
        seconds = self._call()
        if seconds < WARM_S:
            self._forget()
            seconds = self._call()
        return self.work.operations / seconds

    def turn(self) -> None:
        """Calls for a short while. Since its last turn others have had the caches, so the first
        call is not counted where there is time for more.
        """
        before, counted = self.spent, len(self.ms)
        self._call()
        while self.spent - before < TURN_S:
            self._call()
        if len(self.ms) > counted + 1:
            del self.ms[counted]

    def _call(self) -> float:
        engine = self.subject.engine
        start = time.perf_counter()
        if self.profiled:
            self.stages_s.append(engine.profile(*self.batch))
        else:
            engine.encode(*self.batch)
        seconds = time.perf_counter() - start
        self.ms.append(1e3 * seconds)
        self.spent += seconds
        return seconds

    def _forget(self) -> None:
        self.ms.clear()
        self.stages_s.clear()


@dataclass(frozen=True)
class Wish:
    """What would be measured if there were time.

    Args:
        isa, precision, threads: The setting, as it is asked for.
        shape: What the engine is given.
        profiled: See :class:`Item`.
    """

    isa: str
    precision: str
    threads: int
    shape: Shape
    profiled: bool = False

    def __str__(self) -> str:
        """For notes."""
        what = f"{self.shape} in {self.precision} on {self.isa}, threads: {self.threads}"
        return f"stages of {what}" if self.profiled else what


def first_pass(
    wishes: Sequence[Wish],
    end: float,
    *,
    open_subject: Callable[[Wish], Subject],
    guess: Callable[[Wish], float],
    advance: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> tuple[list[Item], list[Wish]]:
    """Measures each wish once, as far as the time goes; the first one always.

    Args:
        wishes: The most wanted first.
        end: When the time is up, by ``clock``.
        open_subject: Loads an engine; asked once for each setting.
        guess: Operations a second that a setting may reach before anything is known of it.
        advance: Called after each.
        clock: Tells the time.

    Returns:
        ``(items, left_out)``.
    """
    subjects: dict[tuple[str, str, int], Subject] = {}
    speeds: dict[tuple[str, str, int], float] = {}
    loading = 0.0
    items: list[Item] = []
    left_out: list[Wish] = []
    for wish in wishes:
        key = (wish.isa, wish.precision, wish.threads)
        if items and key not in subjects and clock() + loading > end:
            left_out.append(wish)
            continue
        if key not in subjects:
            start = clock()
            subjects[key] = open_subject(wish)
            loading = max(loading, clock() - start)
        item = Item(subjects[key], wish.shape, wish.profiled)
        if items and clock() + item.work.operations / speeds.get(key, guess(wish)) > end:
            left_out.append(wish)
            continue
        speeds[key] = max(item.first(), speeds.get(key, 0.0))
        items.append(item)
        advance()
    return items, left_out


def take_turns(
    items: Sequence[Item],
    end: float,
    *,
    advance: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Turns until the time is up, or nothing new can be learnt. One whose next turn would last
    longer than is left gets no more.
    """
    while clock() < end:
        left = end - clock()
        able = [
            item for item in items if len(item.ms) < MOST_CALLS and item.spent / len(item.ms) < left
        ]
        if not able:
            return
        min(able, key=lambda item: item.spent).turn()
        advance()
