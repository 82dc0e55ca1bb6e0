"""Loss curves of training runs in one picture, drawn from their ``metrics.jsonl``."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from squeezebert.errors import DataError
from squeezebert.report.charts.axes import FONT_SIZE, LINE_HEIGHT, Frame, axes
from squeezebert.report.charts.marks import css
from squeezebert.report.charts.svg import Scale, element, line, picture, text, text_width
from squeezebert.report.words import Measure, shorten

Against = Literal["tokens", "minutes"]
Points = tuple[tuple[float, float], ...]

METRICS = "metrics.jsonl"
HELD_OUT = "masked_loss"
"""The held-out loss that pretraining measures."""

TAUGHT = "distillation_loss"
"""What it measures too where a teacher's losses go into the training loss."""

SCORES = ("entity_f1", "token_accuracy", "micro_f1", "pearson", "accuracy")
"""What fine-tuning measures on the dev set, of each kind of task; more is better."""

SMOOTHED = 0.02
"""The share of the run over which the training loss is averaged."""

BEGINNING = 0.04
"""The share of the longest run whose first fall may leave the picture at the top."""

SCORES_HEIGHT = 140.0
"""Of the panel with dev scores."""

UNITS: dict[Against, tuple[tuple[float, str], ...]] = {
    "tokens": ((1e9, "billion tokens"), (1e6, "million tokens"), (1e3, "thousand tokens")),
    "minutes": ((3600.0, "hours"), (60.0, "minutes")),
}

STYLE = """
.chart .title { font-size: 19px; font-weight: 750; letter-spacing: -.01em; }
.chart .page { fill: var(--paper); stroke: var(--rule); }
.chart .faint { stroke-width: 1.1; opacity: .45; }
.chart .dot { fill: var(--c); }
.chart .lead { stroke: var(--c); stroke-width: 1.2; stroke-dasharray: 1 4; stroke-linecap: round; }
"""


@dataclass(frozen=True)
class Curve:
    """The course of a run.

    Args:
        name: What it is called in the picture.
        training: (tokens or seconds, loss) of the training batches; empty where that holds a
            teacher's losses too and there is ``held_out``.
        held_out: The same of the held-out text; empty where none was measured.
        measure: What ``scores`` are, such as ``accuracy``; empty where there are none.
        scores: (tokens or seconds, score) of a fine-tuning run on its dev set.
    """

    name: str
    training: Points
    held_out: Points
    measure: str = ""
    scores: Points = ()

    @property
    def main(self) -> Points:
        """The line that counts: held-out loss where there is one."""
        return self.held_out or self.training


def read_curve(run: Path, name: str = "", *, against: Against = "tokens") -> Curve:
    """The curve of a run that is finished or still going.

    Args:
        run: Its directory, or its ``metrics.jsonl``.
        name: What it is called; the directory's name where empty.
        against: What the loss is drawn against: input tokens, or time spent training.

    Raises:
        DataError: no such file, a line that is no metric, or no line yet.
    """
    path = run / METRICS if run.is_dir() else run
    if not path.is_file():
        raise DataError(f"there is no {METRICS} in {run}", hint="name the directory of a run")
    with path.open("rb") as file:
        lines = [_read_line(content, path, at) for at, content in enumerate(file, 1)]
    field = "tokens" if against == "tokens" else "seconds"
    train = [one for one in lines if one.get("kind") == "train" and "loss" in one]
    if not train:
        raise DataError(f"{path} has no training loss yet")
    steps = [one["step"] for one in train]
    spent = [one[field] for one in train]

    def placed(line: dict[str, Any]) -> float:
        # Evaluations have no tokens and seconds in runs of earlier versions.
        return line.get(field, float(np.interp(line["step"], steps, spent)))

    dev = [one for one in lines if one.get("kind") == "dev" and HELD_OUT in one]
    taught = any(TAUGHT in one for one in dev)
    scored = [one for one in lines if one.get("kind") == "dev"]
    measures = () if dev else SCORES
    measure = next((name for name in measures if any(name in one for one in scored)), "")
    return Curve(
        name=name or path.resolve().parent.name,
        training=() if taught else tuple((one[field], one["loss"]) for one in train),
        held_out=tuple((placed(one), one[HELD_OUT]) for one in dev),
        measure=measure,
        scores=tuple((placed(one), one[measure]) for one in scored if measure in one),
    )


