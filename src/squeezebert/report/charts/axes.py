"""The plotting area of a panel: its scales, grid lines and tick labels."""

from __future__ import annotations

from dataclasses import dataclass

from squeezebert.report.charts.label_places import Box
from squeezebert.report.charts.svg import Scale, line, text, tick_label
from squeezebert.report.words import Measure

LINE_HEIGHT = 15.0
FONT_SIZE = 12.0


@dataclass(frozen=True)
class Frame:
    """The plotting area of a panel and its two scales."""

    x: Scale
    y: Scale

    @property
    def box(self) -> Box:
        """The plotting area."""
        return Box(self.x.start, self.y.end, self.x.end, self.y.start)


def axes(frame: Frame, measure: Measure | None, across: str) -> list[str]:
    """Horizontal grid lines, ticks on both axes, and what the horizontal one counts.

    ``measure`` says what the vertical axis counts; None for plain numbers.
    """
    area = frame.box
    parts: list[str] = []
    low, high = sorted((frame.y.low, frame.y.high))
    ticks = Scale(low, high, 0, 1).ticks(5)
    if measure is not None and measure.is_share and high <= 1.2:
        ticks = [tick for tick in ticks if -1e-9 <= tick <= 1 + 1e-9]
    factor, unit = (100.0, "%") if measure is not None and measure.is_share else (1.0, "")
    for tick in ticks:
        y = frame.y(tick)
        label = tick_label(factor * tick, [factor * one for one in ticks]) + unit
        parts.append(line(area.left, y, area.right, y, "grid"))
        parts.append(text(area.left - 7, y + 4, label, "muted small", "end"))
    ticks = frame.x.ticks(5)
    for tick in ticks:
        x = frame.x(tick)
        parts.append(line(x, area.bottom, x, area.bottom + 4, "axis"))
        anchor = "end" if x > area.right - 8 else "middle"
        parts.append(text(x, area.bottom + 17, tick_label(tick, ticks), "muted small", anchor))
    parts.append(line(area.left, area.bottom, area.right, area.bottom, "axis"))
    suffix = ", logarithmic" if frame.x.logarithmic else ""
    parts.append(text(area.left, area.bottom + 36, across + suffix, "muted"))
    return parts
