"""Entities by a linear-chain conditional random field (Lafferty et al. 2001) over words, affixes
and shapes, as such systems were built before neural ones.
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.classical.base import Classical
from squeezebert.data.examples import TokenExample
from squeezebert.errors import DataError, MissingDependencyError
from squeezebert.spec import TaskSpec
from squeezebert.tasks.base import Features
from squeezebert.tasks.token_classification import TokenClassification, WordScores
from squeezebert.tokenizer import Tokenizer

REACH = 2
"""Words to the left and right whose features count."""

AFFIXES = (1, 2, 3, 4)
"""Lengths of the prefixes and suffixes."""

SETTINGS = {
    "c1": 0.05,
    "c2": 0.05,
    "max_iterations": 80,
    "feature.possible_transitions": True,
}
"""Of python-crfsuite's L-BFGS: weights of the L1 and L2 penalties, and when it stops."""

MARGIN = 1.0
"""By how much the tag that the whole sentence decides leads where another is likelier by itself."""


class WordShapes(Classical):
    """A tag for each word, all of a sentence decided together.

    Args:
        spec: The tags.
        tokenizer: Not read.
    """

    library = "python-crfsuite"

    def __init__(self, spec: TaskSpec, tokenizer: Tokenizer) -> None:
        bare = dataclasses.replace(spec, temperature=1.0, transitions=())
        super().__init__(TokenClassification(bare, tokenizer))
        self.name = "CRF over word shapes"
        self._label_ids = {label: at for at, label in enumerate(spec.labels)}
        self._parameters = 0

    @property
    def parameters(self) -> int:
        """Weights that are not zero."""
        return self._parameters

    def fit(self, examples: Sequence[TokenExample]) -> None:
        """See :meth:`Classical.fit`."""
        try:
            import pycrfsuite as untyped
        except ImportError as error:
            raise MissingDependencyError.for_extra(
                "python-crfsuite", "classical", "the classical baseline"
            ) from error
        crfsuite: Any = untyped
        trainer = crfsuite.Trainer(verbose=False, params=SETTINGS)
        for at, example in enumerate(examples):
            if example.tags is None:
                raise DataError(f"{example.where or f'text {at}'} has no tags")
            if example.words:
                trainer.append(word_features(example.words), list(example.tags))
        with tempfile.TemporaryDirectory(prefix="squeezebert-") as folder:
            path = Path(folder) / "model.crfsuite"
            trainer.train(str(path))
            # The tagger reads it where it lies, and does not keep it alive.
            self._content = path.read_bytes()
        self._tagger: Any = crfsuite.Tagger()
        self._tagger.open_inmemory(self._content)
        info = self._tagger.info()
        self._parameters = len(info.state_features) + len(info.transitions)
        self._known = [label for label in self._tagger.labels() if label in self._label_ids]

    def features(self, examples: Sequence[TokenExample], *, with_labels: bool) -> list[Features]:
        """See :meth:`Classical.features`: one a text, whatever its length."""
        labels: Sequence[Any] = [None] * len(examples)
        if with_labels:
            assert isinstance(self.task, TokenClassification)
            labels = self.task.word_labels(examples)
        return [
            Features(
                input_ids=np.zeros(len(example.words), dtype=np.int32),
                token_type_ids=np.zeros(len(example.words), dtype=np.int32),
                offsets=np.array(example.offsets, dtype=np.int32).reshape(-1, 2),
                example=at,
                labels=label,
                words=np.arange(len(example.words), dtype=np.int32),
            )
            for at, (example, label) in enumerate(zip(examples, labels, strict=True))
        ]

    def reduced(
        self, examples: Sequence[TokenExample], features: Sequence[Features]
    ) -> list[WordScores]:
        """See :meth:`Classical.reduced`: the logarithms of the tags' probabilities, where the tags
        that go together best lead.
        """
        return [WordScores(logits=self._scores(examples[item.example])) for item in features]

    def _scores(self, example: TokenExample) -> NDArray[np.float32]:
        """(words, labels)"""
        size = len(example.words)
        scores = np.full((size, len(self._label_ids)), np.log(1e-9), dtype=np.float32)
        if not size:
            return scores
        self._tagger.set(word_features(example.words))
        best: list[str] = self._tagger.tag()
        for label in self._known:
            column = [self._tagger.marginal(label, at) for at in range(size)]
            scores[:, self._label_ids[label]] = np.log(np.maximum(column, 1e-9))
        rows = np.arange(size)
        chosen = np.array([self._label_ids[label] for label in best])
        highest = scores.max(axis=1)
        led = scores[rows, chosen] < highest
        scores[rows[led], chosen[led]] = highest[led] + MARGIN
        return scores


def word_features(words: Sequence[str]) -> list[list[str]]:
    """What the field knows of each word: itself, its shape and affixes, and the same of the words
    around it.

    >>> word_features(["Ada", "slept"])[0][:4]
    ['bias', '0:word=ada', '0:shape=Xx', '0:<1=A']
    """
    own = [_own_features(word) for word in words]
    near = [[feature for feature in one if feature.startswith(("word", "shape"))] for one in own]
    result: list[list[str]] = []
    for at in range(len(words)):
        row = ["bias", *(f"0:{feature}" for feature in own[at])]
        for step in (*range(-REACH, 0), *range(1, REACH + 1)):
            if 0 <= at + step < len(words):
                kept = own[at + step] if abs(step) == 1 else near[at + step]
                row += [f"{step}:{feature}" for feature in kept]
            else:
                row.append(f"{step}:edge")
        result.append(row)
    return result


def _own_features(word: str) -> list[str]:
    shape = re.sub(r"(.)\1+", r"\1", "".join(map(_kind, word)))
    features = [f"word={word.lower()}", f"shape={shape}"]
    for length in AFFIXES:
        if length <= len(word):
            features += [f"<{length}={word[:length]}", f">{length}={word[-length:]}"]
    return features


def _kind(letter: str) -> str:
    if letter.isdigit():
        return "d"
    if letter.isalpha():
        return "X" if letter.isupper() else "x"
    return letter
