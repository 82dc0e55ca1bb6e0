from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from squeezebert.comparison.schema import Report
from squeezebert.report.charts.heatmap import heatmap
from squeezebert.report.charts.latency import latency_panel
from squeezebert.report.charts.marks import slots_of
from squeezebert.report.charts.svg import Scale
from squeezebert.report.charts.tradeoff import tradeoff_panel, tradeoff_svg
from squeezebert.report.grouping import groups_of

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["pair", "many", "single", "awkward", "missing"]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_is_sound_xml_without_gaps(name: str, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(name)
    groups = groups_of(report)
    slots = slots_of(groups)
    charts = [tradeoff_svg(report)]
    for group in groups:
        charts += [tradeoff_panel(group, slots, *size) for size in ((372, 320), (1120, 450))]
        charts += [latency_panel(group, slots, *size) for size in ((372, 320), (1120, 400))]
        charts += [drawn for result in group.results if (drawn := heatmap(result))]
    for chart in charts:
        root = ET.fromstring(chart)
        assert root.find(f"{SVG}title").text
        assert root.find(f"{SVG}desc").text
        for element in root.iter():
            assert element.tag != f"{SVG}script"
            for attribute, value in element.attrib.items():
                assert "nan" not in value or attribute == "aria-label"
                assert "inf" not in value.split() or attribute == "aria-label"


def test_the_picture_names_models_scores_and_directions(pair: Report) -> None:
    found = texts(tradeoff_svg(pair))
    assert found.count("SqueezeBERT-mini") == 3
    assert "baseline · 90.7% · 4.39 s" in found
    assert "1.62× speed · −1.3 points" in found
    assert {"↑ accuracy", "← CPU seconds", "faster and better"} <= set(found)


def test_the_picture_follows_the_readers_scheme_and_brings_its_own_page(pair: Report) -> None:
    svg = tradeoff_svg(pair)
    assert "prefers-color-scheme: dark" in svg
    assert 'class="page"' in svg


def test_better_is_up_for_errors_too(versus: Callable[..., Report]) -> None:
    report = versus((14.0, 12.0, 1.0, 2.0), task="masked_lm", main="perplexity")
    [group] = groups_of(report)
    root = ET.fromstring(tradeoff_panel(group, slots_of([group]), 400, 320))
    heights = {
        title.text.split(":")[0]: float(path.get("transform").split()[1].rstrip(")"))
        for item in root.iter(f"{SVG}g")
        if (title := item.find(f"{SVG}title")) is not None
        and (path := item.find(f"{SVG}path")) is not None
    }
    assert heights["old"] < heights["new"]


def test_a_model_without_a_score_is_no_point(awkward: Report) -> None:
    groups = groups_of(awkward)
    group = next(one for one in groups if one.task == "text_classification")
    root = ET.fromstring(tradeoff_panel(group, slots_of(groups), 400, 320))
    assert len(list(root.iter(f"{SVG}title"))) == 1 + 2


def test_no_scores_at_all(single: Report) -> None:
    [result] = single.results
    report = dataclasses.replace(single, results=(dataclasses.replace(result, scores={}),))
    assert "no scores to show" in texts(tradeoff_svg(report))


def test_a_heat_map_tells_counts_and_commonest_mistakes(pair: Report) -> None:
    result = pair.results[2]
    drawn = heatmap(result)
    assert drawn is not None
    counts = [f"{number:,}" for row in result.confusion for number in row]
    assert [text for text in texts(drawn) if text.replace(",", "").isdigit()] == counts
    worst, true, wrong = max(
        (number, result.labels[row], result.labels[column])
        for row, numbers in enumerate(result.confusion)
        for column, number in enumerate(numbers)
        if row != column
    )
    assert f"{true} taken for {wrong} {worst} times" in drawn


def test_no_heat_map_without_a_fitting_matrix(pair: Report) -> None:
    result = pair.results[2]
    assert heatmap(dataclasses.replace(result, confusion=None)) is None
    assert heatmap(dataclasses.replace(result, labels=("one",))) is None


def test_forty_classes_are_drawn_without_names(pair: Report) -> None:
    size = 40
    labels = tuple(f"class {at}" for at in range(size))
    counts = tuple(
        tuple(9 if row == column else 1 for column in range(size)) for row in range(size)
    )
    drawn = heatmap(dataclasses.replace(pair.results[2], labels=labels, confusion=counts))
    assert texts(drawn) == ["true ↓  predicted →"]
    assert "class 3 taken for class 4: 1 of 48" in drawn


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.83, 0.91), (0, 123456), (1e-6, 3e-6)])
def test_ticks_lie_within_and_differ(low: float, high: float) -> None:
    ticks = Scale(low, high, 0, 100).ticks(5)
    assert 3 <= len(ticks) <= 8
    assert ticks == sorted(set(ticks))
    assert all(-1e-6 <= Scale(low, high, 0, 100)(tick) <= 100 + 1e-6 for tick in ticks)


def test_logarithmic_scales_space_ratios_evenly() -> None:
    scale = Scale(1, 100, 0, 200, logarithmic=True)
    assert scale(10) == pytest.approx(100)
    assert 3 <= len(scale.ticks(5)) <= 7
