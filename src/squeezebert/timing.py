"""Taking time fairly: a stopwatch of CPU and wall-clock time, and turns in rotation."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass
class Stopwatch:
    """Adds up process CPU seconds and wall-clock seconds over the blocks it is used around.

    >>> watch = Stopwatch()
    >>> with watch.running():
    ...     _ = sum(range(1000))
    >>> watch.cpu_seconds >= 0.0 and watch.wall_seconds > 0.0
    True
    """

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0

    @contextmanager
    def running(self) -> Generator[None]:
        """Time inside the ``with`` block counts."""
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            yield
        finally:
            self.cpu_seconds += time.process_time() - cpu
            self.wall_seconds += time.perf_counter() - wall


def rotations(items: Sequence[Item]) -> Iterator[list[Item]]:
    """The items again and again, each time with another one first.

    >>> turns = rotations("abc")
    >>> [next(turns) for _ in range(4)]
    [['a', 'b', 'c'], ['b', 'c', 'a'], ['c', 'a', 'b'], ['a', 'b', 'c']]
    """
    first = 0
    while True:
        yield [*items[first:], *items[:first]]
        first = (first + 1) % len(items)
