"""The results: CSV for machines, Markdown for people, ratios for both.

A time is written ``minimum/median`` in milliseconds, as in all of the project's documents.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.peers.rounds import Cell, Runner, summary
from experiments.peers.runtimes import FLOORS

COLUMNS = (
    "model",
    "runtime",
    "precision",
    "isa",
    "threads",
    "batch",
    "length",
    "min_ms",
    "median_ms",
    "rounds",
    "cosine",
)
TEXT_COLUMNS = (
    "model",
    "runtime",
    "precision",
    "isa",
    "threads",
    "data",
    "texts",
    "tokens",
    "budget",
    "best_texts_per_second",
    "median_texts_per_second",
    "rounds",
    "cosine",
)
MEMORY_COLUMNS = ("model", "runtime", "precision", "threads", "peak_mb")

HELD_MARKS = {"yes": "", "partly": " ‡", "no": " †"}
"""Of a peer that was to be held to an instruction set."""

Row = dict[str, str | int | float]


def is_right(runner: Runner) -> bool:
    """Whether the output is close enough to float32's for its precision."""
    return runner.cosine >= FLOORS[runner.peer.precision]


def cell_rows(runners: Sequence[Runner], rounds: Mapping[Cell, int], threads: int) -> list[Row]:
    """One row a peer and cell."""
    rows: list[Row] = []
    for runner in runners:
        for cell, times in runner.times_ms.items():
            least, median = summary(times)
            values = (cell.batch, cell.length, round(least, 3), round(median, 3), rounds[cell])
            rows.append(_row(COLUMNS, runner, threads, values))
    return rows


def text_rows(
    runners: Sequence[Runner], sizes: Mapping[str, tuple[int, int]], threads: int
) -> list[Row]:
    """One row a peer and set; ``sizes`` gives the texts and tokens of each set."""
    rows: list[Row] = []
    for runner in runners:
        for name, seconds in runner.seconds.items():
            texts, tokens = sizes[name]
            least, median = summary(seconds)
            speeds = (round(texts / least, 2), round(texts / median, 2))
            values = (name, texts, tokens, runner.budgets[name], *speeds, len(seconds))
            rows.append(_row(TEXT_COLUMNS, runner, threads, values))
    return rows


def _row(
    columns: Sequence[str], runner: Runner, threads: int, values: Sequence[str | int | float]
) -> Row:
    peer = runner.peer
    head = (runner.model, peer.runtime, peer.precision, runner.isa, threads)
    return dict(zip(columns, (*head, *values, round(runner.cosine, 6)), strict=True))


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Writes the rows; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def file_name(cpu: str, threads: int, isa: str | None) -> str:
    """What a run's files are called: device, threads, instruction set.

    >>> file_name("AMD EPYC 9B14 @ 2.60GHz", 2, None)
    'peers-amd-epyc-9b14-2.60ghz-2t-native'
    """
    device = re.sub(r"[^a-z0-9.]+", "-", cpu.lower().replace("(r)", "")).strip("-")
    return f"peers-{device}-{threads}t-{isa or 'native'}"


def cells_markdown(runners: Sequence[Runner], cells: Sequence[Cell]) -> str:
    """One table a model: peers by cells; the last row is ours against the fastest peer."""
    parts: list[str] = []
    for model, own in by_model(runners).items():
        header = ["run-time", "precision", "cosine", *map(str, cells)]
        lines = [_line(header), _line(["---", "---", *["---:"] * (len(header) - 2)])]
        for runner in own:
            times = [
                "/".join(_ms(value) for value in summary(runner.times_ms[cell]))
                if cell in runner.times_ms
                else "–"
                for cell in cells
            ]
            lines.append(_line([*_names(runner), *times]))
        ratios = [fastest_ratio(own, cell) for cell in cells]
        if any(ratios):
            shown = [f"**{ratio:.1f}×**" if ratio else "–" for ratio in ratios]
            lines.append(_line(["**ours against the fastest peer**", "", "", *shown]))
        parts.append("\n".join([f"**{model}**, ms, minimum/median", "", *lines]))
    return "\n\n".join(parts)


