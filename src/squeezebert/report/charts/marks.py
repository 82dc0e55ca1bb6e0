"""How a model looks: a color, a shape of its own, filled for SqueezeBERT and hollow for BERT.

The colors are Okabe and Ito's, darkened or lightened until each stands out from the page by
3 to 1; they live in ``chart.css`` as ``--m0`` (the baseline) to ``--m7``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from squeezebert.report.charts.svg import Attribute, element
from squeezebert.report.grouping import Group, labels_of

COLOURS = 8


def slots_of(groups: Sequence[Group]) -> dict[str, int]:
    """A number for each label: the same label looks the same everywhere, and no two labels of
    one data set share a number. Labels that never meet may (one model a task is the usual case).
    The first baseline has number 0.
    """
    meets: dict[str, set[str]] = {}
    for group in groups:
        names = {result.label for result in group.results}
        for name in names:
            meets.setdefault(name, set()).update(names - {name})
    baselines = {result.label for group in groups for result in group.results if result.is_baseline}
    slots: dict[str, int] = {}
    for label in labels_of(groups):
        used = {slots[other] for other in meets[label] if other in slots}
        first = 0 if label in baselines else 1
        slots[label] = next(slot for slot in range(first, first + 1000) if slot not in used)
    return slots


def css(slot: int) -> str:
    """The class that sets the color."""
    return f"m{slot % COLOURS}"


def mark(x: float, y: float, slot: int, *, hollow: bool, size: float = 6.5) -> str:
    """The model's mark with its center at ``(x, y)``, set off from what lies under it."""
    shape = (slot + slot // COLOURS) % len(_SHAPES)
    attributes: dict[str, Attribute] = {
        "d": _path(_SHAPES[shape], size),
        "class": f"mark {css(slot)}{' hollow' if hollow else ''}",
        "transform": f"translate({x:.2f} {y:.2f})",
    }
    halo: dict[str, Attribute] = {**attributes, "class": "ring"}
    return element("path", halo) + element("path", attributes)


def legend(groups: Sequence[Group], slots: Mapping[str, int]) -> list[tuple[str, str, bool]]:
    """``(mark as SVG, label, whether it is a baseline)`` for every model."""
    first: dict[str, tuple[bool, bool]] = {}
    for group in groups:
        for result in group.results:
            _, baseline = first.get(result.label, (False, False))
            first[result.label] = (result.family == "bert", baseline or result.is_baseline)
    return [
        (swatch(slots[label], hollow=first[label][0]), label, first[label][1])
        for label in labels_of(groups)
    ]


def swatch(slot: int, *, hollow: bool) -> str:
    """The mark alone, to stand in a line of text."""
    return element(
        "svg",
        {"class": "swatch", "viewBox": "0 0 18 18", "aria-hidden": "true"},
        mark(9.0, 9.0, slot, hollow=hollow),
    )


# Corners as (angle in degrees from the top, share of the size); no corners is a circle.
_SHAPES: tuple[tuple[tuple[float, float], ...], ...] = (
    (),
    tuple((angle, 1.2) for angle in (45, 135, 225, 315)),
    tuple((angle, 1.3) for angle in (0, 90, 180, 270)),
    tuple((angle, 1.3) for angle in (0, 120, 240)),
    tuple((angle, 1.3) for angle in (60, 180, 300)),
    tuple((36 * step, 0.6 if step % 2 else 1.4) for step in range(10)),
    tuple((72 * step, 1.15) for step in range(5)),
    tuple((angle, 0.55 if angle % 90 == 45 else 1.4) for angle in range(0, 360, 45)),
)


def _path(corners: tuple[tuple[float, float], ...], size: float) -> str:
    if not corners:
        arc = f"a{size:.2f} {size:.2f} 0 1 1"
        return f"M{-size:.2f} 0{arc} {2 * size:.2f} 0{arc} {-2 * size:.2f} 0Z"
    places = (
        (
            size * share * math.sin(math.radians(angle)),
            -size * share * math.cos(math.radians(angle)),
        )
        for angle, share in corners
    )
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in places) + "Z"
