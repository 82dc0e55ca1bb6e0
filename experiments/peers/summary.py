"""The short form of a comparison: the best graph of each run-time beside ours.

``python -m experiments.peers.summary docs/results/peers-….csv --write docs/performance.md`` puts
it between the marks ``speed:begin`` and ``speed:end``, before the long form.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

from experiments.page import replace_part
from experiments.peers.runtimes import FLOORS

CELLS = (("1", "128"), ("8", "128"))
MODELS = ("squeezebert-base", "bert-base")
OURS = "squeezebert"
Row = dict[str, str]


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the table, and writes it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("csv", type=Path, help="of peers.py")
    parser.add_argument("--write", type=Path, metavar="FILE", help="a Markdown file with the marks")
    parser.add_argument("--place", default="speed", metavar="NAME", help="which marks")
    options = parser.parse_args(argv)
    with options.csv.open(encoding="utf-8", newline="") as file:
        rows = [
            row for row in csv.DictReader(file) if float(row["cosine"]) >= FLOORS[row["precision"]]
        ]
    text = markdown(rows)
    print(text)
    if options.write is not None:
        replace_part(options.write, options.place, text)


def markdown(rows: Sequence[Row]) -> str:
    """The table: run-times by model and batch, the fastest graph and precision of each."""
    header = ["milliseconds, texts of 128 tokens"]
    header += [f"{model}, {_texts(batch)}" for model in MODELS for batch, _ in CELLS]
    lines = [_line(header), _line(["---", *["---:"] * (len(header) - 1)])]
    families = dict.fromkeys(row["runtime"].split(" as ")[0].split(" static")[0] for row in rows)
    for family in families:
        if family in (OURS, f"{OURS} torch"):
            continue
        own = [row for row in rows if row["runtime"].startswith(family)]
        lines.append(_line([f"{family}, best of its graphs", *_cells(own, named=True)]))
    for precision in FLOORS:
        own = [row for row in rows if row["runtime"] == OURS and row["precision"] == precision]
        lines.append(_line([f"**ours, {precision}**", *_cells(own, named=False)]))
    others = [row for row in rows if not row["runtime"].startswith(OURS)]
    ours = [row for row in rows if row["runtime"] == OURS]
    ratios = [
        f"**{_best(others, *at)[0] / _best(ours, *at)[0]:.1f}×**"
        for at in ((model, *cell) for model in MODELS for cell in CELLS)
    ]
    lines.append(_line(["ours against the fastest", *ratios]))
    return "\n".join(lines)


def _cells(rows: Sequence[Row], *, named: bool) -> list[str]:
    shown: list[str] = []
    for model in MODELS:
        for batch, length in CELLS:
            time, precision = _best(rows, model, batch, length)
            digits = f"{time:.0f}" if time >= 100 else f"{time:.1f}"
            shown.append(f"{digits} ({precision})" if named else digits)
    return shown


def _best(rows: Sequence[Row], model: str, batch: str, length: str) -> tuple[float, str]:
    return min(
        (float(row["min_ms"]), row["precision"])
        for row in rows
        if (row["model"], row["batch"], row["length"]) == (model, batch, length)
    )


def _texts(batch: str) -> str:
    return "1 text" if batch == "1" else f"{batch} texts"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
