"""Measures a model and puts its roofline into docs/performance.md, between the markers.

    python -m experiments.roofline [--model squeezebert-base] [--seconds 60] [--place roofline]

The picture goes to docs/images/PLACE.svg. On a shared machine wait for a quiet minute: the
engine's threads wait for one another.
"""

from __future__ import annotations

import argparse

from experiments.page import ROOT, replace_part
from squeezebert.benchmark.run import benchmark
from squeezebert.benchmark.schema import Benchmark
from squeezebert.report import benchmark_tables as tables
from squeezebert.report.charts.roofline import roofline_svg
from squeezebert.report.tables import Table

DOCS = ROOT / "docs"

SECTION = """\
![{model} under the roofs of the machine](images/{place}.svg)

`squeezebert benchmark {model} --seconds {seconds:.0f}` on {cpu}, threads: {threads}, {date}.
Flat lines are the cores' measured arithmetic, slanted ones what caches and memory feed;
[benchmark.md](benchmark.md) says how to read it. In {precision} the engine reaches {best_share}
of the peak at {best} tokens, and {large_share} at {large}. Below: fastest / median call, shares
by the fastest.

{settings}

Stages at {shape} tokens:

{stages}
"""


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="squeezebert-base")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--place", default="roofline", help="the markers' and the picture's name")
    arguments = parser.parse_args()
    found = benchmark(arguments.model, seconds=arguments.seconds)
    place = arguments.place
    (DOCS / "images" / f"{place}.svg").write_text(roofline_svg(found) + "\n", encoding="utf-8")
    page = DOCS / "performance.md"
    replace_part(page, place, section(found, arguments.seconds, place).rstrip())
    print(f"wrote {page} and {place}.svg; left out: {len(found.left_out)}")


def section(found: Benchmark, seconds: float, place: str) -> str:
    """What stands between the markers."""
    first = tables.main_settings(found)[0]
    own = [timing for timing in found.timings if timing.setting == first]
    best = max(own, key=lambda timing: timing.giga_operations_per_second)
    large = max(own, key=lambda timing: (timing.batch, timing.length))
    shape, stages = tables.stage_tables(found)[-1]
    return SECTION.format(
        model=found.model,
        place=place,
        seconds=seconds,
        cpu=found.machine.cpu,
        threads=first.threads,
        date=found.date[:10],
        precision=first.precision,
        best_share=tables.share_of_peak(found, best),
        best=f"{best.batch} × {best.length}",
        large_share=tables.share_of_peak(found, large),
        large=f"{large.batch} × {large.length}",
        settings=markdown(tables.settings_table(found)),
        shape=shape,
        stages=markdown(stages),
    )


def markdown(table: Table) -> str:
    """A table for GitHub."""
    rules = ["---" if at < table.heads else "---:" for at in range(len(table.columns))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (table.columns, rules, *table.rows))


if __name__ == "__main__":
    main()
