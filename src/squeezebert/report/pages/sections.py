"""All that the page shows of one data set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from squeezebert.comparison.schema import ExampleRow, Report
from squeezebert.report.answers import GAP, Piece, entities_in, type_slots
from squeezebert.report.charts.bars import bar, speed_row
from squeezebert.report.charts.heatmap import heatmap
from squeezebert.report.charts.marks import swatch
from squeezebert.report.charts.svg import Scale
from squeezebert.report.grouping import Group
from squeezebert.report.tables import (
    Table,
    class_table,
    cost_table,
    difference_text,
    interval_text,
    pairs_table,
    remarks_of,
    score_table,
    spread_text,
)
from squeezebert.report.words import significant, times

ENTITY_COLOURS = 6


@dataclass(frozen=True)
class Row:
    """One model, as the bars and the speed-ups show it. ``verdict`` is good, bad or neither."""

    label: str
    mark: str
    is_contender: bool
    score: str
    interval: str
    score_bar: str
    gain: str
    verdict: str
    seconds: str
    seconds_bar: str
    speedup: str
    spread: str
    speed_row: str


@dataclass(frozen=True)
class Answer:
    """One model's answer (``right`` is not None) or the true one.

    ``pieces`` is the text with its entities, where the answer says where they are.
    """

    label: str
    text: str
    right: bool | None
    pieces: list[Piece] | None
    mark: str = ""


@dataclass(frozen=True)
class Shown:
    """A text with all answers; ``gap`` is the text before and after a gap."""

    text: str
    answers: list[Answer]
    gap: tuple[str, str] | None

    @property
    def text_is_in_answers(self) -> bool:
        """Whether the answers repeat the whole text with entities in it."""
        return any(answer.pieces is not None for answer in self.answers)


@dataclass(frozen=True)
class Section:
    """One data set. ``colors`` has a number for each entity type in the examples."""

    anchor: str
    group: Group
    rows: list[Row]
    scores: Table
    costs: Table
    pairs: Table | None
    remarks: list[str]
    classes: Table | None
    heatmaps: list[tuple[str, str]]
    examples: list[Shown]
    colors: Mapping[str, int]


def section_of(
    group: Group, slots: Mapping[str, int], report: Report, scale: Scale, at: int
) -> Section:
    """The section of one data set.

    Args:
        group: The data set.
        slots: A number for each label.
        report: Where the examples come from.
        scale: Of all speed-ups of the page.
        at: The section's number, which names its anchor.
    """
    examples = [
        row for row in report.examples if (row.task, row.dataset) == (group.task, group.dataset)
    ]
    marks = {
        result.label: swatch(slots[result.label], hollow=result.family == "bert")
        for result in group.results
    }
    colors: dict[str, int] = {}
    if group.task == "token_classification":
        answers = [shown.prediction for row in examples for shown in row.predictions]
        found = type_slots([*answers, *(row.gold for row in examples)])
        colors = {kind: slot % ENTITY_COLOURS for kind, slot in found.items()}
    maps = [(result.label, heatmap(result)) for result in group.results]
    return Section(
        anchor=f"data-{at + 1}",
        group=group,
        rows=_rows(group, slots, marks, scale),
        scores=score_table(group),
        costs=cost_table(group),
        pairs=pairs_table(group),
        remarks=remarks_of(group),
        classes=class_table(group),
        heatmaps=[(label, drawn) for label, drawn in maps if drawn],
        examples=[_shown(row, marks) for row in examples],
        colors=colors,
    )


def _rows(
    group: Group, slots: Mapping[str, int], marks: Mapping[str, str], scale: Scale
) -> list[Row]:
    scores = [group.score(result) for result in group.results]
    largest = max((abs(score) for score in scores if score is not None), default=0.0)
    # What is bounded by 1 has its bar measured against 1, anything else against the largest.
    whole = 1.0 if group.measure.has_points and largest <= 1 else largest
    longest = max((_finite(result.cpu_seconds) for result in group.results), default=0.0)
    rows: list[Row] = []
    for result, score in zip(group.results, scores, strict=True):
        slot = slots[result.label]
        baseline = group.baseline_of(result)
        theirs = group.score(baseline) if baseline else None
        around = result.intervals.get(group.measure.name)
        rows.append(
            Row(
                label=result.label,
                mark=marks[result.label],
                is_contender=baseline is not None,
                score=group.measure.show(score),
                interval="" if around is None else interval_text(group.measure, result),
                score_bar=bar(
                    (score or 0.0) / (whole or 1.0),
                    slot,
                    whisker=around and (around.low / (whole or 1.0), around.high / (whole or 1.0)),
                ),
                gain=difference_text(group, result) if baseline else "",
                verdict="" if group.is_noise(result, baseline) else _verdict(group, score, theirs),
                seconds=significant(result.cpu_seconds),
                seconds_bar=bar(_finite(result.cpu_seconds) / (longest or 1.0), slot),
                speedup=times(result.speedup),
                spread=spread_text(result.speedup_spread),
                speed_row=speed_row(result, scale, slot),
            )
        )
    return rows


def _verdict(group: Group, score: float | None, baseline: float | None) -> str:
    if score is None or baseline is None:
        return ""
    gain = group.measure.points(score, baseline)
    if gain is None:
        gain = (score - baseline) * (1 if group.measure.higher_is_better else -1)
    elif round(gain, 1) == 0:
        return ""
    return "good" if gain > 0 else "bad" if gain < 0 else ""


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _shown(row: ExampleRow, marks: Mapping[str, str]) -> Shown:
    is_entities = row.task == "token_classification"

    def pieces(answer: str) -> list[Piece] | None:
        return entities_in(row.text, answer) if is_entities else None

    answers = [Answer("true", row.gold, None, pieces(row.gold))]
    answers += [
        Answer(
            one.label, one.prediction, one.right, pieces(one.prediction), marks.get(one.label, "")
        )
        for one in row.predictions
    ]
    gap: tuple[str, str] | None = None
    if row.task == "masked_lm" and GAP in row.text:
        before, _, after = row.text.partition(GAP)
        gap = before, after
    return Shown(row.text, answers, gap)
