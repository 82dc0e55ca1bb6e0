"""The queue in front of a fake engine that works when it is told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from squeezebert.serving.batching import Batcher, BatchRecord
from squeezebert.serving.refusals import QueueFullError


class FakeEngine:
    """Answers an item, which is its own cost, by its negative. Waits at the gate before a batch."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        assert self.gate.wait(60)
        if 13 in items:
            raise ValueError("13")
        return [-item for item in items]


class Bench:
    """A batcher over a fake engine."""

    def __init__(self, executor: ThreadPoolExecutor, batch_tokens: int, queue_tokens: int) -> None:
        self.engine = FakeEngine()
        self.records: list[BatchRecord] = []
        self.batcher: Batcher[int, int] = Batcher(
            self.engine,
            cost=lambda item: item,
            executor=executor,
            batch_tokens=batch_tokens,
            queue_tokens=queue_tokens,
            observe=self.records.append,
        )

    def ask(self, *items: int) -> asyncio.Task[list[int]]:
        return asyncio.create_task(self.batcher.run(items))

    async def busy(self) -> asyncio.Task[list[int]]:
        """Has the engine hold a first batch, so that whatever comes now must wait."""
        first = self.ask(1)
        while not self.engine.batches:
            await asyncio.sleep(0.001)
        return first


@pytest.fixture
def executor() -> Any:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def test_everybody_gets_their_own_answers_in_their_own_order(executor: ThreadPoolExecutor) -> None:
    async def main() -> None:
        bench = Bench(executor, batch_tokens=10, queue_tokens=10_000)
        bench.engine.gate.set()
        lists = [list(range(1, 2 + at % 7)) for at in range(50)]
        answers = await asyncio.gather(*(bench.ask(*items) for items in lists))
        assert answers == [[-item for item in items] for items in lists]
        assert bench.batcher.waiting_tokens == 0
        assert all(sum(batch) <= 10 for batch in bench.engine.batches)
        assert sum(record.tokens for record in bench.records) == sum(map(sum, lists))
        assert max(record.items for record in bench.records) > 1

    asyncio.run(main())


def test_what_is_longer_than_a_batch_goes_alone(executor: ThreadPoolExecutor) -> None:
    async def main() -> None:
        bench = Bench(executor, batch_tokens=4, queue_tokens=100)
        bench.engine.gate.set()
        assert await bench.ask(2, 9, 2) == [-2, -9, -2]
        assert bench.engine.batches == [[2], [9], [2]]

    asyncio.run(main())


def test_callers_take_turns(executor: ThreadPoolExecutor) -> None:
    async def main() -> None:
        bench = Bench(executor, batch_tokens=3, queue_tokens=100)
        first = await bench.busy()
        long = bench.ask(*[1] * 9)
        await asyncio.sleep(0)
        short = bench.ask(2)
        await asyncio.sleep(0)
        bench.engine.gate.set()
        await asyncio.gather(first, long, short)
        assert bench.engine.batches[:2] == [[1], [1, 2]]

    asyncio.run(main())


def test_nothing_to_ask_is_answered_at_once(executor: ThreadPoolExecutor) -> None:
    async def main() -> None:
        bench = Bench(executor, batch_tokens=3, queue_tokens=100)
        assert await bench.batcher.run([]) == []

    asyncio.run(main())


def test_who_would_wait_too_long_is_refused(executor: ThreadPoolExecutor) -> None:
    async def main() -> None:
        bench = Bench(executor, batch_tokens=4, queue_tokens=100)
        await bench.busy()
        waiting = bench.ask(*[1] * 20)
        await asyncio.sleep(0)
        bench.batcher.check_room(within_seconds=0.0)  # nothing is known of the speed yet
        bench.engine.gate.set()
        await waiting
        bench.batcher.check_room(within_seconds=0.0)  # nothing waits
        bench.engine.gate.clear()
        held = bench.ask(4)
        waiting = bench.ask(4)
        while len(bench.engine.batches) < 7:
            await asyncio.sleep(0.001)
        bench.batcher.check_room(within_seconds=1e6)
        with pytest.raises(QueueFullError, match="what is in it takes"):
            bench.batcher.check_room(within_seconds=0.0)
        bench.engine.gate.set()
        assert await asyncio.gather(held, waiting) == [[-4], [-4]]

    asyncio.run(main())


