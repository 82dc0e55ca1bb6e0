"""The trade-off plot: quality against CPU time, models as points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from squeezebert.comparison.schema import Report, Result
from squeezebert.report.charts.axes import FONT_SIZE, LINE_HEIGHT, Frame, axes
from squeezebert.report.charts.label_places import Box, along, around, place_labels
from squeezebert.report.charts.marks import css, mark, slots_of
from squeezebert.report.charts.svg import (
    Scale,
    element,
    line,
    picture,
    text,
    text_width,
)
from squeezebert.report.grouping import Group, groups_of
from squeezebert.report.headline import headline_of
from squeezebert.report.words import Measure, shorten, signed, times

BOLD = 1.16
"""How much wider than ordinary letters bold ones are."""


@dataclass(frozen=True)
class Point:
    """A model in the trade-off plot."""

    result: Result
    seconds: float
    score: float
    slot: int

    @property
    def seconds_range(self) -> tuple[float, float]:
        """The fastest and the slowest repetition."""
        times_taken = [
            one.cpu_seconds for one in self.result.repetitions if math.isfinite(one.cpu_seconds)
        ]
        return min([*times_taken, self.seconds]), max([*times_taken, self.seconds])


def tradeoff_svg(report: Report) -> str:
    """The trade-off plots of all data sets as one SVG file that follows the reader's scheme."""
    groups = groups_of(report)
    slots = slots_of(groups)
    columns = 1 if len(groups) == 1 else 2 if len(groups) in (2, 4) else 3
    width, margin = 960.0, 28.0
    panel_width = (width - 2 * margin - 24 * (columns - 1)) / columns
    panel_height = {1: 400.0, 2: 350.0, 3: 320.0}[columns]
    heading = headline_of(groups).plain
    lines = _wrapped(heading, width - 2 * margin, 21.0)
    top = margin + 26.0 * len(lines) + 8
    parts = [
        element(
            "text",
            {"x": margin, "y": margin + 14 + 26 * at, "class": "title"},
            text=content,
        )
        for at, content in enumerate(lines)
    ]
    for at, group in enumerate(groups):
        left = margin + (at % columns) * (panel_width + 24)
        down = top + (at // columns) * (panel_height + 20)
        panel = "".join(_tradeoff(group, slots, panel_width, panel_height))
        parts.append(
            element(
                "g", {"class": "tradeoff", "transform": f"translate({left:.2f} {down:.2f})"}, panel
            )
        )
    rows = math.ceil(len(groups) / columns)
    height = top + rows * (panel_height + 20) - 20 + margin / 2
    style = files("squeezebert.report").joinpath("chart.css").read_text(encoding="utf-8")
    style += ".chart .title { font-size: 21px; font-weight: 750; letter-spacing: -.01em; }\n"
    style += ".chart .page { fill: var(--paper); stroke: var(--rule); }\n"
    page = element(
        "rect",
        {"x": 0.5, "y": 0.5, "width": width - 1, "height": height - 1, "rx": 10, "class": "page"},
    )
    description = " ".join(_described(group) for group in groups)
    return picture(width, height, heading, description, f"<style>{style}</style>", page, *parts)


def tradeoff_panel(
    group: Group, slots: Mapping[str, int], width: float, height: float, css_class: str = ""
) -> str:
    """Quality against CPU time on one data set.

    Up is better and left is faster. The baseline has guides through it; what lies in the shaded
    corner is both faster and better.
    """
    title = f"{group.measure.title} against CPU time on {group.dataset}"
    parts = _tradeoff(group, slots, width, height)
    return picture(width, height, title, _described(group), *parts, css=f"tradeoff {css_class}")


def points_of(group: Group, slots: Mapping[str, int]) -> list[Point]:
    """The models that have both a score and a CPU time."""
    return [
        Point(result, result.cpu_seconds, score, slots[result.label])
        for result in group.results
        if (score := group.score(result)) is not None
        and math.isfinite(result.cpu_seconds)
        and result.cpu_seconds > 0
    ]


def _described(group: Group) -> str:
    said = [
        f"{result.label} {group.measure.show(group.score(result))} in {result.cpu_seconds:.3g} s"
        for result in group.results
    ]
    return f"{group.dataset}, {group.measure.title}: {'; '.join(said)}."


def _tradeoff(group: Group, slots: Mapping[str, int], width: float, height: float) -> list[str]:
    measure = group.measure
    subtitle = f"↑ {measure.title}" + ("" if measure.higher_is_better else " (less is better)")
    parts = [
        text(0, 14, shorten(group.dataset, int(width / 8.5)), "heading"),
        text(0, 31, subtitle, "muted"),
    ]
    points = points_of(group, slots)
    if not points:
        return [*parts, text(0, height / 2, "no scores to show", "muted")]
    frame = _frame(points, measure, width, height)
    area = frame.box
    parts += axes(frame, measure, "← CPU seconds")
    hint = Box(area.left + 8, area.top + 5, area.left + 8 + text_width("faster and better", 11), 0)
    hint = Box(hint.left, hint.top, hint.right, hint.top + 14)
    obstacles = [around(frame.x(point.seconds), frame.y(point.score), 17) for point in points]
    baselines = [point for point in points if point.result.is_baseline]
    if len(baselines) == 1 and len(points) > 1:
        x, y = frame.x(baselines[0].seconds), frame.y(baselines[0].score)
        parts.append(
            element(
                "rect",
                {
                    "x": area.left,
                    "y": area.top,
                    "width": x - area.left,
                    "height": y - area.top,
                    "class": "quadrant",
                },
            )
        )
        parts += [
            line(x, area.top, x, area.bottom, "guide"),
            line(area.left, y, area.right, y, "guide"),
        ]
        if hint.right < x - 4 and hint.bottom < y - 4:
            parts.append(text(hint.left, hint.bottom - 3, "faster and better", "muted small"))
            obstacles.append(hint)
        obstacles += [Box(area.left, y - 1, area.right, y + 1), Box(x - 1, area.top, x + 1, y)]
        for point in points if len(points) <= 3 else ():
            end = frame.x(point.seconds), frame.y(point.score)
            parts.append(line(x, y, *end, f"step {css(point.slot)}"))
            obstacles += along(x, y, *end, 4)
    for point in points:
        low, high = (frame.x(seconds) for seconds in point.seconds_range)
        y = frame.y(point.score)
        parts.append(line(low, y, high, y, f"whisker {css(point.slot)}"))
        if high - low > 16:
            obstacles.append(Box(low, y - 3, high, y + 3))
    # The baseline last: it must not vanish under a model that does the same.
    for point in reversed(points):
        parts.append(
            element(
                "g",
                {},
                element("title", {}, text=_tooltip(group, point)),
                mark(
                    frame.x(point.seconds),
                    frame.y(point.score),
                    point.slot,
                    hollow=point.result.family == "bert",
                ),
            )
        )
    return parts + _point_labels(group, points, frame, obstacles)


def _tooltip(group: Group, point: Point) -> str:
    low, high = point.seconds_range
    return (
        f"{point.result.label}: {group.measure.title} {group.measure.show(point.score)}, "
        f"{point.seconds:.3g} CPU seconds ({low:.3g} to {high:.3g})"
    )


def _point_labels(
    group: Group, points: Sequence[Point], frame: Frame, obstacles: Sequence[Box]
) -> list[str]:
    area = frame.box
    longest = max(10, int(0.5 * (area.right - area.left) / (0.6 * FONT_SIZE)))
    labels = [_label(group, point, longest, detailed=len(points) <= 4) for point in points]
    places = [(frame.x(point.seconds), frame.y(point.score)) for point in points]
    sizes = [
        (max(text_width(one, FONT_SIZE) for one in lines) + 4, LINE_HEIGHT * len(lines))
        for lines in labels
    ]
    boxes = place_labels(places, sizes, area, obstacles, gap=11)
    parts: list[str] = []
    for (x, y), box, lines in zip(places, boxes, labels, strict=True):
        if box.distance(x, y) > 14:
            end = min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)
            parts.append(line(x, y, *end, "leader"))
        to_left = box.right <= x
        anchor = "end" if to_left else None
        for at, content in enumerate(lines):
            parts.append(
                text(
                    box.right - 2 if to_left else box.left + 2,
                    box.top + LINE_HEIGHT * at + 11.5,
                    content,
                    "halo muted small" if at else "halo strong",
                    anchor,
                )
            )
    return parts


