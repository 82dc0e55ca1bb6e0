"""The search for precisions, on a measure whose losses are written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from squeezebert.config import BERT_BASE, SQUEEZEBERT_BASE, SQUEEZEBERT_MINI
from squeezebert.engine import describe_precision
from squeezebert.quantization.choice import STEPS, choose, step_costs
from squeezebert.quantization.measures import Measure, Precisions, Trial

INT8_LOSS = {"query": 0.2, "key": 0.2, "value": 2.0, "intermediate": 0.5}
"""Points that each kind of product loses in int8; bf16 loses none."""


class Scripted(Measure):
    def __init__(self, *, weights: float = 0.0) -> None:
        super().__init__("accuracy", {"set": 1000}, {"set": "dev"})
        self.weights = weights
        self.asked: list[str] = []

    def loss(self, precision: str | Precisions) -> float:
        if isinstance(precision, str):
            return 0.0
        return self.weights + sum(
            loss for kind, loss in INT8_LOSS.items() if precision[kind] == "int8"
        )

    def error(self, directory: Path, precision: str | Precisions) -> float:
        return self.loss(precision)

    def _trial(self, directory: Path, precision: str | Precisions) -> Trial:
        name = precision if isinstance(precision, str) else describe_precision(precision)
        self.asked.append(name)
        loss = self.loss(precision)
        return Trial(
            name=name,
            precision={} if isinstance(precision, str) else precision,
            scores={"set": 0.9 - loss / 100},
            loss=loss,
            same=None,
            ms_per_text=1.0,
        )


COSTS = dict.fromkeys(STEPS[:5], 0.2)


def run(measure: Measure, tolerance: float) -> tuple[list[str], Trial]:
    trials, chosen = choose(
        measure, Path("a"), Path("b"), COSTS, tolerance=tolerance, progress=lambda what: None
    )
    return [trial.name for trial in trials], chosen


def test_int8_is_taken_where_it_is_within_the_tolerance() -> None:
    names, chosen = run(Scripted(), tolerance=3.0)
    assert names == ["float32", "int8"]
    assert chosen.name == "int8"


@pytest.mark.parametrize(
    ("tolerance", "expected"),
    [
        (1.0, ["int8, value bf16"]),
        (0.45, ["int8, value bf16", "int8, value bf16, intermediate bf16"]),
    ],
)
def test_what_loses_most_leaves_int8_first_and_no_more_than_must(
    tolerance: float, expected: list[str]
) -> None:
    names, chosen = run(Scripted(), tolerance)
    assert names == ["float32", "int8", *expected]
    assert chosen.name == expected[-1]


def test_queries_and_keys_go_together() -> None:
    names, chosen = run(Scripted(), tolerance=0.0)
    assert chosen.precision["query"] == chosen.precision["key"] == "bf16"
    assert chosen.precision["output"] == "int8"
    assert not any("query bf16" in name and "key bf16" not in name for name in names)


def test_a_cheap_product_goes_before_a_dear_one_that_mends_as_much() -> None:
    costs = {("query", "key"): 0.01, ("intermediate",): 0.5}
    measure = Scripted()
    trials, _ = choose(
        measure, Path("a"), Path("b"), costs, tolerance=2.0, progress=lambda what: None
    )
    assert trials[2].name == "int8, query bf16, key bf16"


def test_where_the_weights_alone_lose_too_much_the_best_choice_is_taken_and_said_to_lose() -> None:
    names, chosen = run(Scripted(weights=0.3), tolerance=0.1)
    assert names[-1] == "float32"
    assert chosen.loss == pytest.approx(0.3)
    assert chosen.precision["value"] == "bf16"


def test_costs_are_shares_of_what_the_model_has() -> None:
    base = step_costs(SQUEEZEBERT_BASE, masked_lm=False)
    assert ("bottleneck",) not in base
    assert ("vocabulary",) not in base
    assert 0 < base["value",] < base["query", "key"] < base["intermediate",] < 1
    assert base["value",] < step_costs(BERT_BASE, masked_lm=False)["value",]
    mini = step_costs(SQUEEZEBERT_MINI, masked_lm=True)
    assert set(mini) == set(STEPS)
    assert sum(mini.values()) < 1
