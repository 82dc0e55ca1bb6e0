from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from squeezebert.tasks.mask_answers import MaskAnswers

# Few distinct values, so that ties are common.
logits = hnp.arrays(
    np.float32, st.tuples(st.integers(0, 5), st.integers(1, 12)), elements=st.integers(-3, 3)
)


@given(logits, st.integers(0, 11), st.integers(1, 12))
def test_agrees_with_sorting_everything(values: np.ndarray, true: int, top_k: int) -> None:
    vocab_size = values.shape[1]
    true, top_k = min(true, vocab_size - 1), min(top_k, vocab_size)
    true_ids = np.full(len(values), true)
    answers = MaskAnswers.of(values, top_k, true_ids=true_ids)
    order = np.argsort(-values, axis=1, kind="stable")
    expected = scipy.special.log_softmax(values.astype(np.float64), axis=1)
    assert (answers.top_ids == order[:, :top_k]).all()
    np.testing.assert_allclose(
        answers.top_log_probabilities,
        np.take_along_axis(expected, order, axis=1)[:, :top_k],
        atol=1e-5,
    )
    np.testing.assert_allclose(answers.true_log_probability, expected[:, true], atol=1e-5)
    assert answers.rank.tolist() == [row.tolist().index(true) + 1 for row in order]


def test_candidates_limit_the_top_but_not_the_probabilities() -> None:
    values = np.log(np.array([[4.0, 2.0, 1.0, 1.0]], dtype=np.float32))
    answers = MaskAnswers.of(values, 3, candidates=np.array([False, True, True, False]))
    assert answers.top_ids[0, :2].tolist() == [1, 2]
    assert np.exp(answers.top_log_probabilities[0]).tolist() == pytest.approx([0.25, 0.125, 0.0])
    assert answers.rank.tolist() == [0]
    assert np.isnan(answers.true_log_probability).all()


def test_the_logits_are_left_alone() -> None:
    values = np.array([[1.0, 2.0]], dtype=np.float32)
    MaskAnswers.of(values, 2, true_ids=np.array([0]))
    assert values.tolist() == [[1.0, 2.0]]


def test_a_model_that_says_nothing_gains_nothing() -> None:
    answers = MaskAnswers.of(np.zeros((3, 9), dtype=np.float32), 1, true_ids=np.array([0, 4, 8]))
    assert answers.rank.tolist() == [1, 5, 9]


@given(
    seed=st.integers(0, 2**32 - 1),
    gaps=st.integers(0, 6),
    vocabulary=st.integers(3, 60),
    special=st.integers(0, 5),
)
def test_the_best_alone_give_what_all_logits_give(
    seed: int, gaps: int, vocabulary: int, special: int
) -> None:
    generator = np.random.default_rng(seed)
    # Few values, so that there are ties.
    logits = generator.integers(-4, 4, size=(gaps, vocabulary)).astype(np.float32)
    candidates = np.ones(vocabulary, dtype=np.bool_)
    candidates[generator.permutation(vocabulary)[: min(special, vocabulary - 1)]] = False
    top_k = min(5, int(candidates.sum()))
    k = top_k + int((~candidates).sum())
    ids = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    normalizers = np.log(np.exp(logits).sum(axis=1))
    best = MaskAnswers.of_best(
        ids, np.take_along_axis(logits, ids, axis=1), normalizers, top_k, candidates=candidates
    )
    every = MaskAnswers.of(logits, top_k, candidates=candidates)
    assert np.array_equal(best.top_ids, every.top_ids)
    np.testing.assert_allclose(
        best.top_log_probabilities, every.top_log_probabilities, rtol=1e-5, atol=1e-5
    )
    assert best.top_ids.dtype == every.top_ids.dtype
    assert np.array_equal(best.rank, every.rank)
    assert np.isnan(best.true_log_probability).all()
