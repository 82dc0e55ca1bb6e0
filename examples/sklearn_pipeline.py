"""Vectors and a fine-tuned classifier in scikit-learn; wants squeezebert[sklearn,train]."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

import squeezebert
from squeezebert.sklearn import SqueezeBertClassifier, SqueezeBertVectorizer

ROWS = 400


def main() -> None:
    """Prints the accuracy of both, on texts that they have not seen."""
    examples = squeezebert.open_dataset(
        "sample_news", task="text_classification", split="train"
    ).examples[:ROWS]
    texts, labels = [one.text for one in examples], [one.label for one in examples]

    vectors = SqueezeBertVectorizer("squeezebert-small-sentences", threads=1)
    scores = cross_val_score(make_pipeline(vectors, LogisticRegression(C=10)), texts, labels, cv=2)
    print(f"vectors, logistic regression: {scores.mean():.2f}")

    most = ROWS * 3 // 4
    model = SqueezeBertClassifier("squeezebert-mini-mlm", epochs=6, threads=1)
    model.fit(texts[:most], labels[:most])
    print(f"fine-tuned: {model.score(texts[most:], labels[most:]):.2f}")


if __name__ == "__main__":
    main()
