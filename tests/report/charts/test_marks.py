from __future__ import annotations

import dataclasses
import re
from importlib.resources import files

import pytest

from squeezebert.comparison.schema import Report
from squeezebert.report.charts.marks import legend, mark, slots_of
from squeezebert.report.grouping import groups_of


def test_the_baseline_is_number_0_and_nobody_shares(many: Report) -> None:
    slots = slots_of(groups_of(many))
    assert slots["BERT-mini"] == 0
    assert sorted(slots.values()) == list(range(6))


def one_model_a_task(pair: Report) -> Report:
    results = tuple(
        dataclasses.replace(
            result,
            label=f"{result.label}-{result.task}",
            baseline=f"{result.baseline}-{result.task}",
        )
        for result in pair.results
    )
    return dataclasses.replace(pair, results=results)


def test_models_that_never_meet_look_alike(pair: Report) -> None:
    """One model a task is the usual case: six names, but always a small one and its baseline."""
    slots = slots_of(groups_of(one_model_a_task(pair)))
    assert len(slots) == 6
    assert set(slots.values()) == {0, 1}


def test_a_family_is_named_once(pair: Report) -> None:
    groups = groups_of(one_model_a_task(pair))
    entries = legend(groups, slots_of(groups))
    assert [(name, baseline) for _, name, baseline in entries] == [
        ("BERT-mini", True),
        ("SqueezeBERT-mini", False),
    ]


def test_every_number_has_a_shape_of_its_own() -> None:
    shapes = {
        re.search('d="([^"]+)"', mark(0, 0, slot, hollow=False)).group(1) for slot in range(8)
    }
    assert len(shapes) == 8


def _schemes() -> dict[str, dict[str, str]]:
    css = files("squeezebert.report").joinpath("chart.css").read_text(encoding="utf-8")
    light, dark = css.split("@media screen and (prefers-color-scheme: dark)")
    found = {
        name: dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6});", part))
        for name, part in (("light", light), ("dark", dark))
    }
    assert found["light"].keys() == found["dark"].keys()
    return found


def _contrast(one: str, other: str) -> float:
    def luminance(color: str) -> float:
        parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("paper", ["paper", "panel"])
def test_texts_can_be_read(scheme: str, paper: str) -> None:
    colors = _schemes()[scheme]
    for text in ("ink", "muted", "good", "bad", "accent"):
        assert _contrast(colors[text], colors[paper]) >= 4.5, text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_can_be_seen(scheme: str) -> None:
    colors = _schemes()[scheme]
    for slot in range(8):
        assert _contrast(colors[f"m{slot}"], colors["paper"]) >= 3, slot


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_counts_in_heat_maps_can_be_read(scheme: str) -> None:
    """As ``page.css`` and ``heatmap.py`` set them: letters change where the cell gets too deep."""
    colors = _schemes()[scheme]
    paper, heat = (
        [int(colors[name][at : at + 2], 16) for at in (1, 3, 5)] for name in ("paper", "heat")
    )
    for step in range(4, 101):
        depth = step / 100
        mixed = [round(a + (b - a) * depth) for a, b in zip(paper, heat, strict=True)]
        cell = "#" + "".join(f"{part:02x}" for part in mixed)
        letters = (
            ("#ffffff" if depth > 0.78 else "#000000")
            if scheme == "light"
            else ("#000000" if depth > 0.64 else "#ffffff")
        )
        assert _contrast(letters, cell) >= 4.4, depth
