"""Tags decided together, against every sequence there is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.tasks.decoding import EntityDecoder
from squeezebert.tasks.entities import split_tag

LABELS = ("I-LOC", "O", "B-PER", "B-LOC", "I-PER")  # in no order in particular


def is_iob2(tags: list[str], *, first: bool) -> bool:
    """By the definition, word by word."""
    for before, tag in itertools.pairwise([("O" if first else tag_before(tags)), *tags]):
        prefix, kind = split_tag(tag)
        if prefix == "I" and split_tag(before)[1] != kind:
            return False
    return True


def tag_before(tags: list[str]) -> str:
    """One that any first tag may follow."""
    return f"B-{split_tag(tags[0])[1]}" if tags[0] != "O" else "O"


@given(
    st.integers(1, 4).flatmap(
        lambda words: st.lists(
            st.lists(st.integers(-8, 8), min_size=5, max_size=5), min_size=words, max_size=words
        )
    ),
    st.booleans(),
)
def test_no_sequence_is_better(rows: list[list[int]], first: bool) -> None:
    scores = np.array(rows, dtype=np.float32)
    found = EntityDecoder(LABELS).best(scores, first=first)
    assert found.dtype == np.int32
    assert is_iob2([LABELS[label] for label in found], first=first)
    words = np.arange(len(rows))
    best = max(
        scores[words, list(labels)].sum()
        for labels in itertools.product(range(len(LABELS)), repeat=len(rows))
        if is_iob2([LABELS[label] for label in labels], first=first)
    )
    assert scores[words, found].sum() == best


def test_what_is_legal_stays_as_it_is() -> None:
    decoder = EntityDecoder(["O", "B-PER", "I-PER"])
    labels = [0, 1, 2, 2, 1, 1, 2, 0]
    scores = np.eye(3, dtype=np.float32)[labels]
    assert decoder.best(scores, first=True).tolist() == labels


def test_a_window_may_begin_inside_an_entity() -> None:
    decoder = EntityDecoder(["O", "B-PER", "I-PER"])
    scores = np.array([[0, 1, 5], [5, 0, 0]], dtype=np.float32)
    assert decoder.best(scores, first=False).tolist() == [2, 0]
    assert decoder.best(scores, first=True).tolist() == [1, 0]


@pytest.mark.parametrize("first", [True, False])
def test_no_words(first: bool) -> None:
    assert EntityDecoder(["O"]).best(np.zeros((0, 1), dtype=np.float32), first=first).size == 0
