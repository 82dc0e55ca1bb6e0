"""What a classical model reaches on AG News, on the rows that ours are trained on.

``python -m experiments.classical`` prints a line a model; docs/results.md holds them beside ours.
TF-IDF of words and word pairs, and a linear model over it: nothing is tuned on the test part.
"""

from __future__ import annotations

import time

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from squeezebert.data import open_dataset

DATA = "ag_news"


def main() -> None:
    """Trains both on the train and dev parts, and scores them on the test part."""
    parts = {
        split: open_dataset(DATA, task="text_classification", split=split).examples
        for split in ("train", "dev", "test")
    }
    rows = [*parts["train"], *parts["dev"]]
    for classifier in (LinearSVC(), LogisticRegression(max_iter=1000)):
        vectors = TfidfVectorizer(ngram_range=(1, 2))
        model = make_pipeline(vectors, classifier)
        begun = time.process_time()
        model.fit([row.text for row in rows], [row.label for row in rows])
        seconds = time.process_time() - begun
        accuracy = model.score(
            [row.text for row in parts["test"]], [row.label for row in parts["test"]]
        )
        print(
            f"{DATA}: {type(classifier).__name__}, {len(rows):,} rows, {seconds:.0f} CPU s: "
            f"accuracy {100 * accuracy:.1f}"
        )


if __name__ == "__main__":
    main()
