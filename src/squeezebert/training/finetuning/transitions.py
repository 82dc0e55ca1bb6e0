"""Scores for which tag follows which, fitted to a model that is trained.

They are those of a linear-chain conditional random field over the model's logits: the conditional
likelihood of a dev set's tags is raised to its peak, which is the only one. The model itself stays
as it is, so this takes seconds, and any token classifier can have it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from squeezebert.data.examples import TokenExample
from squeezebert.pipeline import Answers
from squeezebert.spec import TaskSpec
from squeezebert.tasks import TokenClassification, fit_temperature
from squeezebert.tasks.decoding import Transitions, iob2_transitions

PRIOR = 0.5
"""How hard scores are held to zero: half the inverse variance of a normal prior around it."""

LEAST_SCALE = 0.05

Floats = NDArray[np.float64]


def fitted_spec(
    task: TokenClassification, examples: Sequence[TokenExample], answers: Answers
) -> TaskSpec:
    """The spec of ``task`` with transitions and temperature fitted.

    Args:
        task: The model's.
        examples: With tags, of a set that the model was not trained on.
        answers: What the model said about them.

    Raises:
        DataError: an example without tags, or with an unknown one.
    """
    scores = task.word_scores(examples, answers.features, answers.reduced)
    truth = task.word_labels(examples)
    transitions = fit_transitions(task.spec.labels, scores, truth)
    temperature = fit_temperature(np.concatenate(scores), np.concatenate(truth))
    return dataclasses.replace(
        task.spec, transitions=transitions, temperature=round(temperature, 4)
    )


def fit_transitions(
    labels: Sequence[str], scores: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.int64]]
) -> Transitions:
    """The transitions under which ``truth`` is likeliest; what is not IOB2 stays ruled out.

    Args:
        labels: IOB2 tags.
        scores: (words, labels) logits of each text, of a set that the model was not trained on.
        truth: (words,) the right label of each word.

    Returns:
        In the logits' units. Those of :func:`iob2_transitions` where there are no words.
    """
    barred = iob2_transitions(labels)
    texts = sorted(
        ((s, t) for s, t in zip(scores, truth, strict=True) if len(t)), key=lambda x: -len(x[1])
    )
    if not texts:
        return barred
    field = _Field(texts, np.array([[cell is not None for cell in row] for row in barred]))
    # The scale of the logits is fitted along, as a model may be too sure of itself to leave the
    # transitions any say.
    start = np.append(np.zeros(field.cells), 1.0)
    bounds = [(None, None)] * field.cells + [(LEAST_SCALE, None)]
    found = minimize(field, start, jac=True, method="L-BFGS-B", bounds=bounds)
    table = field.table(found.x[:-1] / found.x[-1])
    return tuple(
        tuple(round(score, 3) if score > -np.inf else None for score in row)
        for row in table.tolist()
    )


class _Field:
    """The negative logarithm of the tags' likelihood, with its gradient.

    Args:
        texts: Scores and right labels, longest first.
        allowed: (labels + 1, labels) which transitions there are.
    """

    def __init__(
        self,
        texts: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]],
        allowed: NDArray[np.bool_],
    ) -> None:
        self.allowed = allowed
        self.cells = int(allowed.sum())
        lengths = np.array([len(truth) for _, truth in texts])
        self.going_on = [int((lengths > word).sum()) for word in range(int(lengths[0]))]
        # (words, texts, labels), word by word, with no more texts than still go on.
        self.scores = [np.stack([s[word] for s, _ in texts[:n]]) for word, n in self._steps()]
        counts = np.zeros(allowed.shape)
        right = 0.0
        for scores, truth in texts:
            np.add.at(counts, (np.append(-1, truth[:-1]), truth), 1.0)
            right += float(scores[np.arange(len(truth)), truth].sum())
        self.counts, self.right = counts, right

    def _steps(self) -> list[tuple[int, int]]:
        return list(enumerate(self.going_on))

    def table(self, values: Floats) -> Floats:
        """(labels + 1, labels), minus infinity where nothing is allowed."""
        table = np.full(self.allowed.shape, -np.inf)
        table[self.allowed] = values
        return table

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """Loss and gradient by the forward-backward algorithm, scaled word by word."""
        values, scale = parameters[:-1], float(parameters[-1])
        weights = np.exp(self.table(values))
        after, first = weights[:-1], weights[-1]
        forward: list[Floats] = []
        emitted: list[Floats] = []
        norms: list[Floats] = []
        logarithm = 0.0
        for word, n in self._steps():
            scaled = scale * self.scores[word].astype(np.float64)
            most = scaled.max(axis=1, keepdims=True)
            seen = np.exp(scaled - most)
            ahead = (first if word == 0 else forward[-1][:n] @ after) * seen
            norm = ahead.sum(axis=1, keepdims=True)
            forward.append(ahead / norm)
            emitted.append(seen)
            norms.append(norm)
            logarithm += float(most.sum() + np.log(norm).sum())
        expected = np.zeros(weights.shape)
        sure = 0.0
        behind = np.ones((0, weights.shape[1]))
        for word, n in reversed(self._steps()):
            behind = np.concatenate([behind, np.ones((n - len(behind), weights.shape[1]))])
            sure += float((forward[word] * behind * self.scores[word]).sum())
            if word == 0:
                expected[-1] = (forward[0] * behind).sum(axis=0)
                break
            later = emitted[word] * behind / norms[word]
            expected[:-1] += (forward[word - 1][:n].T @ later) * after
            behind = later @ after.T
        a = self.allowed
        chosen = float((self.counts[a] * values).sum()) + scale * self.right
        loss = logarithm - chosen + PRIOR * float((values**2).sum())
        slope = (expected - self.counts)[a] + 2 * PRIOR * values
        words = sum(self.going_on)
        return loss / words, np.append(slope, sure - self.right) / words
