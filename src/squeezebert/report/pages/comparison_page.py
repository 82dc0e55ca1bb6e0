"""The report as one self-contained page: no script, no font, no request."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from squeezebert.comparison.schema import Report
from squeezebert.report.charts.bars import speed_axis, speed_scale
from squeezebert.report.charts.latency import MOST_TAILS, has_lengths, latency_panel
from squeezebert.report.charts.marks import legend, slots_of
from squeezebert.report.charts.tradeoff import points_of, tradeoff_panel
from squeezebert.report.grouping import Group, groups_of
from squeezebert.report.headline import contenders_of, headline_of
from squeezebert.report.pages.environment import styles, template
from squeezebert.report.pages.hero import lede_of, overview_of, tiles_of
from squeezebert.report.pages.sections import section_of
from squeezebert.report.tables import facts_of, study_table
from squeezebert.report.words import listed

NARROW = (372.0, 320.0)
TRADEOFF_WIDE = {1: (1120.0, 450.0), 2: (560.0, 390.0)}
LATENCY_WIDE = {1: (1120.0, 400.0), 2: (560.0, 360.0)}


@dataclass(frozen=True)
class Panel:
    """A chart for narrow columns, and the same for wide ones where the page has such columns;
    the page shows the one that fits.
    """

    narrow: str
    wide: str = ""


def render_html(report: Report) -> str:
    """The page. Everything in the report is text to it, never markup.

    Raises:
        ValueError: a number in the report that JSON cannot hold (NaN, infinity), because the page
            carries the data.
    """
    return template("template.html.j2").render(page_values(report)) + "\n"


def page_values(report: Report) -> dict[str, Any]:
    """What the template shows, under the names that it uses."""
    groups = groups_of(report)
    slots = slots_of(groups)
    contenders = contenders_of(groups)
    scale = speed_scale([result for group in groups for result in group.results])
    with_lengths = [group for group in groups if has_lengths(group)]
    return {
        "styles": styles(),
        "report": report,
        "headline": headline_of(groups),
        "lede": lede_of(groups, contenders, report),
        "tiles": tiles_of(groups, contenders),
        "overview": overview_of(groups, contenders) if len(contenders) > 1 else None,
        "legend": legend(groups, slots) if len(slots) > 1 else [],
        "baselines": listed(
            list(dict.fromkeys(name for one in contenders for name in one.baselines))
        ),
        # One point alone trades nothing.
        "tradeoff": (
            _panels(groups, slots, tradeoff_panel, TRADEOFF_WIDE)
            if any(len(group.results) > 1 for group in groups)
            else []
        ),
        "pointless": _pointless(groups, slots),
        "sections": [
            section_of(group, slots, report, scale, at) for at, group in enumerate(groups)
        ],
        "has_intervals": any(result.intervals for result in report.results),
        "speed_axis": speed_axis(scale),
        "speed_logarithmic": scale.logarithmic,
        "latency": _panels(with_lengths, slots, latency_panel, LATENCY_WIDE),
        "tails": any(len(group.results) <= MOST_TAILS for group in with_lengths),
        "study": study_table(report.study) if report.study else None,
        "facts": facts_of(report),
        "data": base64.b64encode(report.to_json().encode()).decode(),
    }


def _panels(
    groups: Sequence[Group],
    slots: Mapping[str, int],
    draw: Callable[[Group, Mapping[str, int], float, float, str], str],
    wide: Mapping[int, tuple[float, float]],
) -> list[Panel]:
    """One chart a data set; with few of them each is drawn for wide columns too."""
    columns = 1 if len(groups) == 1 else 2 if len(groups) in (2, 4) else 3
    panels: list[Panel] = []
    for group in groups:
        size = wide.get(columns)
        large = draw(group, slots, *size, "wide") if size else ""
        narrow = draw(group, slots, *NARROW, "narrow" if size else "")
        panels.append(Panel(narrow, large))
    return panels


def _pointless(groups: Sequence[Group], slots: Mapping[str, int]) -> list[str]:
    """The models that the trade-off plot leaves out, each with its data set."""
    missing: list[str] = []
    for group in groups:
        shown = {point.result.label for point in points_of(group, slots)}
        missing += [
            f"{result.label} on {group.dataset}"
            for result in group.results
            if result.label not in shown
        ]
    return missing
