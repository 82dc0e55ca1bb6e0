"""SVG as text: elements with everything escaped, scales, and how wide a text will be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from squeezebert.escaping import escape_xml

Attribute = str | int | float | None


def element(tag: str, attributes: dict[str, Attribute], *children: str, text: str = "") -> str:
    """One element. ``children`` are elements already, ``text`` is escaped here.

    >>> element("text", {"x": 3.14159, "class": None}, text="a < b")
    '<text x="3.14">a &lt; b</text>'
    """
    written = "".join(
        f' {name}="{escape_xml(_number(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = "".join(children) + escape_xml(text, quote=False)
    return f"<{tag}{written}>{inside}</{tag}>" if inside else f"<{tag}{written}/>"


def _number(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def text(x: float, y: float, content: str, css: str = "", anchor: str | None = None) -> str:
    """A line of text whose base line starts (or ends, or has its middle) at ``(x, y)``."""
    return element(
        "text", {"x": x, "y": y, "class": css or None, "text-anchor": anchor}, text=content
    )


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """A straight line."""
    return element("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": css})


def picture(
    width: float, height: float, title: str, description: str, *children: str, css: str = ""
) -> str:
    """The outermost element. A screen reader reads title and description."""
    return element(
        "svg",
        {
            "viewBox": f"0 0 {_number(float(width))} {_number(float(height))}",
            "role": "img",
            "class": f"chart {css}".strip(),
            "aria-label": f"{title}. {description}",
            "xmlns": "http://www.w3.org/2000/svg",
        },
        element("title", {}, text=title),
        element("desc", {}, text=description),
        *children,
    )


def text_width(content: str, size: float) -> float:
    """About how wide a text is in a sans-serif typeface, rather too wide than too narrow.

    >>> round(text_width("BERT", 10))
    28
    """
    narrow, wide = set("iljtfrI.,:;'|!()[] -"), set("mwMW@%—…")
    units = 0.0
    for letter in content:
        if letter in narrow:
            units += 0.36
        elif letter in wide or ord(letter) > 0x2E80:
            units += 1.0
        else:
            units += 0.7 if letter.isupper() else 0.6
    return units * size


@dataclass(frozen=True)
class Scale:
    """From values to places on the page.

    Args:
        low, high: The values at the ends.
        start, end: Their places.
        logarithmic: Equal ratios are equal distances.

    >>> scale = Scale(0, 10, 100, 300)
    >>> scale(5), scale.ticks(3)
    (200.0, [0.0, 5.0, 10.0])
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Where ``value`` stands."""
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, about: int) -> list[float]:
        """Round values within the scale, about so many."""
        return (
            _log_ticks(self.low, self.high, about)
            if self.logarithmic
            else _round_ticks(self.low, self.high, about)
        )


def _round_ticks(low: float, high: float, about: int) -> list[float]:
    rough = (high - low) / max(1, about)
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _log_ticks(low: float, high: float, about: int) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [
            factor * 10.0**decade
            for decade in decades
            for factor in factors
            if low * 0.999 <= factor * 10.0**decade <= high * 1.001
        ]
        if len(found) <= about + 2:
            break
    return found if len(found) > 1 else _round_ticks(low, high, about)


def tick_label(value: float, ticks: Sequence[float]) -> str:
    """A tick's number, with as many decimals as its neighbors need to differ.

    >>> [tick_label(value, [0.0, 2.5, 5.0]) for value in [0.0, 2.5, 5.0]]
    ['0', '2.5', '5']
    """
    steps = [abs(b - a) for a, b in pairwise(ticks)]
    step = min([size for size in steps if size > 0], default=abs(value) or 1.0)
    decimals = max(0, 1 - math.floor(math.log10(step)))
    if max(abs(tick) for tick in [value, *ticks]) >= 1e5:
        return f"{value / 1000:,.{max(0, decimals - 3)}f}k" if value else "0"
    rounded = f"{value:,.{decimals}f}"
    return (rounded.rstrip("0").rstrip(".") if "." in rounded else rounded).replace("-", "−")
