"""Tags decided together, against every sequence there is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squeezebert.errors import ConfigError
from squeezebert.tasks.decoding import TagDecoder, iob2_transitions

LABELS = ("I-LOC", "O", "B-PER", "B-LOC", "I-PER")  # in no order in particular
RULES = iob2_transitions(LABELS)

whole = st.integers(-6, 6)  # sums of such are exact
texts = st.lists(
    st.lists(st.lists(whole, min_size=5, max_size=5), max_size=4), min_size=1, max_size=5
)


def total(scores: np.ndarray, labels: tuple[int, ...], transitions: np.ndarray) -> float:
    before = (len(transitions) - 1, *labels[:-1])
    return scores[np.arange(len(labels)), list(labels)].sum() + transitions[before, labels].sum()


@given(texts, st.lists(whole, min_size=30, max_size=30))
@settings(deadline=None)
def test_no_sequence_is_better(rows: list[list[list[int]]], weights: list[int]) -> None:
    table = np.array(weights, dtype=float).reshape(6, 5)
    table[np.array(RULES, dtype=object) == None] = -np.inf  # noqa: E711 - cell by cell
    transitions = tuple(tuple(None if c == -np.inf else c for c in r) for r in table.tolist())
    scores = [np.array(text, dtype=np.float32).reshape(-1, 5) for text in rows]
    decoded = TagDecoder(transitions, 5).decode(scores)
    assert len(decoded) == len(scores)
    for one, found in zip(scores, decoded, strict=True):
        assert found.dtype == np.int32
        assert len(found) == len(one)
        if len(one):
            best = max(
                total(one, labels, table) for labels in itertools.product(range(5), repeat=len(one))
            )
            assert total(one, tuple(found.tolist()), table) == best > -np.inf


def test_companions_change_nothing() -> None:
    draw = np.random.default_rng(0)
    scores = [
        draw.normal(size=(length, 5)).astype(np.float32) for length in draw.integers(0, 30, 600)
    ]
    decoder = TagDecoder(RULES, 5)
    together = decoder.decode(scores)
    for one, found in zip(scores, together, strict=True):
        np.testing.assert_array_equal(decoder.decode([one])[0], found)


def test_what_agrees_stays_as_it_is() -> None:
    labels = [1, 2, 4, 4, 2, 3, 0, 1]
    scores = np.eye(5, dtype=np.float32)[labels]
    assert TagDecoder(RULES, 5).decode([scores])[0].tolist() == labels


@pytest.mark.parametrize(
    ("transitions", "message"),
    [
        (RULES[:-1], "5 rows"),
        ((*RULES[:-1], (0.0,)), "6 rows of 1/5 scores"),
        ((*RULES[:-1], (float("nan"), 0.0, 0.0, 0.0, 0.0)), "not finite"),
        ((*RULES[:-1], (float("inf"), 0.0, 0.0, 0.0, 0.0)), "not finite"),
        ((*RULES[:-1], (None,) * 5), "nothing follow"),
    ],
)
def test_transitions_that_cannot_be(transitions: tuple, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TagDecoder(transitions, 5)
