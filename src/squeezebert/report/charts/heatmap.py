"""Confusion matrices as heat maps."""

from __future__ import annotations

from collections.abc import Sequence

from squeezebert.comparison.schema import Result
from squeezebert.report.charts.svg import element, picture, text, text_width
from squeezebert.report.words import shorten

WIDTH = 360.0
MOST_NAMED = 24
MOST_COUNTED = 12
FONT_SIZE = 11.0


def heatmap(result: Result) -> str | None:
    """True classes by row, predicted ones by column; each cell is colored by its share of its
    row. None without a confusion matrix, or with one of another size than its labels.

    Counts stand in the cells up to 12 classes, names beside them up to 24; a cell's tooltip
    always tells both.
    """
    counts = result.confusion
    size = len(result.labels)
    if not counts or len(counts) != size or any(len(row) != size for row in counts):
        return None
    names = [shorten(label, 14) for label in result.labels]
    named = size <= MOST_NAMED
    widest = max(text_width(name, FONT_SIZE) for name in names) if named else 0.0
    left = widest + 10 if named else 18.0
    cell = (WIDTH - left - 2) / size
    # Names that are wider than their column lean; their height is what is left of their width.
    leaning = widest > cell - 4
    bottom = (0.72 * widest + 14 if leaning else 20.0) if named else 6.0
    top = 20.0
    height = top + cell * size + bottom + 16
    parts = [text(left, 12, "true ↓  predicted →", "muted small")]
    for at, row in enumerate(counts):
        y = top + cell * at
        if named:
            parts.append(text(left - 6, y + cell / 2 + 4, names[at], "small", "end"))
        parts += _row(row, at, result.labels, left, y, cell)
    if named:
        for at, name in enumerate(names):
            x, y = left + cell * (at + 0.5), top + cell * size + 14
            turn = f"rotate(-45 {x:.2f} {y:.2f})" if leaning else None
            parts.append(
                element(
                    "text",
                    {
                        "x": x,
                        "y": y,
                        "class": "small",
                        "text-anchor": "end" if leaning else "middle",
                        "transform": turn,
                    },
                    text=name,
                )
            )
    return picture(
        WIDTH, height, f"Confusion of {result.label}", _described(counts, result.labels), *parts
    )


def _row(
    row: Sequence[int], at: int, labels: Sequence[str], left: float, y: float, cell: float
) -> list[str]:
    parts: list[str] = []
    total = sum(row)
    for column, number in enumerate(row):
        share = number / total if total else 0.0
        x = left + cell * column
        said = f"{labels[at]} taken for {labels[column]}: {number:,} of {total:,}"
        # A count of 1 among thousands must still be seen to be there.
        depth = round(0.04 + 0.96 * share, 3) if number else 0.04
        inside = [
            element("title", {}, text=said),
            element(
                "rect",
                {
                    "x": x + 0.75,
                    "y": y + 0.75,
                    "width": max(cell - 1.5, 0.5),
                    "height": max(cell - 1.5, 0.5),
                    "rx": 2 if cell > 12 else 0,
                    "class": "cell",
                    "fill-opacity": depth,
                },
            ),
        ]
        if len(labels) <= MOST_COUNTED:
            css = "count" if number else "count none"
            # Where letters must turn dark (dark scheme) or light (light scheme) to be read.
            css += " deep" if depth > 0.64 else ""
            css += " deepest" if depth > 0.78 else ""
            digits = f"{number:,}"
            size = min(13.0, (cell - 4) / max(1, len(digits)) * 1.7, cell * 0.5)
            inside.append(
                element(
                    "text",
                    {
                        "x": x + cell / 2,
                        "y": y + cell / 2 + 0.36 * size,
                        "class": css,
                        "text-anchor": "middle",
                        "style": f"font-size:{size:.1f}px",
                    },
                    text=digits,
                )
            )
        parts.append(element("g", {}, *inside))
    return parts


def _described(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """The commonest mistakes, for those who cannot see the colors."""
    mistakes = sorted(
        (
            (number, labels[at], labels[column])
            for at, row in enumerate(counts)
            for column, number in enumerate(row)
            if at != column and number
        ),
        reverse=True,
    )[:3]
    if not mistakes:
        return "No mistakes."
    said = "; ".join(
        f"{true} taken for {wrong} {number:,} times" for number, true, wrong in mistakes
    )
    return f"Commonest mistakes: {said}."
