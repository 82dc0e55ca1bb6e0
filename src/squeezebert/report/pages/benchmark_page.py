"""A benchmark as files: one self-contained page, the numbers, and the roofline alone."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from squeezebert.benchmark.schema import Benchmark
from squeezebert.files import write_text
from squeezebert.report import benchmark_tables as tables
from squeezebert.report.charts.marks import swatch
from squeezebert.report.charts.roofline import STYLE, roofline_panels, roofline_svg
from squeezebert.report.charts.roofline_panel import slot_of
from squeezebert.report.pages.environment import styles, template
from squeezebert.report.words import count, significant

MOST_LEFT_OUT = 6
"""Of what there was no time for, the page names no more."""

NARROW = (372.0, 380.0)
WIDE = (560.0, 430.0)


@dataclass(frozen=True)
class BenchmarkFiles:
    """Where the files of a benchmark are."""

    json: Path
    html: Path
    picture: Path


def write_benchmark(found: Benchmark, directory: Path) -> BenchmarkFiles:
    """Writes benchmark.json, roofline.svg and benchmark.html into ``directory``, each whole or not
    at all.
    """
    written = BenchmarkFiles(
        json=directory / "benchmark.json",
        html=directory / "benchmark.html",
        picture=directory / "roofline.svg",
    )
    write_text(written.json, found.to_json())
    write_text(written.picture, roofline_svg(found) + "\n")
    write_text(written.html, render_benchmark(found))
    return written


def render_benchmark(found: Benchmark) -> str:
    """The page: no script, no font, no request. Everything in it is text, never markup."""
    return template("benchmark.html.j2").render(_page(found)) + "\n"


def _page(found: Benchmark) -> dict[str, Any]:
    narrow = roofline_panels(found, *NARROW, "narrow")
    wide = roofline_panels(found, *WIDE, "wide")
    settings = tables.main_settings(found)
    return {
        "styles": [*styles(), STYLE],
        "found": found,
        "headline": _headline(found),
        "lede": _lede(found),
        "legend": [
            (swatch(slot_of(one.precision), hollow=False), one.precision) for one in settings
        ],
        "panels": list(zip(narrow, wide, strict=True)),
        "latency": tables.latency_table(found),
        "throughput": tables.throughput_table(found),
        "batch_length": tables.batch_length(found),
        "stages": tables.stage_tables(found),
        "settings": tables.settings_table(found),
        "machine": tables.machine_table(found),
        "facts": _facts(found),
        "data": base64.b64encode(found.to_json().encode()).decode(),
    }


def _headline(found: Benchmark) -> str:
    """The model's latency at the usual length, in its first precision."""
    first = tables.main_settings(found)[0]
    length = tables.batch_length(found)
    for timing in found.timings:
        if (timing.setting, timing.batch, timing.length) == (first, 1, length):
            return (
                f"{found.model} takes {significant(timing.min_ms)} ms for {length} tokens "
                f"in {first.precision}"
            )
    return f"{found.model} in {first.precision}"


def _lede(found: Benchmark) -> str:
    first = tables.main_settings(found)[0]
    best = max(
        (timing for timing in found.timings if timing.setting == first),
        key=lambda timing: timing.giga_operations_per_second,
    )
    return (
        f"On {found.machine.cpu}, {first.isa}, threads: {first.threads}. At its best, with "
        f"{best.batch} × {best.length} tokens, it does "
        f"{significant(best.giga_operations_per_second)} billion operations a second, "
        f"{tables.share_of_peak(found, best)} of what the processor was measured to do in "
        f"registers alone. Times are the fastest and the median call of the encoder, without "
        "tokenizing."
    )


def _facts(found: Benchmark) -> list[tuple[str, str]]:
    shape = found.shape
    model = (
        f"{found.model}: {shape['model_type']}, {shape['num_hidden_layers']} blocks, hidden size "
        f"{shape['hidden_size']}, vocabulary {count(shape['vocab_size'])}"
    )
    facts = [
        ("Model", model),
        ("Machine", f"{found.machine.cpu}, {found.machine.cores} cores, {found.machine.system}"),
        ("Instruction sets", ", ".join(found.isas)),
        ("Versions", ", ".join(f"{name} {value}" for name, value in found.versions.items())),
        ("Date", found.date),
        ("Took", f"{found.seconds:.0f} s"),
    ]
    if found.left_out:
        shown, rest = found.left_out[:MOST_LEFT_OUT], len(found.left_out) - MOST_LEFT_OUT
        more = [f"and {rest} more"] if rest > 0 else []
        facts.append(("No time for", "; ".join([*shown, *more])))
    return facts
