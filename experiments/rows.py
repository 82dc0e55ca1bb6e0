"""How fast `squeezebert predict --output` answers a large table, and in how much memory, beside a
`transformers` pipeline and a spaCy pipeline over the same file: docs/own_data.md has the figures.

``python -m experiments.rows --rows 1000000 --cpu-seconds 60`` repeats the headlines of the sample
news until the table is long enough, makes a BERT-mini with random weights (the shape counts, not
the answers) and trains spaCy's default text categorizer on the sample news. Then each reads the
table in a process of its own, and is stopped after so many seconds of CPU time behind its first
answers: ours with the BERT-mini, `transformers` with the same files, spaCy, a shipped model, and
ours with the BERT-mini again. With ``--whole`` the shipped model goes on to the end.

``--articles`` joins five samples to a text that fills the 128 tokens which a model reads, for
shipped models alone, and tells how fast they are read: docs/scale.md has those.

Ends in a line of JSON a run: rows answered, rows per second of CPU time behind the first answers,
so without the start, and the most memory the process held. Wall times are told for what they are
worth on a machine that does other work. ``taskset -c 0`` before it keeps everything on one core.
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
from math import inf
from pathlib import Path

from squeezebert.config import EncoderConfig, as_bert
from squeezebert.data import open_dataset
from squeezebert.loading import Source
from squeezebert.predicting.inputs import Inputs
from squeezebert.scaleout.partitions import PARTITION_ROWS, cut
from squeezebert.spec import TaskSpec
from squeezebert.tokenizer import Tokenizer

_BATCH = 64

SHIPPED = ("squeezebert-mini-news", "squeezebert-small-news", "bert-mini-news")

_PEER = """
import csv, sys
source, target, model, threads = sys.argv[1:]

def answered(texts):
    CODE

with open(source, newline="") as given, open(target, "w", newline="") as taken:
    reader, writer = csv.DictReader(given), csv.writer(taken)
    writer.writerow(["id", "headline", "label", "probability"])
    rows = []

    def texts():
        for row in reader:
            rows.append(row)
            yield row["headline"]

    for number, (label, score) in enumerate(answered(texts())):
        row = rows.pop(0)
        writer.writerow([row["id"], row["headline"], label, score])
        if number % BATCH == 0:
            taken.flush()
""".replace("BATCH", str(_BATCH))

_TRANSFORMERS = """import torch
    from transformers import pipeline
    torch.set_num_threads(int(threads))
    classify = pipeline("text-classification", model=model, tokenizer=model, device="cpu")
    for said in classify(texts, batch_size=64, truncation=True, max_length=128):
        yield said["label"], said["score"]"""

_SPACY = """import spacy
    nlp = spacy.load(model)
    for doc in nlp.pipe(texts, batch_size=64):
        yield max(doc.cats.items(), key=lambda one: one[1])"""

_TRAIN_SPACY = """
import random, sys
import spacy
from spacy.training import Example
from squeezebert.data import open_dataset
news = open_dataset("sample_news", task="text_classification", split="train")
nlp = spacy.blank("en")
nlp.add_pipe("textcat")
cats = [{name: float(name == e.label) for name in news.labels} for e in news.examples]
made = [Example.from_dict(nlp.make_doc(e.text), {"cats": c}) for e, c in zip(news.examples, cats)]
nlp.initialize(lambda: made)
random.seed(0)
for at in range(0, len(made), 64):
    nlp.update(made[at:at + 64])
