from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest

from squeezebert.errors import DataError
from squeezebert.report.charts.curves import Curve, curves_svg, read_curve

SVG = "{http://www.w3.org/2000/svg}"


def falling(steps: int, floor: float, tokens: int = 1_000_000) -> Curve:
    """A loss that falls from 10 towards ``floor``, measured on held-out text at every tenth."""
    course = [
        (tokens * (n + 1) / steps, floor + (10 - floor) * math.exp(-12 * n / steps))
        for n in range(steps)
    ]
    return Curve(name=f"to {floor:g}", training=tuple(course), held_out=tuple(course[9::10]))


def write_run(directory: Path, *, evaluated: bool = True, with_tokens: bool = True) -> Path:
    directory.mkdir(parents=True)
    lines: list[dict[str, object]] = []
    for step in range(1, 41):
        if step % 2 == 0:
            spent = {"tokens": 100 * step, "seconds": 3.0 * step}
            lines.append({"step": step, "kind": "train", "loss": 9 - step / 10, **spent})
        if evaluated and step % 5 == 0:
            spent = {"tokens": 100 * step, "seconds": 3.0 * step} if with_tokens else {}
            lines.append({"step": step, "kind": "dev", "masked_loss": 9.5 - step / 10, **spent})
    (directory / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return directory


@pytest.mark.parametrize("with_tokens", [True, False])
def test_a_run_is_read(tmp_path: Path, with_tokens: bool) -> None:
    run = write_run(tmp_path / "mini", with_tokens=with_tokens)
    curve = read_curve(run)
    assert curve.name == "mini"
    assert curve.training[0] == (200, 8.8)
    assert curve.training[-1] == (4000, 5.0)
    assert curve.held_out[1] == pytest.approx((1000, 8.5))
    assert read_curve(run / "metrics.jsonl", "given").name == "given"
    assert read_curve(run, against="minutes").held_out[-1] == pytest.approx((120.0, 5.5))
    assert read_curve(write_run(tmp_path / "plain", evaluated=False)).held_out == ()


def test_training_losses_with_a_teachers_among_them_are_left_out(tmp_path: Path) -> None:
    path = write_run(tmp_path / "taught") / "metrics.jsonl"
    taught = path.read_text().replace('"masked_loss"', '"distillation_loss": 1, "masked_loss"')
    path.write_text(taught)
    curve = read_curve(path)
    assert curve.training == ()
    assert len(curve.held_out) == 8
    root = ET.fromstring(curves_svg([curve]))
    assert "held-out text" in {one.text for one in root.iter(f"{SVG}text")}
    lines = [one for one in root.iter(f"{SVG}path") if "series" in one.attrib["class"]]
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"there is no metrics\.jsonl"),
        ("", "no training loss yet"),
        ('{"step": 1, "kind": "dev", "masked_loss": 3}\n', "no training loss yet"),
        ('{"step": 1}\n{"step":', r"metrics\.jsonl:2 is no line of metrics"),
        ("[1]\n", r"metrics\.jsonl:1 is no line of metrics"),
        ('{"kind": "dev"}\n', r"metrics\.jsonl:1 is no line of metrics"),
    ],
)
def test_a_run_that_cannot_be_read(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "metrics.jsonl").write_text(content)
    with pytest.raises(DataError, match=message):
        read_curve(tmp_path)


def places(path: ET.Element) -> list[tuple[float, float]]:
    numbers = re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.attrib["d"])
    return [(float(x), float(y)) for x, y in numbers]


def test_the_picture(tmp_path: Path) -> None:
    curves = [falling(400, 2.0), falling(400, 3.0), falling(200, 3.02, tokens=500_000)]
    root = ET.fromstring(curves_svg(curves, title="Two & one"))
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert "Two & one" in texts
    assert "thousand tokens" in texts
    assert {"to 2 2.00", "to 3 3.00", "to 3.02 3.02"} <= set(texts)
    thin = [p for p in root.iter(f"{SVG}path") if "faint" in p.attrib["class"]]
    bold = [p for p in root.iter(f"{SVG}path") if p.attrib["class"].startswith("series m")]
    assert (len(thin), len(bold)) == (3, 3)
    for path in (*thin, *bold):
        xs, ys = zip(*places(path), strict=True)
        assert list(xs) == sorted(xs)
        assert 44 <= min(ys) <= max(ys) <= 380  # within the panel: the first fall is cut off
    # Half the tokens, half the way.
    ends = [places(path)[-1][0] for path in bold]
    assert ends[2] - 38 == pytest.approx((ends[0] - 38) / 2, abs=3)
    # Names stand in the order of the lines, with room between.
    names = sorted(
        float(one.attrib["y"])
        for one in root.iter(f"{SVG}text")
        if one.attrib.get("class") == "strong"
    )
    assert all(b - a >= 14.9 for a, b in pairwise(names))


def test_training_loss_alone_is_drawn_smoothed() -> None:
    zigzag = tuple((float(n), 3.0 + (n % 2)) for n in range(1, 1001))
    svg = curves_svg([Curve(name="a", training=zigzag, held_out=())], against="minutes")
    root = ET.fromstring(svg)
    assert "training loss, smoothed" in [one.text for one in root.iter(f"{SVG}text")]
    assert "minutes" in [one.text for one in root.iter(f"{SVG}text")]
    [path] = [p for p in root.iter(f"{SVG}path") if p.attrib["class"].startswith("series")]
    heights = [y for _, y in places(path)[50:]]
    assert max(heights) - min(heights) < 1.0


def test_a_run_of_one_line() -> None:
    svg = curves_svg([Curve(name="a", training=((10.0, 5.0),), held_out=())])
    assert ET.fromstring(svg) is not None
