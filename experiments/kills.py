"""Kills `squeezebert predict --output` at random moments, and looks whether a row is lost or there
twice: docs/own_data.md tells how often it was tried.

``python -m experiments.kills --kills 200 --seed 0`` makes a table and answers it in one go, which
also tells how long that takes. Then it begins the same job again and again in a process of its own
and sends that SIGKILL after a random time, up to a whole run's; whenever a job ends in spite of it,
its output must be that of the first, byte for byte (Parquet: row for row). Ends in a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from squeezebert.cli.main import run

_WORDS = (
    *("the", "a", "old", "new", "cat", "dog", "bank", "striker", "minister", "sat", "ran", "won"),
    *("lost", "on", "home", "in", "London"),
)


def main(argv: Sequence[str] | None = None) -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--model", default="squeezebert-mini-news")
    parser.add_argument("--format", choices=["csv", "jsonl", "parquet"], default="csv")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        found = kill_often(
            Path(folder),
            model=asked.model,
            ending=asked.format,
            rows=asked.rows,
            kills=asked.kills,
            seed=asked.seed,
        )
    print(json.dumps({"format": asked.format, "seed": asked.seed, **found}))


def kill_often(
    folder: Path, *, model: str, ending: str, rows: int, kills: int, seed: int
) -> dict[str, int]:
    """How many kills there were, how many jobs ended in spite of them, and how many of those were
    not what they should be.

    Args:
        folder: An empty one, for all files.
        model: As the command line takes it.
        ending: Of the output's name.
        rows: Of the table.
        kills: How many.
        seed: Of the table and the times.
    """
    draw = random.Random(seed)
    table = folder / "in.csv"
    table.write_text("id,text\n" + "".join(make_row(number, draw) for number in range(rows)))
    words = ["predict", model, "--threads", "1", "--bad-rows", "report", "--input", str(table)]
    whole, output = folder / f"whole.{ending}", folder / f"out.{ending}"
    begun = time.perf_counter()
    _finish(_begin([*words, "--output", str(whole)]))
    seconds = time.perf_counter() - begun
    done, ended, wrong = 0, 0, 0
    while done < kills:
        child = _begin([*words, "--output", str(output)])
        time.sleep(draw.uniform(0.0, seconds))
        done += _killed(child)
        if done == kills or output.exists():
            if not output.exists() or output.with_name(f"{output.name}.partial").exists():
                _finish(_begin([*words, "--output", str(output)]))
            bad = [folder / f"{name}.bad.jsonl" for name in ("out", "whole")]
            ended += 1
            wrong += not (_same(output, whole) and _same(*bad))
            output.unlink()
    return {"kills": done, "jobs": ended, "wrong": wrong}


def make_row(number: int, draw: random.Random) -> str:
    """A row of `id,text`; some have no text, some are none."""
    if number % 997 == 5:
        return f"{number}\n"
    text = " ".join(draw.choices(_WORDS, k=draw.randint(1, 8)))
    return f"{number},{'' if number % 101 == 7 else text}\n"


def _begin(words: Sequence[str]) -> int:
    """Starts the command line in a process of its own, which inherits what is imported."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os._exit(run(words))
    return child


def _finish(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise SystemExit(f"the command ended with status {status}")


def _killed(child: int) -> bool:
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if status != 0:
        raise SystemExit(f"the command ended with status {status}")
    return False


def _same(one: Path, other: Path) -> bool:
    if one.suffix != ".parquet":
        return one.read_bytes() == other.read_bytes()
    import pyarrow.parquet as parquet

    return parquet.read_table(one).equals(parquet.read_table(other))


if __name__ == "__main__":
    main()
