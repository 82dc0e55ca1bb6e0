"""Classes of texts by TF-IDF and a linear model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.classical.base import SEED, Classical
from squeezebert.data.examples import TextExample
from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.spec import TaskSpec
from squeezebert.tasks.base import Features
from squeezebert.tasks.text_classification import TextClassification
from squeezebert.tokenizer import Tokenizer

FOLDS = 3
"""In which scores become probabilities (Platt 1999): each part by a model of the others."""

WORD = r"\w+"
"""Words of one letter count too."""

PAIR = " \u241e "
"""Between the texts of a pair, where they are read as one."""

SIMILARITY_WEIGHT = 3.0
"""Of the two cosines of a pair: what is larger is shrunk less, and they stand beside thousands of
words.
"""


class BagOfWords(Classical):
    """TF-IDF of words and pairs of words, and of characters within words; a linear support-vector
    machine with probabilities by Platt scaling, one against the rest for several labels, or ridge
    regression for numbers. Of a pair of texts also what they share, what only one of them has, and
    how near they are (cosine).

    Args:
        spec: Labels and problem type.
        tokenizer: Not read.
    """

    library = "scikit-learn"

    def __init__(self, spec: TaskSpec, tokenizer: Tokenizer) -> None:
        super().__init__(TextClassification(dataclasses.replace(spec, temperature=1.0), tokenizer))
        regression = spec.problem_type == "regression"
        self.name = "TF-IDF + ridge" if regression else "TF-IDF + linear SVM"
        self._spec = spec
        self._classes: list[int] = []

    @property
    def parameters(self) -> int:
        """Weights of the linear model: features times outputs."""
        width = sum(len(part.vocabulary_) for _, part in self._union.transformer_list)
        width = 3 * width + 2 if self._of_pairs else width
        return width * max(1, len(self._spec.labels))

    def fit(self, examples: Sequence[TextExample]) -> None:
        """See :meth:`Classical.fit`."""
        try:
            from sklearn.feature_extraction.text import TfidfVectorizer
            from sklearn.pipeline import FeatureUnion
        except ImportError as error:
            raise MissingDependencyError.for_extra(
                "scikit-learn", "classical", "the classical baseline"
            ) from error
        labels = [item.labels for item in self.features(examples, with_labels=True)]
        true = np.stack([np.asarray(label) for label in labels])
        # Its stubs know float64 only; float32 takes half the memory.
        make: Any = TfidfVectorizer
        words = make(token_pattern=WORD, sublinear_tf=True, ngram_range=(1, 2), dtype=np.float32)
        letters = make(analyzer="char_wb", sublinear_tf=True, ngram_range=(2, 4), dtype=np.float32)
        self._union = FeatureUnion([("words", words), ("letters", letters)])
        self._of_pairs = any(example.pair is not None for example in examples)
        try:
            joined: Any = self._union.fit_transform([_joined(example) for example in examples])
        except ValueError as error:
            raise InvalidInputError(f"the texts hold no words to fit to: {error}") from error
        self._model: Any = self._fitted(self._with_pairs(joined, examples), true)

    def _with_pairs(self, joined: Any, examples: Sequence[TextExample]) -> Any:
        """A sparse row an example: both its texts as one, and how they compare where it was fitted
        to pairs.
        """
        if not self._of_pairs:
            return joined
        from scipy import sparse

        first: Any = self._union.transform([example.text for example in examples])
        second: Any = self._union.transform([example.pair or "" for example in examples])
        shared = first.multiply(second).tocsr()
        words = len(self._union.transformer_list[0][1].vocabulary_)
        # Each part's rows have a length of 1, so the sums of products are cosines.
        near = np.hstack([shared[:, :words].sum(axis=1), shared[:, words:].sum(axis=1)])
        parts = [joined, shared, abs(first - second), SIMILARITY_WEIGHT * near]
        return sparse.hstack(parts, format="csr", dtype=np.float32)

    def _fitted(self, matrix: Any, true: NDArray[Any]) -> Any:
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.svm import LinearSVC

        if self._spec.problem_type == "regression":
            return Ridge(alpha=1.0, random_state=SEED).fit(matrix, true)
        if self._spec.problem_type == "multi_label":
            one = LogisticRegression(C=10.0, solver="liblinear", random_state=SEED)
            return OneVsRestClassifier(one).fit(matrix, true > 0)
        counts = np.bincount(true, minlength=len(self._spec.labels))
        self._classes = np.flatnonzero(counts).tolist()
        if len(self._classes) < 2:
            raise InvalidInputError("all texts are of one class: there is nothing to fit")
        folds = min(FOLDS, int(counts[self._classes].min()))
        if folds < 2:  # a class of one text cannot be held out
            return LogisticRegression(C=10.0, max_iter=1000, random_state=SEED).fit(matrix, true)
        machine = LinearSVC(C=0.5, random_state=SEED)
        calibrated: Any = CalibratedClassifierCV
        return calibrated(machine, cv=folds, ensemble=False).fit(matrix, true)

    def features(self, examples: Sequence[TextExample], *, with_labels: bool) -> list[Features]:
        """See :meth:`Classical.features`."""
        unread = [dataclasses.replace(example, text="", pair=None) for example in examples]
        return self.task.encode(unread, with_labels=with_labels)

    def reduced(
        self, examples: Sequence[TextExample], features: Sequence[Features]
    ) -> list[NDArray[np.float32]]:
        """See :meth:`Classical.reduced`: logarithms of probabilities, or their logits."""
        del features
        if not examples:
            return []
        joined = self._union.transform([_joined(example) for example in examples])
        matrix = self._with_pairs(joined, examples)
        if self._spec.problem_type == "regression":
            values = np.asarray(self._model.predict(matrix), dtype=np.float32)
            return list(values.reshape(-1, 1))
        probabilities = np.clip(self._model.predict_proba(matrix), 1e-9, 1.0 - 1e-9)
        if self._spec.problem_type == "multi_label":
            return list(np.log(probabilities / (1.0 - probabilities)).astype(np.float32))
        logits = np.full((len(examples), len(self._spec.labels)), np.log(1e-9), dtype=np.float32)
        logits[:, self._classes] = np.log(probabilities)
        return list(logits)


def _joined(example: TextExample) -> str:
    return example.text if example.pair is None else example.text + PAIR + example.pair