nlp.to_disk(sys.argv[1])
"""


def main(argv: Sequence[str] | None = None) -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--cpu-seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--articles", action="store_true")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, model = folder / "in.csv", folder / "a BERT-mini"
        write_rows(table, asked.rows, whole=asked.articles)
        runs = [("squeezebert", name) for name in SHIPPED]
        if asked.articles:
            print(json.dumps({"who": "reading", "rows_per_cpu_second": reading(table)}), flush=True)
        else:
            make_model(model)
            words = [sys.executable, "-c", _TRAIN_SPACY, str(folder / "textcat")]
            subprocess.run(words, check=True)  # noqa: S603 - our own words
            runs = [
                ("squeezebert", str(model)),
                ("transformers", str(model)),
                ("spacy", str(folder / "textcat")),
                runs[0],
                ("squeezebert", str(model)),
            ]
        for number, (who, what) in enumerate(runs):
            output = folder / f"{number}.csv"
            found = run(
                command(who, table, output, what, asked.threads),
                output,
                threads=asked.threads,
                cpu_seconds=inf if asked.whole and what in SHIPPED else asked.cpu_seconds,
            )
            told = {"who": who, "model": Path(what).name, "of": asked.rows, **found}
            print(json.dumps(told), flush=True)


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


def write_rows(path: Path, rows: int, *, whole: bool) -> None:
    """A table of ``id`` and ``headline``: the first sentences of the sample news over and over, or
    five ``whole`` samples in a row.
    """
    news = open_dataset("sample_news", task="text_classification", split="train").examples
    headlines = [example.text.partition(". ")[0] for example in news]
    if whole:
        all_ = [example.text for example in news]
        headlines = [" ".join((all_ * 2)[at : at + 5]) for at in range(len(all_))]
    print(f"{sum(map(len, headlines)) / len(headlines):.0f} characters a text", file=sys.stderr)

    def numbered() -> Iterator[tuple[int, str]]:
        for number in range(rows):
            yield number, f"{headlines[number % len(headlines)]} ({number % 1000})"

    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "headline"])
        writer.writerows(numbered())


def reading(path: Path) -> float:
    """Rows per second of CPU time that are read and cut into partitions, without any model."""
    begun = time.process_time()
    parts = cut(Inputs(str(path), text="headline"), 0, whole=True, rows=PARTITION_ROWS)
    return round(sum(part.rows for part in parts) / (time.process_time() - begun))


def command(who: str, source: Path, target: Path, model: str, threads: int) -> list[str]:
    """What runs the one or the other."""
    if who != "squeezebert":
        code = _PEER.replace("CODE", _TRANSFORMERS if who == "transformers" else _SPACY)
        return [sys.executable, "-c", code, str(source), str(target), model, str(threads)]
    words = ["predict", model, "--threads", str(threads), "--input", str(source)]
    return [sys.executable, "-m", "squeezebert", *words, "--output", str(target)]


def run(
    words: Sequence[str], output: Path, *, threads: int, cpu_seconds: float
) -> dict[str, float | bool]:
    """Rows, seconds and memory of a process, which is stopped so long after its first answers."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    begun = time.perf_counter()
    child = subprocess.Popen(  # noqa: S603 - our own words
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    written = [output, output.with_name(f"{output.name}.partial") / "rows.csv"]
    first_cpu, first_rows, last_cpu, cpu, rows, peak = 0.0, 0, 0.0, 0.0, 0, 0
    while _runs(child.pid):
        time.sleep(0.1)
        # Before the rows: what is answered in between then counts against us all alike.
        cpu = _cpu(child.pid) or cpu
        peak = _peak(child.pid) or peak
        before, rows = rows, max(map(_rows, written))
        if rows != before:  # they come many at once
            last_cpu = cpu
        if not first_rows and rows:
            first_cpu, first_rows = cpu, rows
        if first_rows and cpu - first_cpu >= cpu_seconds:
            child.kill()
            break
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, -9):
        raise SystemExit(f"{words[:4]} ended with {child.returncode}")
    return {
        "rows": rows,
        "complete": child.returncode == 0,
        "rows_per_cpu_second": round((rows - first_rows) / max(last_cpu - first_cpu, 1e-9), 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "wall_seconds": round(time.perf_counter() - begun, 2),
        "peak_mb": round(peak / 1024, 1),
    }


def _runs(process: int) -> bool:
    """Whether it has not ended; the one that waits for it comes later."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _cpu(process: int) -> float:
    """Seconds of CPU time that a process and its threads have had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(process: int) -> int:
    """The most KiB that a process held. (What wait4 tells begins with what its parent held.)"""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0  # it has just ended


def _rows(path: Path) -> int:
    """Rows that a table has so far, beside its header."""
    try:
        with path.open("rb") as stream:
            return max(
                sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b"")) - 1, 0
            )
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    main()
