from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.errors import InvalidInputError
from squeezebert.tasks.windows import cut_windows


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, int, int]:
    """Words of 1 to 30 tokens, windows of 2 to 20 tokens: many words are longer than a window."""
    lengths = draw(st.lists(st.integers(1, 4) | st.integers(1, 30), max_size=60))
    size = draw(st.integers(2, 20))
    word_ids = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    return word_ids, size, draw(st.integers(0, size - 1))


@given(cases())
def test_every_token_is_seen_and_every_word_decided_once(case: tuple[np.ndarray, int, int]) -> None:
    word_ids, size, overlap = case
    windows = cut_windows(word_ids, size, overlap)
    seen: set[int] = set()
    decided: list[int] = []
    firsts = {int(word): int(np.argmax(word_ids == word)) for word in set(word_ids.tolist())}
    for window in windows:
        assert 0 < window.end - window.start == len(window.words) <= size
        seen.update(range(window.start, window.end))
        for token, word in enumerate(window.words.tolist(), start=window.start):
            if word >= 0:
                assert token == firsts[word]
                decided.append(word)
    assert seen == set(range(len(word_ids)))
    assert sorted(decided) == sorted(firsts)


@given(cases())
def test_neighbors_overlap_by_what_was_asked(case: tuple[np.ndarray, int, int]) -> None:
    word_ids, size, overlap = case
    windows = cut_windows(word_ids, size, overlap)
    for before, after in itertools.pairwise(windows):
        assert before.start < after.start
        assert before.end - after.start >= overlap
        assert before.end < after.end


@given(cases())
def test_a_word_is_decided_where_it_has_most_context(case: tuple[np.ndarray, int, int]) -> None:
    word_ids, size, overlap = case
    windows = cut_windows(word_ids, size, overlap)
    length = len(word_ids)

    def context(start: int, end: int, token: int) -> float:
        before = token - start if start > 0 else np.inf
        after = end - 1 - token if end < length else np.inf
        return min(before, after)

    for window in windows:
        for token in (window.start + np.flatnonzero(window.words >= 0)).tolist():
            ours = context(window.start, window.end, token)
            others = [
                context(other.start, other.end, token)
                for other in windows
                if other.start <= token < other.end
            ]
            assert ours == max(others)


def test_windows_start_at_words() -> None:
    word_ids = np.repeat(np.arange(10, dtype=np.int32), 3)
    starts = [window.start for window in cut_windows(word_ids, size=10, overlap=2)]
    assert starts == [0, 6, 12, 18, 24][: len(starts)]
    assert starts[-1] + 10 >= 30


def test_short_and_empty_texts_take_one_window_and_none() -> None:
    assert len(cut_windows(np.arange(5, dtype=np.int32), size=5, overlap=2)) == 1
    assert cut_windows(np.zeros(0, dtype=np.int32), size=5, overlap=2) == []


@pytest.mark.parametrize("overlap", [-1, 4, 5])
def test_refuses_an_overlap_without_advance(overlap: int) -> None:
    with pytest.raises(InvalidInputError, match="overlap"):
        cut_windows(np.arange(9, dtype=np.int32), size=4, overlap=overlap)
