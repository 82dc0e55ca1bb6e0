"""A roofline drawn: two logarithmic axes, flat and slanted roofs, and points under them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from squeezebert.benchmark.schema import Bandwidth, Benchmark, Setting
from squeezebert.report.charts.axes import FONT_SIZE, LINE_HEIGHT
from squeezebert.report.charts.label_places import Box, along, around, place_labels
from squeezebert.report.charts.marks import css, mark
from squeezebert.report.charts.svg import Scale, element, line, text, text_width, tick_label
from squeezebert.report.words import significant

PRECISION_SLOTS = {"int8": 1, "bf16": 2, "float32": 3}
MIXED_SLOT = 4
SLANTED_LEVELS = (0, 2, 3)
"""Levels whose bandwidth is drawn. The first level's is met inside a product only."""


@dataclass(frozen=True)
class Place:
    """A point of the plot.

    Args:
        setting: How it ran.
        intensity, rate: Operations for each byte, and 10⁹ of them a second.
        label: What stands beside it; nothing where empty.
        tooltip: What it says when pointed at.
        hollow: How its mark is filled.
    """

    setting: Setting
    intensity: float
    rate: float
    label: str
    tooltip: str
    hollow: bool = False


@dataclass(frozen=True)
class Content:
    """What a panel shows.

    Args:
        title, subtitle: Above it.
        places: The points; earlier ones lie above later ones.
        trails: Points that a line joins.
    """

    title: str
    subtitle: str
    places: Sequence[Place]
    trails: Sequence[Sequence[Place]] = ()


def draw_panel(found: Benchmark, content: Content, width: float, height: float) -> list[str]:
    """The elements of a panel; its upper left corner is at (0, 0)."""
    parts = [
        text(0, 14, content.title, "heading"),
        text(0, 31, content.subtitle, "muted"),
    ]
    if not content.places:
        return [*parts, text(0, height / 2, "nothing was measured", "muted")]
    peaks = _peaks(found, content.places)
    slopes = [
        one
        for one in found.bandwidths
        if one.threads == found.main_threads and one.level in SLANTED_LEVELS
    ]
    slopes.sort(key=lambda one: -one.gigabytes_per_second)
    x, y = _scales(content.places, peaks, slopes, width, height)
    parts += _axes(x, y)
    obstacles: list[Box] = []
    parts += _slopes(slopes, max(peaks.values(), default=y.high), x, y, obstacles)
    parts += _roofs(peaks, slopes, x, y, obstacles)
    for trail in content.trails:
        ends = [(x(place.intensity), y(place.rate)) for place in trail]
        if len(ends) > 1:
            path = "M" + "L".join(f"{at:.2f} {up:.2f}" for at, up in ends)
            css_class = f"trail {css(slot_of(trail[0].setting.precision))}"
            parts.append(element("path", {"d": path, "class": css_class}))
    for place in reversed(content.places):
        drawn = mark(
            x(place.intensity),
            y(place.rate),
            slot_of(place.setting.precision),
            hollow=place.hollow,
            size=4.5,
        )
        parts.append(element("g", {}, element("title", {}, text=place.tooltip), drawn))
    obstacles += [around(x(place.intensity), y(place.rate), 11) for place in content.places]
    return parts + _labels(content.places, x, y, obstacles)


def slot_of(precision: str) -> int:
    """The number of a precision's color and mark, see :mod:`squeezebert.report.charts.marks`."""
    return PRECISION_SLOTS.get(precision, MIXED_SLOT)


def _peaks(found: Benchmark, places: Sequence[Place]) -> dict[Setting, float]:
    """The flat roofs: one a precision."""
    peaks: dict[Setting, float] = {}
    for place in places:
        peak = found.peak(place.setting)
        if peak and "," not in place.setting.precision:
            peaks[place.setting] = peak
    return peaks


def _scales(
    places: Sequence[Place],
    peaks: Mapping[Setting, float],
    slopes: Sequence[Bandwidth],
    width: float,
    height: float,
) -> tuple[Scale, Scale]:
    """Wide enough for all points, and for the corner where the steepest roof meets the highest."""
    intensities = [place.intensity for place in places]
    rates = [place.rate for place in places] + list(peaks.values())
    steepest = max((one.gigabytes_per_second for one in slopes), default=0.0)
    corner = [max(peaks.values()) / steepest / 4] if peaks and steepest else []
    low = min([one / 1.8 for one in intensities] + corner)
    # To the right of all points stand the names of the flat roofs.
    x = Scale(low, max(intensities) * 6, 46, width - 6, logarithmic=True)
    y = Scale(min(rates) / 1.8, max(rates) * 1.7, height - 46, 44, logarithmic=True)
    return x, y


