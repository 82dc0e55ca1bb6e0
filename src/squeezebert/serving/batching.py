"""What waits becomes batches by token budget, in front of one worker thread.

There is no timer: a batch is whatever waits when the worker falls idle. So a lone request never
waits for company, and under load batches fill by themselves.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from squeezebert.serving.refusals import QueueFullError

Item = TypeVar("Item")
Result = TypeVar("Result")

MEMORY = 0.8
"""What a batch counts for, once another has been run, in the mean speed."""

LONGEST_RETRY_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class BatchRecord:
    """What a batch was: for metrics.

    Args:
        items: Its inputs.
        tokens: Their tokens.
        seconds: From the call of the worker to its answer, waiting for the thread included.
    """

    items: int
    tokens: int
    seconds: float


class Batcher(Generic[Item, Result]):
    """Runs the items of many callers in batches.

    Callers take turns, an item each, so that a long list does not keep a short question waiting;
    each caller gets its results in its own order. A caller that is cancelled leaves the queue at
    once. Where a batch fails, its items are run again one by one, so that only those who brought
    the faulty one are told.

    All methods belong to one event loop; ``work`` is called in ``executor``.

    Args:
        work: Answers a batch, a result an item. Called for one batch at a time.
        cost: The tokens of an item.
        executor: Where it is called. Batchers that share one with a single thread take turns.
        batch_tokens: The most tokens of a batch (a longer item goes alone).
        queue_tokens: The most tokens that may wait.
        observe: Is told of every batch.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> async def double(numbers: list[int]) -> list[int]:
    ...     with ThreadPoolExecutor(1) as executor:
    ...         batcher = Batcher(
    ...             lambda batch: [2 * item for item in batch],
    ...             cost=lambda item: 1,
    ...             executor=executor,
    ...             batch_tokens=2,
    ...             queue_tokens=8,
    ...         )
    ...         return await batcher.run(numbers)
    >>> asyncio.run(double([1, 2, 3]))
    [2, 4, 6]
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        cost: Callable[[Item], int],
        executor: Executor,
        batch_tokens: int,
        queue_tokens: int,
        observe: Callable[[BatchRecord], None] | None = None,
    ) -> None:
        self._work_on = work
        self._cost = cost
        self._executor = executor
        self._batch_tokens = batch_tokens
        self._queue_tokens = queue_tokens
        self._observe = observe
        self._jobs: deque[_Job[Item, Result]] = deque()
        self._waiting = 0
        self._at_work = 0
        # Of the last batches, each counted for less than the one after it.
        self._tokens = self._seconds = 0.0
        # Lives only while something waits, so that a batcher needs no closing.
        self._worker: asyncio.Task[None] | None = None

    @property
    def waiting_tokens(self) -> int:
        """The tokens in the queue; those at work are no longer in it."""
        return self._waiting

    def check_room(self, tokens: int = 1, *, within_seconds: float = math.inf) -> None:
        """Whether a caller with so many tokens would be let in, and have its turn in time. An empty
        queue takes anyone.

        Raises:
            QueueFullError: it would not.
        """
        if not self._waiting:
            return
        if self._waiting + tokens > self._queue_tokens:
            raise QueueFullError(
                f"the queue is full: {self._waiting} of {self._queue_tokens} tokens wait",
                retry_after_seconds=self._retry_after(),
            )
        wait = self._wait_seconds()
        # Small batches are slow for their size and tell nothing of a long queue.
        if self._tokens >= self._batch_tokens and wait > within_seconds:
            raise QueueFullError(
                f"the queue is too long: what is in it takes {wait:.1f} s",
                retry_after_seconds=self._retry_after(),
            )

    async def run(self, items: Sequence[Item]) -> list[Result]:
        """The results of ``items``, in order.

        Raises:
            QueueFullError: no room for all of them; none is run.
            Exception: what ``work`` raised for one of them.
        """
        if not items:
            return []
        costs = [self._cost(item) for item in items]
        total = sum(costs)
        self.check_room(total)
        job = _Job(items, costs, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._waiting += total
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        try:
            return await job.answer
        finally:
            self._withdraw(job)

    def _withdraw(self, job: _Job[Item, Result]) -> None:
        """Gives back the places of a caller that is cancelled or has failed."""
        if job.taken < len(job.items):
            self._jobs.remove(job)
            self._waiting -= sum(job.costs[job.taken :])
            job.taken = len(job.items)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while batch := self._take():
                self._at_work = sum(job.costs[at] for job, at in batch)
                items = [job.items[at] for job, at in batch]
                began = time.perf_counter()
                outcomes = await loop.run_in_executor(self._executor, self._answer, items)
                self._note(batch, time.perf_counter() - began)
                for (job, at), outcome in zip(batch, outcomes, strict=True):
                    job.settle(at, outcome)
        finally:
            self._worker = None
            self._at_work = 0

    def _take(self) -> list[tuple[_Job[Item, Result], int]]:
        """The next batch, as callers with the index of an item: one of each caller in turn."""
        batch: list[tuple[_Job[Item, Result], int]] = []
        room = self._batch_tokens
        while self._jobs:
            job = self._jobs[0]
            cost = job.costs[job.taken]
            if batch and cost > room:
                break
            self._jobs.popleft()
            batch.append((job, job.taken))
            job.taken += 1
            room -= cost
            self._waiting -= cost
            if job.taken < len(job.items):
                self._jobs.append(job)
        return batch

    def _answer(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        """In the worker thread: a result or what went wrong, for each item."""
        try:
            return self._work_on(items)
        except Exception as error:  # noqa: BLE001 - told to the caller whose item it was
            if len(items) == 1:
                return [error]
            return [self._answer([item])[0] for item in items]

    def _note(self, batch: Sequence[tuple[_Job[Item, Result], int]], seconds: float) -> None:
        tokens = self._at_work
        self._tokens = MEMORY * self._tokens + tokens
        self._seconds = MEMORY * self._seconds + seconds
        if self._observe is not None:
            self._observe(BatchRecord(items=len(batch), tokens=tokens, seconds=seconds))

    def _wait_seconds(self) -> float:
        """Until what waits now has been worked off, and what is at work before it; 0 where no batch
        has told the speed yet.
        """
        tokens = self._at_work + self._waiting
        return tokens * self._seconds / self._tokens if self._tokens else 0.0

    def _retry_after(self) -> int:
        """The same in whole seconds, at least one."""
        return min(LONGEST_RETRY_SECONDS, max(1, math.ceil(self._wait_seconds())))


class _Job(Generic[Item, Result]):
    """The items of one caller. The first ``taken`` of them have left the queue."""

    def __init__(
        self, items: Sequence[Item], costs: list[int], answer: asyncio.Future[list[Result]]
    ) -> None:
        self.items = items
        self.costs = costs
        self.answer = answer
        self.taken = 0
        self._results: list[Result | None] = [None] * len(items)
        self._open = len(items)

    def settle(self, at: int, outcome: Result | Exception) -> None:
        """Keeps the result of an item; the last one answers the caller, as does an error."""
        if self.answer.done():  # cancelled, or told of an error before
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
            return
        self._results[at] = outcome
        self._open -= 1
        if not self._open:
            self.answer.set_result(cast("list[Result]", self._results))
