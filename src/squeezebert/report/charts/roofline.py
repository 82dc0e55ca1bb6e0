"""The roofline: operations a second over operations for each byte, under what the machine can do.

A point cannot lie above the flat roof of its precision (the cores' arithmetic), nor above the
slanted roof of the place that its bytes come from. Both axes are logarithmic. The bytes are the
least that must be moved (:mod:`squeezebert.benchmark.operations`), so a point under a slanted roof
says how near the caches feed the cores.
"""

from __future__ import annotations

from importlib.resources import files

from squeezebert.benchmark.schema import Benchmark, StageTiming, Timing
from squeezebert.report.benchmark_tables import main_settings, share_of_peak, stage_title
from squeezebert.report.charts.roofline_panel import Content, Place, draw_panel
from squeezebert.report.charts.svg import element, picture
from squeezebert.report.words import significant


def roofline_svg(found: Benchmark) -> str:
    """Both rooflines as one SVG file that follows the reader's scheme."""
    width, margin, gap = 1120.0, 28.0, 36.0
    panel_width, panel_height = (width - 2 * margin - gap) / 2, 430.0
    head = f"{found.model} under the roofs of {found.machine.cpu}"
    top = margin + 34
    parts = [
        element("rect", {"x": 0.5, "y": 0.5, "width": width - 1, "height": top + panel_height + 20,
                         "rx": 10, "class": "page"}),
        element("text", {"x": margin, "y": margin + 16, "class": "title"}, text=head),
    ]  # fmt: skip
    for at, content in enumerate((_shapes(found), _stages(found))):
        drawn = draw_panel(found, content, panel_width, panel_height)
        offset = f"translate({margin + at * (panel_width + gap):.2f} {top:.2f})"
        parts.append(element("g", {"transform": offset}, *drawn))
    style = files("squeezebert.report").joinpath("chart.css").read_text(encoding="utf-8") + STYLE
    description = f"{_described(_shapes(found))} {_described(_stages(found))}"
    return picture(
        width, top + panel_height + 21, head, description, f"<style>{style}</style>", *parts
    )


def roofline_panels(found: Benchmark, width: float, height: float, css_class: str) -> list[str]:
    """The two rooflines, to stand in a page."""
    return [
        picture(
            width,
            height,
            content.title,
            _described(content),
            *draw_panel(found, content, width, height),
            css=f"roofline {css_class}",
        )
        for content in (_shapes(found), _stages(found))
    ]


STYLE = """
.chart .title { font-size: 21px; font-weight: 750; letter-spacing: -.01em; }
.chart .page { fill: var(--paper); stroke: var(--rule); }
.chart .roof { stroke: var(--c); stroke-width: 2; opacity: .8; }
.chart .slope { stroke: var(--muted); stroke-width: 1.3; opacity: .7; }
.chart .trail { stroke: var(--c); stroke-width: 1.4; fill: none; opacity: .5; }
.chart .roofname { fill: var(--c); font-weight: 650; }
"""
"""What chart.css lacks."""


def _shapes(found: Benchmark) -> Content:
    settings = main_settings(found)
    named = settings[0]
    places: list[Place] = []
    trails: list[list[Place]] = []
    for setting in settings:
        own = [one for one in found.timings if one.setting == setting]
        alone = sorted((one for one in own if one.batch == 1), key=lambda one: one.length)
        several = sorted((one for one in own if one.batch > 1), key=lambda one: one.batch)
        lone = [_shape_place(found, one, named=setting == named) for one in alone]
        many = [_shape_place(found, one, named=setting == named) for one in several]
        trails += [lone, many]
        places += lone + many
    return Content(
        "The whole encoder, by shape",
        f"{named.isa}, threads: {named.threads}; filled: one text, hollow: several",
        places,
        trails,
    )


def _shape_place(found: Benchmark, timing: Timing, *, named: bool) -> Place:
    shape = f"{timing.batch} × {timing.length}"
    label = str(timing.length) if timing.batch == 1 else shape
    return Place(
        timing.setting,
        timing.intensity,
        timing.giga_operations_per_second,
        label if named else "",
        f"{shape} tokens in {timing.setting.precision}: {significant(timing.min_ms)} ms, "
        f"{significant(timing.giga_operations_per_second)} GOP/s, "
        f"{share_of_peak(found, timing)} of the peak",
        hollow=timing.batch > 1,
    )


def _stages(found: Benchmark) -> Content:
    settings = main_settings(found)
    own = [one for one in found.stages if one.setting in settings and one.giga_operations]
    largest = max(((one.batch, one.length) for one in own), default=(0, 0))
    shown = [one for one in own if (one.batch, one.length) == largest]
    return Content(
        "Its stages",
        f"{largest[0]} × {largest[1]} tokens, threads: {settings[0].threads}",
        [_stage_place(found, one, named=one.setting == settings[0]) for one in shown],
    )


def _stage_place(found: Benchmark, stage: StageTiming, *, named: bool) -> Place:
    title = stage_title(stage.stage)
    return Place(
        stage.setting,
        stage.intensity,
        stage.giga_operations_per_second,
        title if named else "",
        f"{title} in {stage.setting.precision}: {significant(stage.ms)} ms, "
        f"{100 * stage.share:.0f} % of the time, "
        f"{significant(stage.giga_operations_per_second)} GOP/s, "
        f"{share_of_peak(found, stage)} of the peak",
    )


def _described(content: Content) -> str:
    said = "; ".join(place.tooltip for place in content.places if place.label)
    return f"{content.title}: {said}."
