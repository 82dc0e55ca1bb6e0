"""The plot of latency against input length."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from squeezebert.comparison.schema import LengthLatency
from squeezebert.report.charts.axes import FONT_SIZE, LINE_HEIGHT, Frame, axes
from squeezebert.report.charts.marks import css, mark
from squeezebert.report.charts.svg import Scale, element, line, picture, text, text_width
from squeezebert.report.grouping import Group
from squeezebert.report.words import shorten

MOST_TAILS = 3
"""With more models than this, whiskers would hide one another."""

LEAST_NAMED = 450.0
"""Panels narrower than this name no more than ``MOST_TAILS`` lines."""


def has_lengths(group: Group) -> bool:
    """Whether any model's latency was measured at given lengths."""
    return any(result.latency_by_length for result in group.results)


def latency_panel(
    group: Group, slots: Mapping[str, int], width: float, height: float, css_class: str = ""
) -> str:
    """Median latency against input length at batch 1, with whiskers up to the 95th percentile
    where there are at most three models.
    """
    title = f"Latency against length on {group.dataset}"
    series = {
        result.label: tuple(one for one in result.latency_by_length if math.isfinite(one.p50))
        for result in group.results
    }
    series = {label: taken for label, taken in series.items() if taken}
    described = "; ".join(
        f"{label} {taken[-1].p50:.3g} ms at {taken[-1].tokens} tokens"
        for label, taken in series.items()
    )
    parts = [
        text(0, 14, shorten(group.dataset, int(width / 8.5)), "heading"),
        text(0, 31, "milliseconds, less is better ↓", "muted"),
    ]
    everything = [one for taken in series.values() for one in taken]
    if everything:
        highest = max(one.p50 for one in everything)
        tails = [one.p95 for one in everything if math.isfinite(one.p95)]
        if len(series) <= MOST_TAILS:
            highest = min(max([highest, *tails]), 1.5 * highest)
        longest = max(one.tokens for one in everything)
        names = _names(series, width)
        room = max((text_width(name, FONT_SIZE) + 20 for name in names.values()), default=8.0)
        frame = Frame(
            Scale(0, longest, 46, width - room),
            Scale(0, 1.12 * (highest or 1.0), height - 46, 44),
        )
        parts += axes(frame, None, "tokens")
        hollow = {result.label: result.family == "bert" for result in group.results}
        for at, (label, taken) in enumerate(series.items()):
            tails_shown = len(series) <= MOST_TAILS
            shift = 3.0 * (at - (len(series) - 1) / 2) if tails_shown else 0.0
            parts += _series(taken, frame, slots[label], shift, tails_shown, hollow[label])
        parts += _end_labels(series, names, frame)
    return picture(width, height, title, described + ".", *parts, css=css_class)


def _series(
    taken: Sequence[LengthLatency],
    frame: Frame,
    slot: int,
    shift: float,
    tails: bool,
    hollow: bool,
) -> list[str]:
    places = [(frame.x(one.tokens), frame.y(one.p50)) for one in taken]
    path = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in places)
    parts = [element("path", {"d": path, "class": f"series {css(slot)}"})]
    for (x, y), one in zip(places, taken, strict=True):
        if tails and math.isfinite(one.p95):
            top = max(frame.y(one.p95), frame.box.top)
            parts.append(line(x + shift, y, x + shift, top, f"whisker {css(slot)}"))
        title = element(
            "title", {}, text=f"{one.tokens} tokens: p50 {one.p50:.3g} ms, p95 {one.p95:.3g} ms"
        )
        parts.append(element("g", {}, title, mark(x, y, slot, hollow=hollow, size=4.0)))
    return parts


def _names(series: Mapping[str, Sequence[LengthLatency]], width: float) -> dict[str, str]:
    """What stands at the end of each line; nothing where a narrow panel has many of them, which
    the legend above tells apart.
    """
    if len(series) > MOST_TAILS and width < LEAST_NAMED:
        return {}
    longest = int(0.36 * width / (0.6 * FONT_SIZE))
    return {label: shorten(label, longest) for label in series}


def _end_labels(
    series: Mapping[str, Sequence[LengthLatency]], names: Mapping[str, str], frame: Frame
) -> list[str]:
    """The names beside the ends of their lines, in the same order, pushed apart."""
    ends = sorted((frame.y(taken[-1].p50), label) for label, taken in series.items())
    places: list[float] = []
    for y, _ in ends:
        places.append(max(y, places[-1] + LINE_HEIGHT) if places else y)
    # Pushing down may have left the panel: then back up from its lower edge.
    lowest = frame.box.bottom - 2
    for at in range(len(places) - 1, -1, -1):
        places[at] = min(places[at], lowest)
        lowest = places[at] - LINE_HEIGHT
    parts: list[str] = []
    for (y, label), place in zip(ends, places, strict=True):
        if label not in names:
            continue
        taken = series[label]
        x = frame.x(taken[-1].tokens)
        right = frame.box.right + 14
        if abs(place - y) > 3 or right - x > 20:
            parts.append(line(x + 5, y, right - 3, place, "leader"))
        parts.append(text(right, place + 4, names[label], "strong"))
    return parts