def test_a_full_queue_refuses_and_loses_nobody(executor: ThreadPoolExecutor) -> None:
    """Twice as many as there are places: those with a place are answered, the others told when to
    come again, and who comes again is answered too.
    """

    async def main() -> None:
        bench = Bench(executor, batch_tokens=8, queue_tokens=40)
        first = await bench.busy()
        askers = [bench.ask(1) for _ in range(80)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError, match="40 of 40 tokens wait") as refused:
            bench.batcher.check_room()
        assert refused.value.retry_after_seconds >= 1
        bench.engine.gate.set()
        answers = await asyncio.gather(*askers, return_exceptions=True)
        assert answers[:40] == [[-1]] * 40
        assert all(isinstance(answer, QueueFullError) for answer in answers[40:])
        assert await first == [-1]
        bench.batcher.check_room(40)
        assert await bench.ask(1) == [-1]
        assert sum(map(len, bench.engine.batches)) == 42

    asyncio.run(main())


def test_an_empty_queue_takes_even_what_is_longer_than_itself(
    executor: ThreadPoolExecutor,
) -> None:
    async def main() -> None:
        bench = Bench(executor, batch_tokens=8, queue_tokens=8)
        bench.engine.gate.set()
        assert await bench.ask(9) == [-9]

    asyncio.run(main())


def test_who_leaves_frees_the_place(executor: ThreadPoolExecutor) -> None:
    async def main() -> None:
        bench = Bench(executor, batch_tokens=4, queue_tokens=20)
        first = await bench.busy()
        leaving, staying = bench.ask(4, 4, 4), bench.ask(4, 4)
        await asyncio.sleep(0)
        assert bench.batcher.waiting_tokens == 20
        leaving.cancel()
        await asyncio.sleep(0)
        assert bench.batcher.waiting_tokens == 8
        bench.engine.gate.set()
        assert await staying == [-4, -4]
        assert await first == [-1]
        assert bench.engine.batches == [[1], [4], [4]]
        assert leaving.cancelled()

    asyncio.run(main())


def test_who_leaves_while_being_answered_disturbs_nobody(executor: ThreadPoolExecutor) -> None:
    async def main() -> None:
        bench = Bench(executor, batch_tokens=4, queue_tokens=20)
        first = await bench.busy()
        staying = bench.ask(2)
        await asyncio.sleep(0)
        first.cancel()
        bench.engine.gate.set()
        assert await staying == [-2]
        assert bench.batcher.waiting_tokens == 0

    asyncio.run(main())


def test_only_who_brought_a_faulty_item_is_told(executor: ThreadPoolExecutor) -> None:
    async def main() -> None:
        bench = Bench(executor, batch_tokens=100, queue_tokens=1000)
        first = await bench.busy()
        good, faulty, other = bench.ask(5, 6), bench.ask(7, 13), bench.ask(8)
        await asyncio.sleep(0)
        bench.engine.gate.set()
        answers = await asyncio.gather(first, good, faulty, other, return_exceptions=True)
        assert answers[0] == [-1]
        assert answers[1] == [-5, -6]
        assert isinstance(answers[2], ValueError)
        assert answers[3] == [-8]
        assert bench.batcher.waiting_tokens == 0
        assert await bench.ask(3) == [-3], "the worker goes on"

    asyncio.run(main())


def test_the_time_to_come_again_follows_the_speed(executor: ThreadPoolExecutor) -> None:
    async def main() -> None:
        bench = Bench(executor, batch_tokens=8, queue_tokens=8)
        bench.engine.gate.set()
        await bench.ask(8)
        bench.batcher._tokens, bench.batcher._seconds = 2.0, 1.0  # as if it had been slow
        bench.engine.gate.clear()
        bench.engine.batches.clear()
        first = await bench.busy()
        waiting = bench.ask(7)
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError) as refused:
            bench.batcher.check_room(2)
        assert refused.value.retry_after_seconds == 4  # 1 and 7 tokens at 2 a second
        bench.engine.gate.set()
        await asyncio.gather(first, waiting)

    asyncio.run(main())