def _label(group: Group, point: Point, longest: int, *, detailed: bool) -> list[str]:
    result = point.result
    if not detailed:
        suffix = " (baseline)" if result.is_baseline and len(group.results) > 1 else ""
        return [shorten(result.label, longest) + suffix]
    name = shorten(result.label, longest)
    if group.baseline_of(result) is None:
        score = f"{group.measure.show(point.score)} · {point.seconds:.3g} s"
        return [name, f"baseline · {score}" if group.has_contenders else score]
    gain = group.points(result)
    if gain is None:
        return [name, f"{times(result.speedup)} speed"]
    gained = f"{signed(gain, 1, plus=True)} points"
    return [name, f"{times(result.speedup)} speed · {gained}"]


def _frame(points: Sequence[Point], measure: Measure, width: float, height: float) -> Frame:
    seconds = [second for point in points for second in point.seconds_range]
    fastest, slowest = min(seconds), max(seconds)
    logarithmic = slowest > 8 * fastest
    low, high = (fastest / 1.6, slowest * 1.6) if logarithmic else (0.0, slowest * 1.15)
    scores = [point.score for point in points]
    bottom, top = min(scores), max(scores)
    least = 0.04 if measure.has_points else max(0.1 * abs(top), 1e-6)
    room = max(top - bottom, least) - (top - bottom)
    pad = 0.28 * max(top - bottom, least)
    bottom, top = bottom - room / 2 - pad, top + room / 2 + pad
    if measure.is_share and max(scores) <= 1 and min(scores) >= 0:
        edge = 0.06 * (top - bottom)
        bottom, top = max(bottom, -edge), min(top, 1 + edge)
    lower, upper = height - 46, 44.0
    if not measure.higher_is_better:
        lower, upper = upper, lower
    y = Scale(bottom, top, lower, upper)
    x = Scale(low, high, 46, width - 6, logarithmic=logarithmic)
    return Frame(x, _upright(y))


def _upright(scale: Scale) -> Scale:
    """The same places with ``start`` at the bottom of the panel."""
    if scale.start > scale.end:
        return scale
    return Scale(scale.high, scale.low, scale.end, scale.start)


def _wrapped(content: str, width: float, size: float) -> list[str]:
    lines: list[str] = []
    for word in content.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and BOLD * text_width(joined, size) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines
