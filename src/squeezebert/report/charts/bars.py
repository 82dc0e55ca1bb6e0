"""Bars and whiskers that stand in the cells of a table and stretch with the page.

Places across are percentages, so that text beside them keeps its size on every screen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from squeezebert.comparison.schema import Result
from squeezebert.report.charts.marks import css, mark
from squeezebert.report.charts.svg import Scale, element, tick_label

HEIGHT = 32


def bar(share: float, slot: int, *, whisker: tuple[float, float] | None = None) -> str:
    """A bar over ``share`` of the cell's width (0 to 1), with a line from one share to another."""
    share = min(1.0, max(0.0, share)) if math.isfinite(share) else 0.0
    rail: dict[str, str | int | float | None] = {
        "x": 0,
        "y": 0,
        "width": "100%",
        "height": 10,
        "rx": 2,
    }
    return element(
        "svg",
        {"class": "chart fluid", "width": "100%", "height": 10, "aria-hidden": "true"},
        element("rect", {**rail, "class": "rail"}),
        element("rect", {**rail, "width": f"{100 * share:.2f}%", "class": f"bar {css(slot)}"}),
        "" if whisker is None else _interval(*whisker),
    )


def _interval(low: float, high: float) -> str:
    ends = [f"{100 * min(1.0, max(0.0, end)):.2f}%" for end in (low, high)]
    return element("line", {"x1": ends[0], "x2": ends[1], "y1": 5, "y2": 5, "class": "interval"})


def speed_scale(results: Sequence[Result]) -> Scale:
    """From speed-ups to percentages of the width; always holds 1×."""
    known = [
        value
        for result in results
        for value in (result.speedup, result.speedup_spread.low, result.speedup_spread.high)
        if math.isfinite(value) and value > 0
    ]
    low, high = min([1.0, *known]), max([1.0, *known])
    if high > 6 * low:
        return Scale(low / 1.25, high * 1.25, 0, 100, logarithmic=True)
    room = max(0.08 * (high - low), 0.05)
    return Scale(max(0.0, low - room), high + room, 0, 100)


def speed_row(result: Result, scale: Scale, slot: int) -> str:
    """A whisker from the lowest to the highest repetition, a mark on the median, a rule at 1×."""
    middle = HEIGHT / 2
    parts = [_upright(scale(tick), "grid") for tick in scale.ticks(5)]
    parts.append(_upright(scale(1.0), "guide"))
    if math.isfinite(result.speedup) and result.speedup > 0:
        at = scale(result.speedup)
        parts.append(_across(scale(1.0), at, "stem " + css(slot)))
        spread = result.speedup_spread
        if math.isfinite(spread.low) and math.isfinite(spread.high) and spread.low > 0:
            parts.append(_across(scale(spread.low), scale(spread.high), "whisker " + css(slot)))
            parts += [
                _upright(scale(end), "whisker " + css(slot), middle - 4, middle + 4)
                for end in (spread.low, spread.high)
            ]
        hollow = result.family == "bert"
        parts.append(
            element(
                "svg",
                {"x": f"{at:.2f}%", "y": middle, "overflow": "visible", "width": 1, "height": 1},
                mark(0.0, 0.0, slot, hollow=hollow, size=5.0),
            )
        )
    return element(
        "svg",
        {"class": "chart fluid", "width": "100%", "height": HEIGHT, "aria-hidden": "true"},
        *parts,
    )


def speed_axis(scale: Scale) -> str:
    """The ticks above the rows."""
    ticks = scale.ticks(5)
    parts = [
        element(
            "text",
            {
                "x": f"{scale(tick):.2f}%",
                "y": 13,
                "text-anchor": "start"
                if scale(tick) < 4
                else "end"
                if scale(tick) > 96
                else "middle",
                "class": "strong" if tick == 1 else "muted",
            },
            text=tick_label(tick, ticks) + "×",
        )
        for tick in ticks
    ]
    return element(
        "svg",
        {"class": "chart fluid", "width": "100%", "height": 18, "aria-hidden": "true"},
        *parts,
    )


def _upright(place: float, css_class: str, top: float = 0, bottom: float = HEIGHT) -> str:
    x = f"{place:.2f}%"
    return element("line", {"x1": x, "x2": x, "y1": top, "y2": bottom, "class": css_class})


def _across(start: float, end: float, css_class: str) -> str:
    return element(
        "line",
        {
            "x1": f"{start:.2f}%",
            "x2": f"{end:.2f}%",
            "y1": HEIGHT / 2,
            "y2": HEIGHT / 2,
            "class": css_class,
        },
    )
