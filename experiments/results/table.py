"""The tables of docs/results.md."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from experiments.results.kept import Kept, KeptClassical
from experiments.results.published import PUBLISHED
from squeezebert.escaping import escape_markdown
from squeezebert.glue.run import GlueResult
from squeezebert.glue.table import glue_table, protocol, sources
from squeezebert.report.markdown import table_text
from squeezebert.report.tables import Table
from squeezebert.report.words import Measure, signed, significant, times
from squeezebert.scored_runs import PRECISIONS, Spread

SHOWN = (
    "entity_f1",
    "token_accuracy",
    "accuracy",
    "micro_f1",
    "macro_f1",
    "average_cosine_similarity",
    "top5_accuracy",
    "cross_entropy",
    "pearson",
    "spearman",
)
"""Which scores the tables tell, in this order."""


@dataclass(frozen=True)
class Measured:
    """A start on a data set.

    Args:
        recipe: By which it was fine-tuned.
        data: The data set.
        start: The pretrained model.
        runs: One a seed.
        label: What the tables call the start with this recipe.
        cpu_ms: Milliseconds a text by precision, where taken.
    """

    recipe: str
    data: str
    start: str
    runs: tuple[Kept, ...]
    label: str
    cpu_ms: Mapping[str, float] | None = None

    def scores(self) -> list[str]:
        """The names of those of :data:`SHOWN` that it has."""
        values = self.runs[0].scores[self.data]["float32"]
        return [name for name in SHOWN if name in values]

    def spread(self, score: str, precision: str) -> Spread:
        """Of one score over the seeds."""
        return Spread(values=tuple(run.scores[self.data][precision][score] for run in self.runs))

    def main(self) -> str:
        """The score by which models are ranked."""
        return self.runs[0].main


def render(
    measured: Sequence[Measured],
    glue: Sequence[GlueResult],
    classical: Mapping[str, KeptClassical],
    *,
    against: str,
    about: Sequence[str],
    limit: int | None = None,
) -> str:
    """Markdown: scores, comparison, GLUE, and how to repeat a row.

    Args:
        measured: Data set by data set, all its starts in a row.
        glue: Of each start, or none.
        classical: By data set, where one was fitted.
        against: The start that the others are compared with, or empty.
        about: Lines on the machine and the command.
        limit: How many texts of each test part were taken; all where None.
    """
    fewest, seeds = (pick(len(one.runs) for one in measured) for pick in (min, max))
    number = f"{seeds}" if fewest == seeds else f"{fewest} to {seeds}"
    figures = _sources(measured)
    texts = "whole test parts" if limit is None else f"the first {limit} texts of each test part"
    method = (
        f"Mean ± standard deviation over {number} seed{'' if seeds == 1 else 's'}; {texts}, by the "
        "engine. Shares, cosines and correlations in hundredths. CPU ms: one text, from raw text "
        "to prediction, on one thread, the least of several passes, all models in turn. Classical "
        "models are fitted to the same rows in seconds of one core."
    )
    parts = [
        "\n".join([*about, method]),
        table_text(score_table(measured, classical)),
        "\n".join(f"- [{number}] {escape_markdown(source)}" for source, number in figures.items()),
        loss_line(measured),
    ]
    if against:
        parts += [
            f"### Beside {escape_markdown(against)}",
            table_text(comparison_table(measured, classical, against)),
        ]
    if glue:
        parts += ["### GLUE", protocol(glue), table_text(glue_table(glue))]
        parts.append("\n".join(f"- {escape_markdown(line)}" for line in sources(glue)))
    parts += ["### To repeat a row", table_text(effort_table(measured))]
    parts.append("\n".join(glue_commands(glue)))
    return "\n\n".join(part for part in parts if part)


def score_table(measured: Sequence[Measured], classical: Mapping[str, KeptClassical]) -> Table:
    """One row a data set, score and start; a data set's classical model comes last."""
    numbers = _sources(measured)
    rows: list[tuple[str, ...]] = []
    for data, group in groupby(measured, key=lambda one: one.data):
        own = list(group)
        for place, one in enumerate(own):
            rows += _score_rows(one, numbers if place == 0 else None)
        if data in classical:
            rows += _classical_rows(classical[data], own[0].scores())
    columns = (
        "data",
        "texts",
        "model",
        "score",
        "float32",
        "int8",
        "CPU ms, float32",
        "CPU ms, int8",
        "published",
    )
    return Table(columns, tuple(rows), heads=4)


def _score_rows(one: Measured, numbers: Mapping[str, int] | None) -> list[tuple[str, ...]]:
    """A start's scores; ``numbers``, of published figures' sources, are given to a set's first."""
    rows: list[tuple[str, ...]] = []
    for score in one.scores():
        first = score == one.scores()[0]
        published = [
            f"{row.model} {_show(score, row.value)} [{numbers[row.source]}]"
            for row in PUBLISHED
            if numbers is not None and (row.data, row.score) == (one.data, score)
        ]
        opens = first and numbers is not None
        rows.append(
            (
                one.data if opens else "",
                f"{one.runs[0].texts[one.data]:,}" if opens else "",
                one.label if first else "",
                score,
                *(_spread(score, one.spread(score, precision)) for precision in PRECISIONS),
                *(_ms(one, p) if first else "" for p in PRECISIONS),
                "; ".join(published),
            )
        )
    return rows


def _classical_rows(kept: KeptClassical, scores: Sequence[str]) -> list[tuple[str, ...]]:
    """Of the scores that a set's encoders have."""
    known = [name for name in scores if name in kept.scores]
    label = f"{kept.model} (classical, {kept.fit_cpu_seconds:.0f} s)"
    return [
        ("", "", label if name == known[0] else "", name, _show(name, kept.scores[name]))
        + ("",) * 4
        for name in known
    ]


def comparison_table(
    measured: Sequence[Measured], classical: Mapping[str, KeptClassical], against: str
) -> Table:
    """Points ahead of or behind one of the starts and the classical model, and how many times the
    start's speed.
    """
    rows: list[tuple[str, ...]] = []
    baselines = {row.data: row for row in reversed(measured) if row.start == against}
    for one in measured:
        other = baselines.get(one.data)
        if other is None or one.start == against:
            continue
        scores = dict.fromkeys([one.main(), *one.scores()[:2]])
        for score in scores:
            measure = Measure(score)
            rows.append(
                (
                    one.data,
                    one.label,
                    score,
                    *(
                        measure.difference(
                            one.spread(score, precision).mean, other.spread(score, precision).mean
                        )
                        for precision in PRECISIONS
                    ),
                    _beside(one, score, classical),
                    *(_faster(one, other, p) for p in PRECISIONS),
                )
            )
    columns = (
        "data",
        "model",
        "score",
        "points, float32",
        "points, int8",
        "points beside classical",
        "speed, float32",
        "speed, int8",
    )
    return Table(columns, tuple(rows), heads=3)


def loss_line(measured: Sequence[Measured]) -> str:
    """What int8 loses at most, by the main scores' means."""
    losses = [
        (
            100 * (one.spread(one.main(), "float32").mean - one.spread(one.main(), "int8").mean),
            f"{one.label} on {one.data}",
        )
        for one in measured
        if Measure(one.main()).higher_is_better
    ]
    worst, where = max(losses)
    return f"int8 loses {signed(worst, 2)} points at most ({escape_markdown(where)})."


def effort_table(measured: Sequence[Measured]) -> Table:
    """The command of each recipe, and how long one of its runs took."""
    starts = list(dict.fromkeys(one.start for one in measured))
    rows: dict[str, dict[str, str]] = {}
    for one in measured:
        command = (
            f"squeezebert train {one.runs[0].task} --recipe recipes/{one.recipe}.toml "
            "--model MODEL --output RUN --set loop.seed=N"
        )
        row = rows.setdefault(one.recipe, {"command": command})
        minutes = sum(run.minutes for run in one.runs) / len(one.runs)
        row[one.start] = f"{minutes:.1f}"
    columns = ("recipe", "command", *(f"minutes, {start}" for start in starts))
    return Table(
        columns,
        tuple(
            (recipe, row["command"], *(row.get(start, "–") for start in starts))
            for recipe, row in rows.items()
        ),
        heads=2,
    )


def glue_commands(results: Sequence[GlueResult]) -> list[str]:
    """The command of each model's column, and how long a seed took."""
    lines: list[str] = []
    for result in results:
        words = ["squeezebert glue", result.model, "--tasks"]
        words.append(",".join(one.name for one in result.tasks))
        for name, value in result.settings.items():
            words += ["--set", shlex.quote(f"{name}={json.dumps(value)}")]
        seconds = sum(sum(one.training_seconds) for one in result.tasks) / result.seeds
        command = " ".join([*words, f"--seeds {result.seeds} --output RUN"])
        lines.append(f"- `{command}`, {seconds / 60:.0f} minutes a seed")
    return lines


def _sources(measured: Sequence[Measured]) -> dict[str, int]:
    """The published figures' sources, numbered as they come."""
    shown = {(one.data, score) for one in measured for score in one.scores()}
    used = dict.fromkeys(row.source for row in PUBLISHED if (row.data, row.score) in shown)
    return {source: number for number, source in enumerate(used, start=1)}


def _ms(one: Measured, precision: str) -> str:
    return "–" if one.cpu_ms is None else significant(one.cpu_ms[precision])


def _beside(one: Measured, score: str, classical: Mapping[str, KeptClassical]) -> str:
    """Points ahead of the classical model, in float32."""
    if one.data not in classical or score not in classical[one.data].scores:
        return "–"
    own = one.spread(score, "float32").mean
    return Measure(score).difference(own, classical[one.data].scores[score])


def _faster(one: Measured, other: Measured, precision: str) -> str:
    if one.cpu_ms is None or other.cpu_ms is None:
        return "–"
    return times(other.cpu_ms[precision] / one.cpu_ms[precision])


def _spread(score: str, spread: Spread) -> str:
    if Measure(score).has_points:
        return spread.percent()
    more = "" if spread.deviation is None else f" ± {spread.deviation:.3f}"
    return f"{spread.mean:.3f}{more}"


def _show(score: str, value: float) -> str:
    return f"{100 * value:.1f}" if Measure(score).has_points else f"{value:.3f}"
