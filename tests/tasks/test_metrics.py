"""Every metric against scikit-learn or SciPy, and by hand where they leave a choice."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from squeezebert.tasks.metrics import (
    calibration_error,
    class_table,
    confusion_matrix,
    log_softmax,
    macro_f1,
    matthews,
    pearson,
    sigmoid,
    softmax,
    spearman,
)

CLASSES = 5
pairs = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=60
).map(np.array)
logits = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=8),
    elements=st.floats(-600, 600, width=32),
)


@given(pairs)
def test_confusion_and_scores_agree_with_scikit_learn(items: np.ndarray) -> None:
    true, predicted = items.T
    confusion = confusion_matrix(true, predicted, CLASSES)
    everything = list(range(CLASSES))
    assert (confusion == sk.confusion_matrix(true, predicted, labels=everything)).all()

    table = class_table(np.diagonal(confusion), confusion.sum(axis=0), confusion.sum(axis=1))
    expected = sk.precision_recall_fscore_support(
        true, predicted, labels=everything, zero_division=0
    )
    for ours, theirs in zip(table, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    # Without labels=, scikit-learn averages over the classes that occur, as we do.
    ours = macro_f1(confusion)
    assert ours == pytest.approx(sk.f1_score(true, predicted, average="macro", zero_division=0))
    if len(set(true)) > 1 or len(set(predicted)) > 1:
        theirs = sk.matthews_corrcoef(true, predicted)
        assert matthews(confusion) == pytest.approx(theirs, abs=1e-12)
    else:
        assert matthews(confusion) == 0.0


def test_matthews_of_a_large_confusion_does_not_overflow() -> None:
    big = 3_000_000_000
    confusion = np.array([[big, 0], [0, big]], dtype=np.int64)
    assert matthews(confusion) == pytest.approx(1.0)


def test_macro_f1_of_nothing_is_zero() -> None:
    assert macro_f1(np.zeros((3, 3), dtype=np.int64)) == 0.0


@given(logits)
def test_probabilities_agree_with_scipy(values: np.ndarray) -> None:
    np.testing.assert_allclose(
        log_softmax(values), scipy.special.log_softmax(values.astype(np.float64), axis=-1)
    )
    np.testing.assert_allclose(softmax(values).sum(axis=-1), 1.0)
    np.testing.assert_allclose(sigmoid(values), scipy.special.expit(values.astype(np.float64)))


@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=3, max_size=40).filter(
        lambda rows: all(len(set(column)) > 1 for column in zip(*rows, strict=True))
    )
)
def test_correlations_agree_with_scipy(rows: list[tuple[int, int]]) -> None:
    first, second = np.array(rows, dtype=np.float64).T
    assert pearson(first, second) == pytest.approx(scipy.stats.pearsonr(first, second)[0], abs=1e-9)
    assert spearman(first, second) == pytest.approx(
        scipy.stats.spearmanr(first, second)[0], abs=1e-9
    )


def test_correlation_with_a_constant_is_zero() -> None:
    constant, rising = np.ones(4), np.arange(4.0)
    assert pearson(constant, rising) == 0.0
    assert spearman(rising, constant) == 0.0
    assert pearson(rising[:1], rising[:1]) == 0.0


def test_correlation_of_huge_and_tiny_numbers() -> None:
    assert pearson(np.array([1e200, 2e200, 3e200]), np.array([1e-200, 2e-200, 4e-200])) == (
        pytest.approx(pearson(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])))
    )


def test_calibration_error_by_hand() -> None:
    # Two bins are met: (0.5, 1.0] with 0.8 and 0.9, one right of two; (0.0, 0.5] with 0.5, right.
    confidence = np.array([0.8, 0.9, 0.5])
    right = np.array([True, False, True])
    expected = 2 / 3 * abs(0.85 - 0.5) + 1 / 3 * abs(0.5 - 1.0)
    assert calibration_error(confidence, right, bins=2) == pytest.approx(expected)


def test_calibration_error_at_the_edges() -> None:
    assert calibration_error(np.array([1.0, 1.0]), np.array([True, True])) == 0.0
    assert calibration_error(np.array([0.0]), np.array([False])) == 0.0
    assert calibration_error(np.zeros(0), np.zeros(0, dtype=np.bool_)) == 0.0


def test_calibrated_answers_have_almost_no_calibration_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1.0, size=200_000)
    honest = rng.random(200_000) < confidence
    assert calibration_error(confidence, honest) < 0.01
    assert calibration_error(confidence, rng.random(200_000) < confidence - 0.2) > 0.15