def texts_markdown(runners: Sequence[Runner], sizes: Mapping[str, tuple[int, int]]) -> str:
    """The same for texts per second, best and median."""
    parts: list[str] = []
    for model, own in by_model(runners).items():
        header = ["run-time", "precision", "cosine", *sizes]
        lines = [_line(header), _line(["---", "---", *["---:"] * (len(header) - 2)])]
        for runner in own:
            speeds = [
                "/".join(f"{texts / value:.0f}" for value in summary(runner.seconds[name]))
                if name in runner.seconds
                else "–"
                for name, (texts, _) in sizes.items()
            ]
            lines.append(_line([*_names(runner), *speeds]))
        ratios = [text_ratio(own, name) for name in sizes]
        if any(ratios):
            shown = [f"**{ratio:.1f}×**" if ratio else "–" for ratio in ratios]
            lines.append(_line(["**ours against the fastest peer**", "", "", *shown]))
        parts.append("\n".join([f"**{model}**, texts per second, best/median", "", *lines]))
    return "\n\n".join(parts)


def memory_markdown(rows: Sequence[Row]) -> str:
    """Peak memory by peer."""
    lines = [_line(["model", "run-time", "precision", "peak MB"]), _line(["---"] * 3 + ["---:"])]
    lines += [
        _line([row["model"], row["runtime"], row["precision"], f"{row['peak_mb']:.0f}"])
        for row in rows
    ]
    return "\n".join(lines)


def by_model(runners: Sequence[Runner]) -> dict[str, list[Runner]]:
    """The runners that were not dropped before they had a time, model by model."""
    result: dict[str, list[Runner]] = {}
    for runner in runners:
        if runner.times_ms or runner.seconds:
            result.setdefault(runner.model, []).append(runner)
    return result


def fastest_ratio(runners: Sequence[Runner], cell: Cell) -> float | None:
    """How many times as fast our engine's fastest is as the fastest peer, by minima; None where
    one of them is not there. A peer counts if its output is right and it could be held to the
    instruction set, at least in part. Our model in PyTorch is on neither side.
    """
    return _ratio({r: min(r.times_ms[cell]) for r in runners if cell in r.times_ms})


def text_ratio(runners: Sequence[Runner], name: str) -> float | None:
    """The same for a set of texts."""
    return _ratio({r: min(r.seconds[name]) for r in runners if name in r.seconds})


def _ratio(least: Mapping[Runner, float]) -> float | None:
    fair = {r: value for r, value in least.items() if is_right(r) and r.held != "no"}
    ours = [value for runner, value in fair.items() if runner.peer.ours]
    theirs = [value for runner, value in fair.items() if runner.peer.other]
    return min(theirs) / min(ours) if ours and theirs else None


def cross_ratios(runners: Sequence[Runner], cell: Cell) -> dict[str, float]:
    """The ratios between models: ours against transformers' BERT in float32, and SqueezeBERT
    against BERT inside our engine, by precision.
    """
    least = {
        (runner.model, runner.peer.name): min(runner.times_ms[cell])
        for runner in runners
        if cell in runner.times_ms
    }
    result: dict[str, float] = {}
    baseline = least.get(("bert-base", "transformers/float32"))
    for precision in FLOORS:
        small = least.get(("squeezebert-base", f"squeezebert/{precision}"))
        large = least.get(("bert-base", f"squeezebert/{precision}"))
        if small and baseline and precision == "int8":
            result["squeezebert-base int8 against transformers bert-base float32"] = (
                baseline / small
            )
        if small and large:
            result[f"squeezebert-base against bert-base, ours, {precision}"] = large / small
    return result


def ratios_markdown(runners: Sequence[Runner], cells: Sequence[Cell]) -> str:
    """Between models, by cell."""
    found = {cell: cross_ratios(runners, cell) for cell in cells}
    names = list(dict.fromkeys(name for ratios in found.values() for name in ratios))
    if not names:
        return ""
    lines = [_line(["ratio", *map(str, cells)]), _line(["---", *["---:"] * len(cells)])]
    for name in names:
        shown = [f"{found[cell][name]:.1f}×" if name in found[cell] else "–" for cell in cells]
        lines.append(_line([name, *shown]))
    return "\n".join(lines)


def _names(runner: Runner) -> list[str]:
    name = runner.peer.runtime + HELD_MARKS[runner.held]
    cosine = f"{runner.cosine:.5f}" + ("" if is_right(runner) else " **wrong**")
    return [name, runner.peer.precision, cosine]


def _ms(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
