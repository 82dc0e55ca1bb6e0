"""Transitions fitted to a dev set."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import logsumexp

from squeezebert.tasks.decoding import TagDecoder, iob2_transitions
from squeezebert.training.finetuning.transitions import PRIOR, _Field, fit_transitions

LABELS = ("O", "B-PER", "I-PER")
ALLOWED = np.array([[cell is not None for cell in row] for row in iob2_transitions(LABELS)])


def texts(seed: int, count: int, longest: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Persons of just two words, in logits that hardly tell words apart."""
    draw = np.random.default_rng(seed)
    made = []
    for length in sorted(draw.integers(1, longest + 1, count), reverse=True):
        labels: list[int] = []
        while len(labels) < length:
            labels += [1, 2] if draw.random() < 0.3 else [0]
        truth = np.array(labels[:length])
        logits = draw.normal(size=(length, 3)) + 1.2 * np.eye(3)[truth]
        made.append((logits.astype(np.float32), truth))
    return made


def test_the_likelihood_is_that_of_all_sequences() -> None:
    made = texts(0, 6, 5)
    draw = np.random.default_rng(1)
    field = _Field(made, ALLOWED)
    values = draw.normal(size=field.cells)
    table, scale = field.table(values), 0.7
    loss = PRIOR * float((values**2).sum())
    for scores, truth in made:

        def score(labels: tuple[int, ...], scores: np.ndarray = scores) -> float:
            before = (3, *labels[:-1])
            words = np.arange(len(labels))
            return scale * scores[words, list(labels)].sum() + table[before, labels].sum()

        every = [score(labels) for labels in itertools.product(range(3), repeat=len(truth))]
        loss += logsumexp(every) - score(tuple(truth.tolist()))
    words = sum(len(truth) for _, truth in made)
    assert field(np.append(values, scale))[0] == pytest.approx(loss / words)


def test_the_gradient() -> None:
    field = _Field(texts(2, 9, 7), ALLOWED)
    point = np.append(np.random.default_rng(3).normal(size=field.cells), 0.8)
    error = check_grad(lambda x: field(x)[0], lambda x: field(x)[1], point)
    assert error < 1e-6


def test_it_learns_which_tags_follow_one_another() -> None:
    train, test = texts(4, 400, 20), texts(5, 400, 20)
    scores, truth = [list(side) for side in zip(*train, strict=True)]
    fitted = fit_transitions(LABELS, scores, truth)
    assert fitted[0][2] is None
    assert fitted[3][2] is None
    # After B-PER comes I-PER and nothing else, after I-PER never another one.
    assert fitted[1][2] > max(fitted[1][:2])  # type: ignore[operator, type-var]
    assert fitted[2][2] < min(fitted[2][:2])  # type: ignore[operator, type-var]

    def accuracy(transitions: tuple) -> float:
        found = TagDecoder(transitions, 3).decode([scores for scores, _ in test])
        pairs = [(f == t).mean() for f, (_, t) in zip(found, test, strict=True)]
        return float(np.mean(pairs))

    assert accuracy(fitted) > accuracy(iob2_transitions(LABELS)) + 0.05


def test_without_words_only_the_rules_are_left() -> None:
    empty = np.zeros((0, 3), dtype=np.float32)
    fitted = fit_transitions(LABELS, [empty], [np.zeros(0, dtype=np.int64)])
    assert fitted == iob2_transitions(LABELS)
