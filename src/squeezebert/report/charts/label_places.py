"""Puts names beside the points of a plot so that nothing covers anything.

Every label tries the places around its point, nearest first, then a grid of places further away;
the latter are joined to their point by a thin line. Labels in the tightest spots choose first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Box:
    """A rectangle: left, top, right and bottom edge; y grows downwards.

    >>> Box(0, 0, 10, 10).overlap(Box(8, 5, 20, 20))
    10.0
    """

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """The area that both cover."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return float(wide * high) if wide > 0 and high > 0 else 0.0

    def within(self, other: Box) -> bool:
        """Whether it lies wholly inside ``other``."""
        return (
            self.left >= other.left
            and self.top >= other.top
            and self.right <= other.right
            and self.bottom <= other.bottom
        )

    def distance(self, x: float, y: float) -> float:
        """From a point to the nearest place of the box."""
        across = max(self.left - x, 0.0, x - self.right)
        along = max(self.top - y, 0.0, y - self.bottom)
        return (across**2 + along**2) ** 0.5


def around(x: float, y: float, size: float) -> Box:
    """The square of ``size`` about a point."""
    return Box(x - size / 2, y - size / 2, x + size / 2, y + size / 2)


def along(x1: float, y1: float, x2: float, y2: float, size: float) -> list[Box]:
    """Squares all along a line, so that no label covers it."""
    steps = max(1, int(math.hypot(x2 - x1, y2 - y1) // size))
    return [
        around(x1 + (x2 - x1) * at / steps, y1 + (y2 - y1) * at / steps, size)
        for at in range(steps + 1)
    ]


def place_labels(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    bounds: Box,
    obstacles: Sequence[Box] = (),
    *,
    gap: float = 10.0,
) -> list[Box]:
    """A box for each label.

    Args:
        points: What the labels name.
        sizes: Width and height of each label.
        bounds: The labels stay inside, if they are small enough.
        obstacles: What they must not cover, the points' own marks included.
        gap: The distance from a point to its label.

    Returns:
        Boxes in the order of the points. They cover one another or an obstacle only where there
        is no room left.

    >>> [box] = place_labels([(50, 50)], [(30, 10)], Box(0, 0, 100, 100))
    >>> box.left, box.top
    (60.0, 45.0)
    """
    placed: dict[int, Box] = {}
    crowded = sorted(
        range(len(points)),
        key=lambda at: min(
            (
                abs(points[at][0] - x) + abs(points[at][1] - y)
                for other, (x, y) in enumerate(points)
                if other != at
            ),
            default=0.0,
        ),
    )
    for at in crowded:
        taken = [*obstacles, *placed.values()]
        placed[at] = _best(points[at], sizes[at], bounds, taken, gap)
    return [placed[at] for at in range(len(points))]


def _best(
    point: tuple[float, float],
    size: tuple[float, float],
    bounds: Box,
    taken: Sequence[Box],
    gap: float,
) -> Box:
    near = [box for box in _beside(point, size, gap, bounds) if box.within(bounds)]
    for box in near:
        if not any(box.overlap(other) for other in taken):
            return box
    far = sorted(_grid(size, bounds), key=lambda box: (box.distance(*point), box.left, box.top))
    far = [box for box in far if box.distance(*point) >= gap] or far
    for box in far:
        if not any(box.overlap(other) for other in taken):
            return box
    candidates = near or far or _beside(point, size, gap, bounds)
    return min(candidates, key=lambda box: sum(box.overlap(other) for other in taken))


def _beside(
    point: tuple[float, float], size: tuple[float, float], gap: float, bounds: Box
) -> list[Box]:
    """The eight places around a point: right, left, above, below, then the corners; those above
    and below are pushed in from the edges.
    """
    (x, y), (width, height) = point, size
    slant = 0.7 * gap
    lefts = {-1: x - gap - width, 1: x + gap}
    lefts[0] = max(bounds.left, min(x - width / 2, bounds.right - width))
    tops = {-1: y - gap - height, 0: y - height / 2, 1: y + gap}
    sides = ((1, 0), (-1, 0), (0, -1), (0, 1))
    boxes = [(lefts[across], tops[down]) for across, down in sides]
    boxes += [
        (
            x + slant if across > 0 else x - slant - width,
            y + slant if down > 0 else y - slant - height,
        )
        for across, down in ((1, -1), (-1, -1), (1, 1), (-1, 1))
    ]
    return [Box(left, top, left + width, top + height) for left, top in boxes]


def _grid(size: tuple[float, float], bounds: Box) -> list[Box]:
    width, height = size
    across = int(max(0.0, bounds.right - bounds.left - width) // 6)
    down = int(max(0.0, bounds.bottom - bounds.top - height) // 4)
    if width > bounds.right - bounds.left or height > bounds.bottom - bounds.top:
        return []
    return [
        Box(left, top, left + width, top + height)
        for left, top in (
            (bounds.left + 6 * column, bounds.top + 4 * row)
            for column, row in product(range(across + 1), range(down + 1))
        )
    ]