def _axes(x: Scale, y: Scale) -> list[str]:
    parts: list[str] = []
    ticks = y.ticks(6)
    for tick in ticks:
        parts.append(line(x.start, y(tick), x.end, y(tick), "grid"))
        label = tick_label(tick, [tick, 2 * tick])
        parts.append(text(x.start - 7, y(tick) + 4, label, "muted small", "end"))
    for tick in x.ticks(6):
        parts.append(line(x(tick), y.start, x(tick), y.start + 4, "axis"))
        label = tick_label(tick, [tick, 2 * tick])
        parts.append(text(x(tick), y.start + 17, label, "muted small", "middle"))
    parts.append(line(x.start, y.start, x.end, y.start, "axis"))
    across = "operations for each byte moved · up: 10⁹ operations a second"
    return [*parts, text(x.start, y.start + 36, across, "muted")]


def _slopes(
    bandwidths: Sequence[Bandwidth], highest: float, x: Scale, y: Scale, obstacles: list[Box]
) -> list[str]:
    """The slanted roofs, each up to the highest flat one."""
    parts: list[str] = []
    per_decade = (x.end - x.start) / math.log10(x.high / x.low)
    up_per_decade = (y.start - y.end) / math.log10(y.high / y.low)
    angle = -math.degrees(math.atan2(up_per_decade, per_decade))
    for one in bandwidths:
        rate = one.gigabytes_per_second
        low = max(x.low, y.low / rate)
        high = min(x.high, highest / rate)
        if high <= low:
            continue
        start, end = (x(low), y(low * rate)), (x(high), y(high * rate))
        parts.append(line(*start, *end, "slope"))
        obstacles += along(*start, *end, 6)
        label = f"{one.name} {significant(rate)} GB/s"
        long = math.hypot(end[0] - start[0], end[1] - start[1])
        if long < text_width(label, 11) + 16:
            continue
        # The first stands on its line, the others below theirs: two caches may be alike.
        down = -5 if one is bandwidths[0] else 13
        turned = f"translate({start[0]:.2f} {start[1]:.2f}) rotate({angle:.2f})"
        name = element("text", {"x": 12, "y": down, "class": "halo muted small"}, text=label)
        parts.append(element("g", {"transform": turned}, name))
        share = min(1.0, (text_width(label, 11) + 16) / long)
        aside = math.copysign(6, down), math.copysign(9, down)
        ends_of_name = (
            start[0] + aside[0],
            start[1] + aside[1],
            start[0] + (end[0] - start[0]) * share + aside[0],
            start[1] + (end[1] - start[1]) * share + aside[1],
        )
        obstacles += along(*ends_of_name, 10)
    return parts


def _roofs(
    peaks: Mapping[Setting, float],
    bandwidths: Sequence[Bandwidth],
    x: Scale,
    y: Scale,
    obstacles: list[Box],
) -> list[str]:
    """The flat roofs, each from where the steepest slanted one meets it."""
    parts: list[str] = []
    steepest = max((one.gigabytes_per_second for one in bandwidths), default=0.0)
    named: list[Box] = []
    for setting, peak in peaks.items():
        left = max(x.low, peak / steepest) if steepest else x.low
        begin, height = x(min(left, x.high)), y(peak)
        slot = css(slot_of(setting.precision))
        label = f"{setting.precision} peak {significant(peak)}"
        parts.append(line(begin, height, x.end, height, f"roof {slot}"))
        long = text_width(label, 11) + 4
        box = Box(x.end - long, height - 18, x.end, height)
        while any(box.overlap(other) for other in named):  # roofs of about one height
            box = Box(box.left - long - 6, box.top, box.right - long - 6, box.bottom)
        named.append(box)
        css_class = f"halo small roofname {slot}"
        parts.append(text(box.right, height - 6, label, css_class, "end"))
        obstacles += [Box(begin, height - 2, x.end, height + 2), box]
    return parts


def _labels(places: Sequence[Place], x: Scale, y: Scale, obstacles: Sequence[Box]) -> list[str]:
    named = [place for place in places if place.label]
    spots = [(x(place.intensity), y(place.rate)) for place in named]
    sizes = [(text_width(place.label, FONT_SIZE) + 4, LINE_HEIGHT) for place in named]
    area = Box(x.start, y.end, x.end, y.start)
    parts: list[str] = []
    boxes = place_labels(spots, sizes, area, obstacles, gap=8)
    for place, (at, up), box in zip(named, spots, boxes, strict=True):
        if box.distance(at, up) > 12:
            end = min(max(at, box.left), box.right), min(max(up, box.top), box.bottom)
            parts.append(line(at, up, *end, "leader"))
        to_left = box.right <= at
        parts.append(
            text(
                box.right - 2 if to_left else box.left + 2,
                box.top + 11.5,
                place.label,
                "halo",
                "end" if to_left else None,
            )
        )
    return parts
