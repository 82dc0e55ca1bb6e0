from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from squeezebert.benchmark.cpu_time import least_cpu_ms, measure_shipped, text_call
from squeezebert.benchmark.random_model import write_random_model
from squeezebert.checkpoint.shipped import shipped_models
from squeezebert.config import EncoderConfig
from squeezebert.engine import Engine


class Machine:
    """A clock that calls move on; one of them by less each time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.order: list[str] = []

    def call(self, name: str, costs: list[float]) -> None:
        self.order.append(name)
        self.seconds += costs.pop(0)


def test_the_least_of_counted_calls_in_turn() -> None:
    machine = Machine()
    a = [9.0, 3.0, 9.0, 2.0, 9.0, 4.0]
    b = [0.1, 5.0, 0.1, 7.0, 0.1, 6.0]
    found = least_cpu_ms(
        [lambda: machine.call("a", a), lambda: machine.call("b", b)],
        rounds=3,
        clock=lambda: machine.seconds,
    )
    # The first call of each turn, b's quick ones too, is not counted.
    assert found == pytest.approx([2000.0, 5000.0])
    assert "".join(machine.order) == "aabb" + "bbaa" + "aabb"


def test_no_round_begins_when_the_time_is_up() -> None:
    machine = Machine()
    costs = [1.0] * 100
    least_cpu_ms(
        [lambda: machine.call("a", costs)],
        rounds=40,
        seconds=5.0,
        clock=lambda: machine.seconds,
        now=lambda: machine.seconds,
    )
    assert len(machine.order) == 6
    machine.order.clear()
    least_cpu_ms([lambda: machine.call("a", costs)], seconds=0.0)
    assert machine.order == ["a", "a"]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("squeezebert-mini-mlm", (10, 16384)),
        ("squeezebert-mini-ner", (64, 9)),
        ("squeezebert-mini-news", (1, 6)),
    ],
)
def test_a_text_goes_through_the_head(name: str, shape: tuple[int, int]) -> None:
    answer = text_call(Engine.load(name, threads=1), 64)()
    assert isinstance(answer, np.ndarray)
    assert answer.shape == shape


def test_a_bare_encoder_encodes(tmp_path: Path, tiny_config: EncoderConfig) -> None:
    engine = Engine.load(write_random_model(tiny_config, tmp_path / "bare"), threads=1)
    answer = text_call(engine, 12)()
    assert isinstance(answer, np.ndarray)
    assert answer.shape == (12, tiny_config.hidden_size)


def test_shipped_models_have_a_speed() -> None:
    models = shipped_models()[:2]
    speeds = measure_shipped(models, cpu="a test's", seconds=0.01)
    assert len(speeds) == 2
    for speed in speeds:
        assert speed.cpu_ms > 0
        assert (speed.tokens, speed.cpu) == (64, "a test's")
        assert speed.isa
