"""How well vectors tell which sentences are alike: Spearman correlation on STS-B, in English.

    python -m experiments.similarity squeezebert-small-sentences squeezebert-small-mlm MINILM

Each model's vector of a sentence is the mean of its last states, taken by the engine in the
precision that the model takes by itself. Beside them stands what costs nothing to train: TF-IDF of
letter groups, fitted to the sentences that are compared.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from squeezebert.data import open_dataset
from squeezebert.embedding import TextEncoder
from squeezebert.report.markdown import table_text
from squeezebert.report.tables import Table
from squeezebert.tasks.metrics import spearman

SPLITS = ("dev", "test")
LETTERS = (2, 4)
"""Lengths of letter groups, within words."""

Cosines = Callable[[Sequence[str], Sequence[str]], NDArray[np.float64]]
"""From texts and as many others to the cosine of each pair's vectors."""


def main() -> None:
    """Prints a table: one row a model."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL")
    models: list[str] = parser.parse_args().models
    rows = [("TF-IDF of letters", *_told(letter_cosines))]
    rows += [(name, *_told(model_cosines(name))) for name in models]
    print(table_text(Table(("vectors", *SPLITS), tuple(rows), heads=1)))


def _told(cosines: Cosines) -> tuple[str, ...]:
    return tuple(f"{100 * correlation(cosines, split):.1f}" for split in SPLITS)


def correlation(cosines: Cosines, split: str) -> float:
    """Spearman's rank correlation, on a part of STS-B, with what people said of each pair."""
    examples = open_dataset("stsb", task="text_classification", split=split).examples
    found = cosines([one.text for one in examples], [one.pair or "" for one in examples])
    return spearman(found, np.array([float(one.label) for one in examples]))


def model_cosines(name: str | Path) -> Cosines:
    """By a model's vectors."""
    encoder = TextEncoder.load(name, threads=1)
    return lambda texts, others: (encoder(texts) * encoder(others)).sum(axis=1)


def letter_cosines(texts: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
    """By TF-IDF of letter groups within words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=LETTERS, sublinear_tf=True)
    vectors = vectorizer.fit_transform([*texts, *others])
    half = len(texts)
    return np.asarray(vectors[:half].multiply(vectors[half:]).sum(axis=1)).ravel()


if __name__ == "__main__":
    main()