def _read_line(content: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(content)
        values["step"] = int(values["step"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}:{number} is no line of metrics: {error}") from error
    return values


def curves_svg(curves: Sequence[Curve], *, against: Against = "tokens", title: str = "") -> str:
    """All curves as one SVG file that follows the reader's scheme: held-out loss in bold, training
    loss, smoothed, thin beside it; each named at its end. Dev scores have a panel of their own.

    Args:
        curves: At least one, of the same ``against``.
        against: What they were read against.
        title: Stands above.
    """
    width, height, margin = 960.0, 470.0, 28.0
    heading = title or _heading(curves)
    inner = width - 2 * margin
    names = [_end_name(curve) for curve in curves]
    room = max(text_width(name, FONT_SIZE) for name in names) + 30
    longest = max(curve.main[-1][0] for curve in curves)
    divisor, unit = _unit(longest, against)
    frame = Frame(
        Scale(0.0, longest / divisor, 38, inner - room),
        Scale(*_losses(curves, longest), height - margin - 96, 44),
    )
    parts = [
        text(0, 14, "cross entropy in nats, less is better ↓", "muted"),
        *axes(frame, None, unit),
    ]
    parts.append(text(0, 31, _explained(curves), "muted small"))
    ends: list[tuple[float, float]] = []
    for slot, curve in enumerate(curves, 1):
        training, held_out = (
            tuple((x / divisor, y) for x, y in one)
            for one in (_smoothed(curve.training), curve.held_out)
        )
        main = held_out or training
        if held_out and training:
            parts.append(_path(training, frame, f"series faint {css(slot)}"))
        parts.append(_path(main, frame, f"series {css(slot)}"))
        ends.append((frame.x(main[-1][0]), frame.y(min(main[-1][1], frame.y.high))))
    parts += _named(ends, names, frame)
    if any(curve.scores for curve in curves):
        top = frame.box.bottom + 90
        below = Frame(frame.x, Scale(*_scores(curves), top + SCORES_HEIGHT, top))
        parts += _score_panel(curves, below, divisor, unit)
        height += 90 + SCORES_HEIGHT
    described = "; ".join(
        f"{curve.name} {curve.main[-1][1]:.3f} after {curve.main[-1][0] / divisor:.3g} {unit}"
        for curve in curves
    )
    style = files("squeezebert.report").joinpath("chart.css").read_text(encoding="utf-8") + STYLE
    page = {"x": 0.5, "y": 0.5, "width": width - 1, "height": height - 1, "rx": 10}
    return picture(
        width,
        height,
        heading,
        described + ".",
        f"<style>{style}</style>",
        element("rect", {**page, "class": "page"}),
        element("text", {"x": margin, "y": margin + 14, "class": "title"}, text=heading),
        element("g", {"transform": f"translate({margin} {margin + 36})"}, *parts),
    )


def _heading(curves: Sequence[Curve]) -> str:
    if any(curve.held_out for curve in curves):
        return "Masked-LM loss over pretraining"
    return "Training loss" + (" and dev scores" if any(curve.scores for curve in curves) else "")


def _scores(curves: Sequence[Curve]) -> tuple[float, float]:
    """The ends of the scores' axis."""
    values = [score for curve in curves for _, score in curve.scores]
    pad = 0.08 * max(max(values) - min(values), 0.01)
    return min(values) - pad, max(values) + pad


def _score_panel(curves: Sequence[Curve], frame: Frame, divisor: float, unit: str) -> list[str]:
    """The dev scores of all runs: a dot an evaluation, the best ones larger."""
    measures = list(dict.fromkeys(curve.measure for curve in curves if curve.scores))
    titles = ", ".join(Measure(name).title for name in measures)
    parts = [
        text(0, frame.box.top - 14, f"dev {titles}, more is better ↑", "muted"),
        *axes(frame, Measure(measures[0]) if len(measures) == 1 else None, unit),
    ]
    for slot, curve in enumerate(curves, 1):
        points = tuple((x / divisor, y) for x, y in curve.scores)
        parts.append(_path(points, frame, f"series {css(slot)}"))
        best = max((y for _, y in points), default=0.0)
        parts += [
            element(
                "circle",
                {
                    "cx": frame.x(x),
                    "cy": frame.y(y),
                    "r": 5 if y == best else 3,
                    "class": f"dot {css(slot)}",
                },
            )
            for x, y in points
        ]
    return parts


def curves_csv(curves: Sequence[Curve], *, against: Against = "tokens") -> str:
    """What :func:`curves_svg` draws as CSV, training losses not smoothed: a line a point.

    >>> print(curves_csv([Curve(name="a", training=((60.0, 2.5),), held_out=())]), end="")
    run,measure,tokens,value
    a,training loss,60,2.5
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["run", "measure", against, "value"])
    per = 60.0 if against == "minutes" else 1.0
    for curve in curves:
        kinds = {
            "training loss": curve.training,
            "held-out loss": curve.held_out,
            f"dev {curve.measure}": curve.scores,
        }
        for kind, points in kinds.items():
            writer.writerows([curve.name, kind, f"{x / per:.10g}", repr(y)] for x, y in points)
    return stream.getvalue()


def _explained(curves: Sequence[Curve]) -> str:
    if not any(curve.training for curve in curves):
        return "held-out text"
    if all(curve.held_out for curve in curves):
        return "bold: held-out text · thin: training, smoothed"
    if any(curve.held_out for curve in curves):
        return "bold: held-out text, or training where none was measured · thin: training, smoothed"
    return "training loss, smoothed"


def _end_name(curve: Curve) -> str:
    best = max((score for _, score in curve.scores), default=None)
    score = "" if best is None else f" · dev {curve.measure} {best:.3f}"
    return f"{shorten(curve.name, 24)} {curve.main[-1][1]:.2f}{score}"


def _unit(longest: float, against: Against) -> tuple[float, str]:
    """What to divide by, and what that gives."""
    units = UNITS[against]
    return next((one for one in units if longest >= 2 * one[0]), units[-1])


def _losses(curves: Sequence[Curve], longest: float) -> tuple[float, float]:
    """The ends of the vertical axis: all of the curves but the first steep fall."""
    smooth = [_smoothed(curve.training) for curve in curves]
    lines = [*smooth, *(curve.held_out for curve in curves)]
    values = [y for one in lines for _, y in one if math.isfinite(y)]
    later = [y for one in lines for x, y in one if x >= BEGINNING * longest and math.isfinite(y)]
    low, high = min(values), max(later or values)
    # The fall itself is worth a fifth of the height, if it is that deep.
    high = min(max(values), high + 0.25 * (high - low))
    pad = 0.06 * max(high - low, 0.01)
    return low - pad, high + pad


def _smoothed(points: Points) -> Points:
    """Means over windows of :data:`SMOOTHED` of the run, each placed at its last point."""
    if not points:
        return ()
    xs, ys = np.array(points, dtype=np.float64).T
    wide = max(round(SMOOTHED * len(points)), 1)
    sums = np.cumsum(np.insert(ys, 0, 0.0))
    first = np.maximum(np.arange(1, len(ys) + 1) - wide, 0)
    means = (sums[1:] - sums[first]) / (np.arange(1, len(ys) + 1) - first)
    return tuple(zip(xs.tolist(), means.tolist(), strict=True))


def _path(points: Points, frame: Frame, css_class: str) -> str:
    """A line through the points; what lies above the panel is cut off at its edge."""
    kept: list[tuple[float, float]] = []
    top = frame.y.high
    for (x1, y1), (x2, y2) in pairwise(points):
        if y1 > top >= y2:
            kept.append((x1 + (x2 - x1) * (y1 - top) / (y1 - y2), top))
        elif y1 <= top:
            kept.append((x1, y1))
            if y2 > top:
                kept.append((x1 + (x2 - x1) * (top - y1) / (y2 - y1), top))
    kept += [one for one in points[-1:] if one[1] <= top]
    places = "L".join(f"{frame.x(x):.2f} {frame.y(y):.2f}" for x, y in kept)
    return element("path", {"d": f"M{places}" if places else "", "class": css_class})


def _named(ends: Sequence[tuple[float, float]], names: Sequence[str], frame: Frame) -> list[str]:
    """The names in a column right of the panel, in the order of the lines' ends, pushed apart."""
    order = sorted(range(len(ends)), key=lambda at: ends[at][1])
    places: list[float] = []
    for at in order:
        y = ends[at][1]
        places.append(max(y, places[-1] + LINE_HEIGHT) if places else y)
    lowest = frame.box.bottom
    for rank in range(len(places) - 1, -1, -1):
        places[rank] = min(places[rank], lowest)
        lowest = places[rank] - LINE_HEIGHT
    parts: list[str] = []
    left = frame.box.right + 18
    for at, place in zip(order, places, strict=True):
        x, y = ends[at]
        parts.append(line(x + 3, y, left - 4, place, f"lead {css(at + 1)}"))
        parts.append(text(left, place + 4, names[at], "strong"))
    return parts
