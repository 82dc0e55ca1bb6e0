"""How fast `squeezebert predict --output` answers a large table, and in how much memory, beside a
`transformers` pipeline on the first rows of the same file: docs/own_data.md has the figures.

``python -m experiments.rows --rows 1000000 --slice 20000 --threads 1`` repeats the headlines of the
sample news until the table is long enough, makes a BERT-mini with random weights (the shape counts,
not the answers), and runs, each in a process of its own: ours over all rows, ours over the slice,
the pipeline over the slice, and ours over the slice again. Ends in a line of JSON a run: rows per
second of wall time and of CPU time, start of the process included, and the most memory it held.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from squeezebert.config import EncoderConfig, as_bert
from squeezebert.data import open_dataset
from squeezebert.loading import Source
from squeezebert.spec import TaskSpec
from squeezebert.tokenizer import Tokenizer

_BATCH = 64

_PIPELINE = """
import csv, sys
import torch
from transformers import pipeline
source, target, model, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
classify = pipeline("text-classification", model=model, tokenizer=model, device="cpu")
with open(source, newline="") as given, open(target, "w", newline="") as taken:
    reader, writer = csv.DictReader(given), csv.writer(taken)
    writer.writerow(["id", "headline", "label", "probability"])
    rows = list(reader)
    texts = [row["headline"] for row in rows]
    found = classify(texts, batch_size=BATCH, truncation=True, max_length=128)
    for row, said in zip(rows, found):
        writer.writerow([row["id"], row["headline"], said["label"], said["score"]])
""".replace("BATCH", str(_BATCH))


def main(argv: Sequence[str] | None = None) -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--slice", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = make_model(folder / "model")
        whole, part = folder / "whole.csv", folder / "part.csv"
        for path, rows in ((whole, asked.rows), (part, asked.slice)):
            write_rows(path, rows)
        runs = [("squeezebert", part), ("transformers", part), ("squeezebert", part)]
        if asked.rows > asked.slice:
            runs.insert(0, ("squeezebert", whole))
        for number, (who, file) in enumerate(runs):
            rows = asked.rows if file is whole else asked.slice
            output = folder / f"{number}.csv"
            measured = run(command(who, file, output, model, asked.threads), asked.threads)
            with output.open(newline="") as stream:
                answered = sum(1 for _ in csv.reader(stream)) - 1
            told = {"who": who, "rows": rows, "threads": asked.threads, **measured}
            print(json.dumps({**told, "complete": answered == rows}), flush=True)


def make_model(directory: Path) -> Path:
    """A BERT-mini with random weights, in a form that `transformers` reads too."""
    from squeezebert.model import HeadConfig, build_model, save_model

    tokenizer = Tokenizer.load(Source.find("bert-mini-news").directory)
    config = as_bert(
        EncoderConfig(
            vocab_size=tokenizer.vocab_size,
            embedding_size=256,
            hidden_size=256,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=1024,
        )
    )
    labels = ("business", "culture", "health", "politics", "sport", "technology")
    model = build_model(config, HeadConfig(kind="text_classification", labels=labels))
    spec = TaskSpec(task="text_classification", labels=labels, max_length=128)
    save_model(model, directory, spec=spec)
    tokenizer.save(directory)
    return directory


def write_rows(path: Path, rows: int) -> None:
    """A table of ``id`` and ``headline``: the first sentences of the sample news, over and over."""
    news = open_dataset("sample_news", task="text_classification", split="train").examples
    headlines = [example.text.partition(". ")[0] for example in news]

    def numbered() -> Iterator[tuple[int, str]]:
        for number in range(rows):
            yield number, f"{headlines[number % len(headlines)]} ({number % 1000})"

    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "headline"])
        writer.writerows(numbered())


def command(who: str, source: Path, target: Path, model: Path, threads: int) -> list[str]:
    """What runs the one or the other."""
    files = [str(source), str(target)]
    if who == "transformers":
        return [sys.executable, "-c", _PIPELINE, *files, str(model), str(threads)]
    words = ["predict", str(model), "--threads", str(threads), "--input", files[0]]
    return [sys.executable, "-m", "squeezebert", *words, "--output", files[1]]


def run(words: Sequence[str], threads: int) -> dict[str, float]:
    """Rows are counted by the caller: seconds and memory of a process."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    begun = time.perf_counter()
    child = subprocess.Popen(  # noqa: S603 - our own words
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{words[:4]} ended with {child.returncode}")
    return {
        "wall_seconds": round(time.perf_counter() - begun, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
    }


if __name__ == "__main__":
    main()
