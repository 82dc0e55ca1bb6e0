"""The measuring, on engines whose speed is written down and with a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from squeezebert.benchmark import turns
from squeezebert.benchmark.plan import Shape
from squeezebert.benchmark.schema import Setting
from squeezebert.benchmark.subjects import Subject
from squeezebert.benchmark.turns import Item, Wish, first_pass, take_turns
from squeezebert.config import SQUEEZEBERT_MINI
from squeezebert.engine import PROJECTION_KINDS


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Engine:
    """Takes ``seconds_a_token`` of the clock's time."""

    clock: Clock
    seconds_a_token: float
    calls: list[int] = field(default_factory=list)
    config = SQUEEZEBERT_MINI
    precision = dict.fromkeys(PROJECTION_KINDS, "int8")
    threads = 1

    def encode(self, input_ids: Any, cu_seqlens: Any) -> None:
        assert cu_seqlens[-1] == len(input_ids)
        self.calls.append(len(input_ids))
        self.clock.now += self.seconds_a_token * len(input_ids)

    def profile(self, input_ids: Any, cu_seqlens: Any) -> dict[str, float]:
        self.encode(input_ids, cu_seqlens)
        return {"attention": 0.25, "output": 0.75}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(turns.time, "perf_counter", clock)
    return clock


def subject(clock: Clock, seconds_a_token: float) -> Subject:
    setting = Setting(isa="portable", precision="int8", threads=1)
    return Subject(Engine(clock, seconds_a_token), setting)  # type: ignore[arg-type]


def wish(tokens: int, threads: int = 1) -> Wish:
    return Wish("portable", "int8", threads, Shape(1, tokens))


def run(wishes: list[Wish], end: float, speeds: dict[int, float], clock: Clock):
    opened: list[int] = []

    def open_subject(one: Wish) -> Subject:
        opened.append(one.threads)
        clock.now += 1.0
        return subject(clock, speeds[one.threads])

    items, left_out = first_pass(
        wishes,
        end,
        open_subject=open_subject,
        guess=lambda one: 1e9,
        advance=lambda: None,
        clock=clock,
    )
    return items, left_out, opened


def test_a_first_call_is_not_counted_unless_it_is_long(clock: Clock) -> None:
    short = Item(subject(clock, 1e-4), Shape(1, 16))
    short.first()
    assert short.ms == [pytest.approx(1.6)]
    assert short.spent == pytest.approx(3.2e-3)
    long = Item(subject(clock, 1e-2), Shape(1, 16))
    speed = long.first()
    assert long.ms == [pytest.approx(160)]
    assert speed == pytest.approx(long.work.operations / 0.16)


def test_a_turn_lasts_a_while_and_its_first_call_is_not_counted(clock: Clock) -> None:
    item = Item(subject(clock, 5e-5), Shape(1, 8))  # 0.4 ms a call
    item.turn()
    assert len(item.ms) == 4
    slow = Item(subject(clock, 1e-3), Shape(1, 8))
    slow.turn()
    assert len(slow.ms) == 1


def test_a_profiled_item_keeps_the_stages_of_each_counted_call(clock: Clock) -> None:
    item = Item(subject(clock, 1e-4), Shape(1, 16), profiled=True)
    item.first()
    assert item.stages_s == [{"attention": 0.25, "output": 0.75}]


def test_an_engine_is_loaded_once_for_each_setting(clock: Clock) -> None:
    wishes = [wish(8), wish(8, threads=2), wish(16), wish(16, threads=2)]
    items, left_out, opened = run(wishes, 100.0, {1: 1e-3, 2: 1e-3}, clock)
    assert opened == [1, 2]
    assert [item.shape.length for item in items] == [8, 8, 16, 16]
    assert not left_out


def test_what_would_take_longer_than_is_left_is_left_out_and_the_rest_is_not(clock: Clock) -> None:
    wishes = [wish(8), wish(512), wish(16)]
    items, left_out, _ = run(wishes, 10.0, {1: 0.1}, clock)
    assert [item.shape.length for item in items] == [8, 16]
    assert left_out == [wish(512)]
    assert clock.now < 10.0


def test_the_first_wish_is_granted_whatever_it_takes(clock: Clock) -> None:
    items, left_out, opened = run([wish(512), wish(8, threads=2)], 0.0, {1: 1.0}, clock)
    assert len(items) == 1
    assert opened == [1]
    assert left_out == [wish(8, threads=2)]


def test_turns_go_to_who_has_had_least_until_the_time_is_up(clock: Clock) -> None:
    fast = Item(subject(clock, 1e-3), Shape(1, 10))
    slow = Item(subject(clock, 1e-1), Shape(1, 10))
    for item in (fast, slow):
        item.first()
    start = clock.now
    take_turns([fast, slow], start + 10.0, advance=lambda: None, clock=clock)
    assert 9.0 < clock.now - start < 10.01
    assert len(slow.ms) > 3
    assert len(fast.ms) > 50 * len(slow.ms)
    assert fast.spent == pytest.approx(slow.spent, abs=1.1)


def test_when_nothing_new_can_be_learnt_the_rest_of_the_time_is_given_back(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_CALLS", 10)
    items = [Item(subject(clock, 1e-3), Shape(1, 10)) for _ in range(3)]
    for item in items:
        item.first()
    take_turns(items, 1e9, advance=lambda: None, clock=clock)
    assert all(10 <= len(item.ms) < 13 for item in items)
    assert clock.now < 1.0


def test_a_turn_that_would_not_fit_is_not_begun(clock: Clock) -> None:
    slow = Item(subject(clock, 1.0), Shape(1, 10))
    slow.first()
    before = clock.now
    take_turns([slow], clock.now + 5.0, advance=lambda: None, clock=clock)
    assert clock.now == before


def test_a_wish_says_what_it_is() -> None:
    assert str(wish(8)) == "1 × 8 in int8 on portable, threads: 1"
    profiled = Wish("avx2", "bf16", 2, Shape(4, 128), profiled=True)
    assert str(profiled) == "stages of 4 × 128 in bf16 on avx2, threads: 2"
