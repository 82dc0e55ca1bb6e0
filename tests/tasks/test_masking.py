from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.errors import ConfigError
from squeezebert.tasks.base import IGNORE_INDEX
from squeezebert.tasks.masking import evaluation_keys, mask_tokens
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

TOKENIZER = Tokenizer.from_vocabulary(
    [*SPECIAL_TOKENS, *"abcdefghijklmnopqrstuvwxyz"], lowercase=True
)


def test_shares_are_those_of_bert() -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, TOKENIZER.vocab_size, size=(500, 400))
    masked, labels = mask_tokens(ids, TOKENIZER, np.random.default_rng(1))
    ordinary = ids >= len(SPECIAL_TOKENS)
    chosen = labels != IGNORE_INDEX
    assert not chosen[~ordinary].any()
    assert chosen[ordinary].mean() == pytest.approx(0.15, abs=0.003)
    assert (labels[chosen] == ids[chosen]).all()
    assert (masked[~chosen] == ids[~chosen]).all()
    assert (masked[chosen] == TOKENIZER.mask_id).mean() == pytest.approx(0.8, abs=0.01)
    # One in ten is drawn at random from 26 tokens, so it comes out the same once in 26.
    assert (masked[chosen] == ids[chosen]).mean() == pytest.approx(0.1 + 0.1 / 26, abs=0.01)
    specials = set(range(len(SPECIAL_TOKENS))) - {TOKENIZER.mask_id}
    assert not specials & set(masked[chosen].tolist())


@given(st.lists(st.integers(0, 30), max_size=50), st.floats(0.01, 1.0))
def test_only_chosen_tokens_change_and_none_is_lost(ids: list[int], probability: float) -> None:
    given_ids = np.array(ids, dtype=np.int64)
    before = given_ids.copy()
    masked, labels = mask_tokens(
        given_ids, TOKENIZER, np.random.default_rng(2), probability=probability
    )
    assert (given_ids == before).all()
    assert (np.where(labels == IGNORE_INDEX, masked, labels) == before).all()
    assert masked.dtype == np.int32
    assert labels.dtype == np.int64


PIECES = Tokenizer.from_vocabulary(
    [*SPECIAL_TOKENS, *"abcdef", *(f"##{letter}" for letter in "abcdef")], lowercase=True
)


def words_of(ids: list[int]) -> list[list[int]]:
    """The places of each word's tokens, as a reader would group them."""
    words: list[list[int]] = []
    for place, token in enumerate(ids):
        if words and PIECES.token(token).startswith("##"):
            words[-1].append(place)
        else:
            words.append([place])
    return words


def test_whole_words_are_chosen_or_left_as_one() -> None:
    ids = np.random.default_rng(0).integers(3, PIECES.vocab_size, size=(400, 60))
    _, labels = mask_tokens(
        ids, PIECES, np.random.default_rng(1), probability=0.3, whole_words=True
    )
    chosen = labels != IGNORE_INDEX
    ordinary = ids >= len(SPECIAL_TOKENS)
    assert not chosen[~ordinary].any()
    assert chosen[ordinary].mean() == pytest.approx(0.3, abs=0.01)
    for row, row_chosen in zip(ids.tolist(), chosen, strict=True):
        for word in words_of(row):
            pieces = [place for place in word if row[place] >= len(SPECIAL_TOKENS)]
            assert len(set(row_chosen[pieces].tolist())) <= 1
    # Neighboring words and rows are drawn apart.
    first = np.array([not PIECES.token(token).startswith("##") for token in range(17)])[ids]
    both = first[:, 1:] & ordinary[:, 1:] & ordinary[:, :-1]
    assert chosen[:, 1:][both & chosen[:, :-1]].mean() == pytest.approx(0.3, abs=0.02)


def test_whole_words_take_as_many_draws() -> None:
    one, two = np.random.default_rng(3), np.random.default_rng(3)
    mask_tokens(np.full((4, 6), 12), PIECES, one)
    mask_tokens(np.full((4, 6), 12), PIECES, two, whole_words=True)
    assert one.random() == two.random()
    masked, _ = mask_tokens(np.zeros((0,), np.int64), PIECES, one, whole_words=True)
    assert masked.shape == (0,)


def test_the_generator_moves_on_by_the_shape_alone() -> None:
    first, second = np.random.default_rng(3), np.random.default_rng(3)
    mask_tokens(np.full((4, 6), TOKENIZER.pad_id), TOKENIZER, first)
    mask_tokens(np.full((4, 6), 9), TOKENIZER, second, probability=0.9)
    assert first.random() == second.random()


def test_the_same_seed_gives_the_same_masks() -> None:
    ids = np.arange(5, 31).reshape(2, 13)
    one = mask_tokens(ids, TOKENIZER, np.random.default_rng(4))
    two = mask_tokens(ids, TOKENIZER, np.random.default_rng(4))
    other = mask_tokens(ids, TOKENIZER, np.random.default_rng(5))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert (one[1] != other[1]).any()


@pytest.mark.parametrize("probability", [0.0, -0.1, 1.1, float("nan")])
def test_probabilities_that_are_none(probability: float) -> None:
    with pytest.raises(ConfigError, match="mask_probability"):
        mask_tokens(np.array([5]), TOKENIZER, np.random.default_rng(0), probability=probability)


def test_evaluation_keys_depend_on_seed_and_content_alone() -> None:
    ids = np.arange(5, 25, dtype=np.int32)
    keys = evaluation_keys(ids, seed=0)
    assert (keys == evaluation_keys(ids.astype(">i4"), seed=0)).all()
    assert (keys != evaluation_keys(ids, seed=1)).all()
    assert (keys != evaluation_keys(ids + 1, seed=0)).all()
    assert ((keys >= 0) & (keys < 1)).all()


def test_evaluation_keys_stay_as_they_are() -> None:
    """Other numbers here would make new scores incomparable with all old ones."""
    keys = evaluation_keys(np.array([5, 6, 7], dtype=np.int32), seed=0)
    assert keys.round(6).tolist() == [0.428288, 0.82163, 0.07572]
