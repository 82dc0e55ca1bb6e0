from __future__ import annotations

import pytest

from squeezebert.training import throughput as room
from squeezebert.training.throughput import Throughput


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still unless its only entry is changed."""
    now = [100.0]
    monkeypatch.setattr(room.time, "monotonic", lambda: now[0])
    return now


def test_pace_and_utilisation_since_the_last_reading(clock: list[float]) -> None:
    pace = Throughput(flops_per_token=2e6, peak=1e9, tokens=1000)
    clock[0] += 10
    # 50 tokens a second, three times 2 MFLOP each, of 1,000 MFLOP/s.
    assert pace.read(1500) == {"tokens_per_second": 50.0, "mfu": 0.3}
    clock[0] += 4
    with pace.paused():
        clock[0] += 60
    clock[0] += 6
    assert pace.read(1600) == {"tokens_per_second": 10.0, "mfu": 0.06}


def test_a_small_share_of_a_fast_machine_is_not_rounded_away(clock: list[float]) -> None:
    pace = Throughput(flops_per_token=1e3, peak=1e15, tokens=0)
    clock[0] += 3000
    # 1/30 of a token a second, three times 1,000 FLOP each, of 10¹⁵ FLOP/s.
    assert pace.read(100) == {"tokens_per_second": 0.0333333, "mfu": 1e-13}


@pytest.mark.parametrize(("flops", "peak"), [(0.0, 1e9), (2e6, 0.0)])
def test_no_utilisation_of_what_is_not_known(flops: float, peak: float, clock: list[float]) -> None:
    pace = Throughput(flops_per_token=flops, peak=peak, tokens=0)
    clock[0] += 2
    assert pace.read(100) == {"tokens_per_second": 50.0}
