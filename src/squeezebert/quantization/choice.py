"""Which products need more than int8: found with few measurements, the fastest choices first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from squeezebert.complexity import HeadShape, count
from squeezebert.config import EncoderConfig
from squeezebert.engine import PROJECTION_KINDS, describe_precision
from squeezebert.quantization.measures import Measure, Precisions, Trial

STEPS: tuple[tuple[str, ...], ...] = (
    ("query", "key"),
    ("value",),
    ("post_attention",),
    ("intermediate",),
    ("output",),
    ("bottleneck",),
    ("vocabulary",),
)
"""What is taken out of int8 together: scores of attention are products of queries with keys."""

EPSILON = 1e-9
"""Points that no one loses: a loss equal to the tolerance is within it."""

COST_TOKENS = 64
"""The length at which the cost of products is counted."""


def choose(
    measure: Measure,
    original: Path,
    compact: Path,
    costs: Mapping[tuple[str, ...], float],
    *,
    tolerance: float,
    progress: Callable[[str], None],
) -> tuple[list[Trial], Trial]:
    """Measures float32 and int8, and if int8 loses more than ``tolerance`` points, int8 with ever
    more products in bf16, those first whose bf16 mends most for its cost.

    Args:
        measure: What scores are.
        original: The directory of the float32 weights.
        compact: The directory of the int8 weights.
        costs: Of :data:`STEPS`, see :func:`step_costs`.
        tolerance: Points that may be lost.
        progress: Told what is measured next.

    Returns:
        ``(trials, chosen)``, the trials in the order in which they were made. Where not even
        float32 products over int8 weights are within the tolerance, the best is chosen.
    """
    progress("measuring float32")
    trials = [measure.reference(original)]
    plain: dict[str, str] = dict.fromkeys(PROJECTION_KINDS, "int8")
    progress("measuring int8")
    trials.append(measure.trial(compact, plain))
    if trials[-1].loss <= tolerance + EPSILON:
        return trials, trials[-1]
    precision = dict(plain)
    progress("finding which products lose most")
    for step in _rank(measure, compact, plain, costs):
        precision |= dict.fromkeys(step, "bf16")
        progress(f"measuring {describe_precision(precision)}")
        trials.append(measure.trial(compact, dict(precision)))
        if trials[-1].loss <= tolerance + EPSILON:
            return trials, trials[-1]
    progress("measuring float32 products of int8 weights")
    trials.append(measure.trial(compact, dict.fromkeys(PROJECTION_KINDS, "float32")))
    if trials[-1].loss <= tolerance + EPSILON:
        return trials, trials[-1]
    return trials, min(trials[1:], key=lambda trial: (trial.loss, trial.ms_per_text))


def step_costs(config: EncoderConfig, *, masked_lm: bool) -> dict[tuple[str, ...], float]:
    """The share of a model's multiply-adds in each of :data:`STEPS` that it has."""
    head = HeadShape(kind="masked_lm") if masked_lm else None
    tokens = min(COST_TOKENS, config.max_position_embeddings)
    rows = count(config, head, tokens, positions=max(1, tokens // 6)).rows
    total = sum(row.multiply_adds for row in rows)
    costs: dict[tuple[str, ...], float] = {}
    for step in STEPS:
        own = sum(row.multiply_adds for row in rows if _kind(row.name) in step)
        if own:
            costs[step] = own / total
    return costs


def _kind(row: str) -> str:
    """The kind of product of a row of :func:`squeezebert.complexity.count`."""
    special = {"embeddings.projection": "bottleneck", "head.decoder": "vocabulary"}
    return special.get(row, row.rpartition(".")[2])


def _rank(
    measure: Measure,
    compact: Path,
    plain: Precisions,
    costs: Mapping[tuple[str, ...], float],
) -> list[tuple[str, ...]]:
    """The steps, those first that bring int8 nearer to float32 for a given cost."""
    before = measure.error(compact, plain)
    gains = {
        step: (before - measure.error(compact, {**plain, **dict.fromkeys(step, "bf16")})) / cost
        for step, cost in costs.items()
    }
    return sorted(gains, key=lambda step: -gains[step])
