"""What a classical model reaches on AG News, on the rows that ours are trained on.

``python -m experiments.classical`` prints it; docs/results.md holds it beside ours. TF-IDF of words
and word pairs, and a linear support vector machine. Its one setting is chosen on the dev part; then
it is trained on the train and dev parts together.
"""

from __future__ import annotations

import time

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from squeezebert.data import TextExample, open_dataset

DATA = "ag_news"
COSTS = (0.1, 0.3, 1.0)
"""Of an error in training, against the width of the margin."""


def main() -> None:
    """Prints the accuracy on the test part, and the time that the last training took."""
    train, dev, test = (
        open_dataset(DATA, task="text_classification", split=split).examples
        for split in ("train", "dev", "test")
    )
    cost = max(COSTS, key=lambda cost: score(fit(train, cost), dev))
    begun = time.process_time()
    model = fit([*train, *dev], cost)
    seconds = time.process_time() - begun
    print(
        f"{DATA}: accuracy {100 * score(model, test):.1f}, a cost of {cost}, "
        f"{len(train) + len(dev):,} rows, trained in {seconds:.0f} s of CPU time"
    )


def fit(rows: list[TextExample], cost: float) -> Pipeline:
    """A classifier of texts."""
    vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, stop_words="english")
    model = make_pipeline(vectors, LinearSVC(C=cost))
    return model.fit([row.text for row in rows], [row.label for row in rows])


def score(model: Pipeline, rows: list[TextExample]) -> float:
    """The share of rows that get their own label."""
    return float(model.score([row.text for row in rows], [row.label for row in rows]))


if __name__ == "__main__":
    main()
