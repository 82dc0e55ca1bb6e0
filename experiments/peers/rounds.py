"""The interleaved measuring: every peer in turn, another one first each round."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.peers.crew import PeerError, Worker
from experiments.peers.runtimes import Peer

PAUSE_S = 0.02
"""Seconds between turns, in which the threads of the last peer stop spinning."""

WARM_TOKENS = 512
"""Up to so many tokens a turn takes three calls, beyond it one: the same for all peers."""


@dataclass(frozen=True, order=True)
class Cell:
    """A shape that is measured: ``batch`` sequences of ``length`` tokens."""

    batch: int
    length: int

    @classmethod
    def parse(cls, text: str) -> Cell:
        """``8x128`` is a batch of 8 with 128 tokens each.

        Raises:
            ValueError: anything else.
        """
        batch, _, length = text.lower().partition("x")
        if not (batch.isdigit() and length.isdigit() and int(batch) and int(length)):
            raise ValueError(f"a shape is written as 8x128, not {text!r}")
        return cls(int(batch), int(length))

    @property
    def calls(self) -> int:
        """Timed calls a turn."""
        return 3 if self.batch * self.length <= WARM_TOKENS else 1

    def __str__(self) -> str:
        return f"B{self.batch} S{self.length}"


@dataclass(eq=False)
class Runner:
    """A peer with its process, and what has been measured of it.

    Args:
        peer: What it is.
        model: Which model it has loaded.
        worker: Its process.
        isa: The instruction set it runs on, as far as known.
        held: Whether it keeps to the one that was asked for: ``yes``, ``partly`` or ``no``.
        cosine: To the reference.
        times_ms: Of every timed call, by cell.
        seconds: Of every pass over a set of texts, by set.
        budgets: Tokens of a batch, by set.
        failure: Why it was dropped, or empty.
    """

    peer: Peer
    model: str
    worker: Worker
    isa: str = ""
    held: str = "yes"
    cosine: float = 0.0
    times_ms: dict[Cell, list[float]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    budgets: dict[str, int] = field(default_factory=dict)
    failure: str = ""

    def ask(self, do: str, **message: Any) -> dict[str, Any] | None:
        """See :meth:`crew.Worker.ask`; a peer that breaks is dropped, and None comes back."""
        if self.failure:
            return None
        try:
            return self.worker.ask(do, **message)
        except PeerError as error:
            self.failure = str(error)
            self.worker.end()
            return None


def measure_cell(
    runners: Sequence[Runner],
    cell: Cell,
    *,
    rounds: int,
    seconds: float,
    seed: int,
) -> int:
    """Rounds over all runners, until there are ``rounds`` or the time is up; at least one.

    Returns:
        How many rounds were made.
    """
    for runner in runners:
        runner.ask("ready", batch=cell.batch, length=cell.length, seed=seed)

    def turn(runner: Runner) -> None:
        answer = runner.ask("turn", calls=cell.calls)
        if answer is not None:
            runner.times_ms.setdefault(cell, []).extend(answer["ms"])

    return in_turns(runners, turn, rounds=rounds, seconds=seconds)


def measure_texts(runners: Sequence[Runner], name: str, *, rounds: int, seconds: float) -> int:
    """The same with passes over a set of texts, which the runners have taken already."""

    def turn(runner: Runner) -> None:
        answer = runner.ask("run_texts")
        if answer is not None:
            runner.seconds.setdefault(name, []).append(answer["seconds"])

    return in_turns(runners, turn, rounds=rounds, seconds=seconds)


def in_turns(
    runners: Sequence[Runner], turn: Callable[[Runner], None], *, rounds: int, seconds: float
) -> int:
    """Whole rounds, each begun by the next runner."""
    end = time.monotonic() + seconds
    for done in range(rounds):
        if done and time.monotonic() > end:
            return done
        first = done % max(1, len(runners))
        for runner in [*runners[first:], *runners[:first]]:
            turn(runner)
            time.sleep(PAUSE_S)
    return rounds


def summary(values: Sequence[float]) -> tuple[float, float]:
    """Minimum and median."""
    return min(values), statistics.median(values)
