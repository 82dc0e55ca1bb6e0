"""The tables of an ablation: what each arm costs, and what it reaches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.ablation.plan import BUDGETS, Budget, Plan, TablePlan
from squeezebert.report.markdown import table_text
from squeezebert.report.tables import Table
from squeezebert.scored_runs import Spread

Costs = Mapping[str, Mapping[str, Any]]
Result = Mapping[str, Any]


def read_results(output: Path) -> list[Result]:
    """The JSON files of the runs that are done."""
    return [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((output / "results").glob("*.json"))
    ]


def render(plan: Plan, results: Sequence[Result], costs: Costs) -> str:
    """Markdown: two tables for each of the plan's, costs and scores, and a line on the method."""
    # Results of other lengths are of another plan.
    own = [
        one for one in results if one["budget"] == "time" or one["about"]["tokens"] == plan.tokens
    ]
    parts: list[str] = []
    for table in plan.tables:
        parts.append(f"### {table.title}")
        parts.append(table_text(cost_table(table, costs)))
        parts += [
            f"At equal {budget}:\n\n{table_text(score_table(plan, table, own, budget))}"
            for budget in BUDGETS
        ]
    machine = costs.get("machine", {})
    seeds = {one["seed"] for one in own}
    parts.append(
        f"GFLOP and CPU ms are of a text of 128 tokens, the least of many calls on one thread, all "
        f"arms in turn ({machine.get('isa', '–')}, {machine.get('cpu', '–')}). Equal tokens: "
        f"{plan.tokens:,}. Equal time: the CPU time that {plan.reference} takes for them. Loss: "
        "masked LM on held-out text. Scores: dev parts, by the engine, weights of the last step. "
        f"Seeds: {max(len(seeds), 1)}."
    )
    return "\n\n".join(parts)


def cost_table(plan: TablePlan, costs: Costs) -> Table:
    """What each arm costs."""
    rows = []
    for arm in plan.arms:
        cost = costs.get(arm)
        if cost is None:
            rows.append((arm, *["–"] * 7))
            continue
        shape = cost["shape"]
        rows.append(
            (
                arm,
                f"{shape['num_hidden_layers']} × {shape['hidden_size']}",
                str(shape["q_groups"]),
                str(shape["embedding_size"]),
                f"{cost['parameters'] / 1e6:.2f}",
                f"{cost['gflop']:.3f}",
                " / ".join(f"{value:.3g}" for value in cost["cpu_ms"].values()),
                f"{cost['training_us']:.0f}" if "training_us" in cost else "–",
            )
        )
    columns = (
        "arm",
        "layers × width",
        "groups",
        "embeddings",
        "M parameters",
        "GFLOP",
        "CPU ms, float32 / int8",
        "training, CPU µs a token",
    )
    return Table(columns, tuple(rows))


def score_table(plan: Plan, table: TablePlan, results: Sequence[Result], budget: Budget) -> Table:
    """What each arm reaches."""
    tasks = [task.name for task in plan.finetune]
    rows = []
    for arm in table.arms:
        # The reference at equal time is the reference at equal tokens.
        sought = "tokens" if arm == plan.reference else budget
        own = [one for one in results if (one["arm"], one["budget"]) == (arm, sought)]
        if not own:
            rows.append((arm, *["–"] * (2 + len(tasks))))
            continue
        rows.append(
            (
                arm,
                f"{own[0]['about']['tokens'] / 1e6:.3g}",
                _loss([one["pretraining"].get("masked_loss") for one in own]),
                *(_score([one["scores"].get(task) for one in own]) for task in tasks),
            )
        )
    titles = (f"{task}, float32 / int8" for task in tasks)
    return Table(("arm", "M tokens", "held-out loss", *titles), tuple(rows))


def _loss(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "–"
    spread = Spread(values=tuple(known))
    more = "" if spread.deviation is None else f" ± {spread.deviation:.3f}"
    return f"{spread.mean:.3f}{more}"


def _score(rows: Sequence[Mapping[str, Mapping[str, float]] | None]) -> str:
    known = [row for row in rows if row is not None]
    if not known or len(known) < len(rows):
        return "–"
    return " / ".join(
        Spread(values=tuple(next(iter(row[precision].values())) for row in known)).percent()
        for precision in known[0]
    )
