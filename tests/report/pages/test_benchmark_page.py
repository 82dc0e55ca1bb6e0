"""A benchmark's tables, its roofline and its page."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from squeezebert.benchmark.schema import (
    Bandwidth,
    Benchmark,
    Peak,
    Setting,
    StageTiming,
    Timing,
)
from squeezebert.comparison.schema import Machine
from squeezebert.config import SQUEEZEBERT_BASE
from squeezebert.report.benchmark_tables import (
    batch_length,
    latency_table,
    machine_table,
    main_settings,
    settings_table,
    stage_tables,
    throughput_table,
)
from squeezebert.report.charts.roofline import roofline_panels, roofline_svg
from squeezebert.report.pages.benchmark_page import render_benchmark, write_benchmark

INT8 = Setting(isa="amx", precision="int8", threads=2)
BF16 = Setting(isa="amx", precision="bf16", threads=2)
ONE = Setting(isa="amx", precision="int8", threads=1)
OTHER = Setting(isa="avx2", precision="int8", threads=2)
PEAKS = {INT8: 10_000.0, BF16: 5_000.0, ONE: 5_000.0, OTHER: 1_000.0}


def timing(setting: Setting, batch: int, length: int, rate: float) -> Timing:
    """``rate`` is 10⁹ operations a second."""
    work = 0.05 * batch * length
    ms = 1e3 * work / rate
    bytes_moved = 25e6 * (2 if setting == BF16 else 1) + 6e3 * batch * length
    return Timing(
        setting=setting,
        batch=batch,
        length=length,
        calls=10,
        min_ms=ms,
        median_ms=1.25 * ms,
        giga_operations=work,
        intensity=1e9 * work / bytes_moved,
    )


def stage(setting: Setting, name: str, ms: float, work: float, intensity: float) -> StageTiming:
    return StageTiming(
        setting=setting,
        batch=8,
        length=128,
        stage=name,
        ms=ms,
        share=ms / 20,
        giga_operations=work,
        intensity=intensity,
    )


def made(name: str = "squeezebert-base") -> Benchmark:
    """Two precisions on all shapes, one thread and another instruction set on one."""
    rates = {8: 600.0, 32: 1500.0, 128: 2600.0, 512: 2000.0}
    timings = [
        timing(setting, 1, length, rate / divisor)
        for setting, divisor in ((INT8, 1.0), (BF16, 1.5))
        for length, rate in rates.items()
    ]
    timings += [timing(INT8, 8, 128, 3000.0), timing(BF16, 8, 128, 2100.0)]
    timings += [timing(ONE, 1, 128, 1500.0), timing(OTHER, 1, 128, 400.0)]
    stages = [
        stage(setting, name, ms * factor, work, intensity / factor)
        for setting, factor in ((INT8, 1.0), (BF16, 1.6))
        for name, ms, work, intensity in (
            ("query_key_value", 4.0, 9.0, 70.0),
            ("attention", 5.0, 4.8, 32.0),
            ("post_attention", 3.0, 14.5, 180.0),
            ("output", 5.0, 14.5, 76.0),
            ("layer_norm", 3.0, 0.0, 0.0),
        )
    ]
    return Benchmark(
        model=name,
        shape=SQUEEZEBERT_BASE.to_dict(),
        machine=Machine(cpu="A processor", cores=2, threads=2, system="Linux"),
        versions={"python": "3.11", "squeezebert": "0.1.0"},
        date="2026-11-23T10:00:00+00:00",
        command=f"squeezebert benchmark {name}",
        seconds=30.2,
        isas=("amx", "avx2"),
        timings=tuple(timings),
        stages=tuple(stages),
        peaks=tuple(
            Peak(
                isa=one.isa,
                precision=one.precision,
                threads=one.threads,
                giga_operations_per_second=peak,
            )
            for one, peak in PEAKS.items()
        ),
        bandwidths=tuple(
            Bandwidth(threads=2, level=level, bytes=1024, gigabytes_per_second=rate)
            for level, rate in ((1, 800.0), (2, 350.0), (3, 60.0), (0, 25.0))
        ),
        left_out=("32 × 128 in bf16 on amx, threads: 2",),
    )


SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def found() -> Benchmark:
    return made()


def test_latency_is_told_by_length_and_precision(found: Benchmark) -> None:
    table = latency_table(found)
    assert table.columns == ("tokens", "int8", "bf16")
    assert [row[0] for row in table.rows] == ["8", "32", "128", "512"]
    assert table.rows[2][1] == "2.46 / 3.08"  # 6.4 G operations at 2600 G a second


def test_throughput_is_told_by_batch(found: Benchmark) -> None:
    table = throughput_table(found)
    assert batch_length(found) == 128
    assert [row[0] for row in table.rows] == ["1", "8"]
    row = table.rows[1]
    assert row[1] == "48,000"  # 1024 tokens in 1.25 times 51.2 G / 3000 G a second
    assert row[3:5] == ("3,000", "30 %")
    assert row[7:] == ("2,100", "42 %")


def test_settings_stand_best_first_with_their_own_peaks(found: Benchmark) -> None:
    table = settings_table(found)
    assert [row[:3] for row in table.rows] == [
        ("amx", "2", "int8"),
        ("amx", "2", "bf16"),
        ("amx", "1", "int8"),
        ("avx2", "2", "int8"),
    ]
    assert [row[3] for row in table.rows] == ["10,000", "5,000", "5,000", "1,000"]
    assert table.rows[3][-1] == "40 %"


def test_stages_without_products_have_no_rate(found: Benchmark) -> None:
    [(shape, table)] = stage_tables(found)
    assert shape == "8 × 128"
    rows = {row[0]: row for row in table.rows}
    assert rows["query, key, value"][1:5] == ("4.00", "20 %", "2,250", "22 %")
    assert rows["layer norm"][3:5] == ("–", "–")


def test_what_was_not_measured_is_a_dash(found: Benchmark) -> None:
    few = dataclasses.replace(
        found,
        timings=tuple(one for one in found.timings if (one.setting, one.length) != (BF16, 512)),
        peaks=(),
    )
    assert latency_table(few).rows[3][2] == "–"
    assert throughput_table(few).rows[0][4] == "–"
    assert settings_table(few).rows[0][3] == "–"


def test_what_the_machine_reads_is_told_by_level(found: Benchmark) -> None:
    assert [row[0] for row in machine_table(found).rows] == ["L1", "L2", "L3", "memory"]
    assert main_settings(found) == [INT8, BF16]


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter(f"{SVG}text")]


def test_the_roofline_names_roofs_shapes_and_stages(found: Benchmark) -> None:
    said = texts(roofline_svg(found))
    for name in ("int8 peak 10,000", "bf16 peak 5,000", "L2 350 GB/s", "memory 25.0 GB/s"):
        assert said.count(name) == 2, name  # in both panels
    for name in ("8", "512", "8 × 128", "attention", "query, key, value"):
        assert name in said
    assert "layer norm" not in said  # it has no products


def places(panel: str) -> list[tuple[float, float, str]]:
    """``(x, y, tooltip)`` of the marks."""
    found: list[tuple[float, float, str]] = []
    for group in ET.fromstring(panel).iter(f"{SVG}g"):
        title, path = group.find(f"{SVG}title"), group.find(f"{SVG}path")
        if title is not None and path is not None:
            numbers = re.findall(r"[\d.]+", path.attrib["transform"])
            found.append((float(numbers[0]), float(numbers[1]), title.text or ""))
    return found


def test_no_mark_lies_above_its_roof_nor_outside_the_panel(found: Benchmark) -> None:
    for panel in roofline_panels(found, 560.0, 430.0, "wide"):
        tree = ET.fromstring(panel)
        roofs = {
            one.attrib["class"].split()[-1]: float(one.attrib["y1"])
            for one in tree.iter(f"{SVG}line")
            if one.attrib["class"].startswith("roof ")
        }
        assert set(roofs) == {"m1", "m2"}
        marks = places(panel)
        assert len(marks) == (10 if "tokens" in marks[0][2] else 8)
        for x, y, tooltip in marks:
            assert 40 < x < 560
            assert 40 < y < 390
            assert y > roofs["m1" if "in int8" in tooltip else "m2"], tooltip


def test_distances_are_logarithmic(found: Benchmark) -> None:
    panel = roofline_panels(found, 560.0, 430.0, "wide")[0]
    by_shape = {tip.split(" tokens in int8")[0]: (x, y) for x, y, tip in places(panel)}
    ys = [by_shape[shape][1] for shape in ("1 × 8", "1 × 32", "1 × 128")]
    expected = math.log(1500 / 600) / math.log(2600 / 1500)
    assert (ys[0] - ys[1]) / (ys[1] - ys[2]) == pytest.approx(expected, rel=0.01)


def test_a_roofline_of_one_point_without_roofs_is_drawn(found: Benchmark) -> None:
    bare = dataclasses.replace(found, timings=found.timings[:1], stages=(), peaks=(), bandwidths=())
    assert "nothing was measured" in texts(roofline_svg(bare))


def test_a_mixture_has_a_mark_of_its_own_and_the_roof_of_its_main_precision(
    found: Benchmark,
) -> None:
    mixed = Setting(isa="amx", precision="int8, value bf16", threads=2)
    more = [dataclasses.replace(one, setting=mixed) for one in found.timings if one.setting == INT8]
    svg = roofline_panels(
        dataclasses.replace(found, timings=(*more, *found.timings)), 560.0, 430.0, ""
    )[0]
    assert "mark m4" in svg
    assert "int8 peak 10,000" in svg


def test_the_page_is_one_file_that_asks_for_nothing(found: Benchmark, tmp_path: Path) -> None:
    written = write_benchmark(found, tmp_path / "out")
    page = written.html.read_text(encoding="utf-8")
    assert "squeezebert-base takes 2.46 ms for 128 tokens in int8" in page
    assert "30 %" in page
    assert "32 × 128 in bf16 on amx" in page  # what there was no time for
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", page)
    data = re.search(r"data:application/json;base64,([\w+/=]+)", page)
    assert data is not None
    assert json.loads(base64.b64decode(data[1])) == json.loads(written.json.read_text("utf-8"))
    ET.parse(written.picture)


def test_names_are_text_and_never_markup() -> None:
    hostile = made("<script>alert(1)</script>")
    assert "<script" not in render_benchmark(hostile)
    assert "<script" not in roofline_svg(hostile)
