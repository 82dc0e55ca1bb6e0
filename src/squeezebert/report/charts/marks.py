"""How a model looks: a color, a shape of its own, filled for SqueezeBERT and hollow for BERT.

The colors are Okabe and Ito's, darkened or lightened until each stands out from the page by
3 to 1; they live in ``chart.css`` as ``--m0`` (the baseline) to ``--m7``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from squeezebert.report.charts.svg import Attribute, element
from squeezebert.report.grouping import Group, families_of

COLOURS = 8


def slots_of(groups: Sequence[Group]) -> dict[str, int]:
    """A number for each label: the same label looks the same everywhere, a family (one model a
    task) has one number, and no two labels of one data set share one. Families that never meet
    may. The first baseline has number 0.
    """
    families = families_of(groups)
    family = {label: name for name, labels in families.items() for label in labels}
    meets: dict[str, set[str]] = {name: set() for name in families}
    for group in groups:
        names = {family[result.label] for result in group.results}
        for name in names:
            meets[name].update(names - {name})
    baselines = {
        family[result.label] for group in groups for result in group.results if result.is_baseline
    }
    slots: dict[str, int] = {}
    for name in families:
        used = {slots[other] for other in meets[name] if other in slots}
        first = 0 if name in baselines else 1
        slots[name] = next(slot for slot in range(first, first + 1000) if slot not in used)
    return {label: slots[name] for label, name in family.items()}


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
    """``(mark as SVG, name, whether it is a baseline)`` for every model; a family is named once."""
    results = [result for group in groups for result in group.results]
    entries: list[tuple[str, str, bool]] = []
    for name, labels in families_of(groups).items():
        own = [result for result in results if result.label in labels]
        hollow = all(result.family == "bert" for result in own)
        is_baseline = any(result.is_baseline for result in own)
        entries.append((swatch(slots[labels[0]], hollow=hollow), name, is_baseline))
    return entries


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
