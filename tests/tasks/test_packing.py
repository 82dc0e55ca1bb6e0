from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.tasks.packing import TurnPacker
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

TOKENIZER = Tokenizer.from_vocabulary([*SPECIAL_TOKENS, "a", "b", "##c", "##d"], lowercase=True)
CLS, SEP, A, C = TOKENIZER.cls_id, TOKENIZER.sep_id, 5, 7

turns = st.lists(
    st.lists(st.integers(4, 8), max_size=30).map(lambda ids: np.array(ids, dtype=np.int32)),
    max_size=8,
)


@given(turns, st.integers(3, 24))
def test_nothing_is_lost_and_everything_fits(cases: list[np.ndarray], longest: int) -> None:
    packed = TurnPacker(TOKENIZER, longest).pack(cases)
    everything = np.concatenate([np.zeros(0, dtype=np.int32), *cases])
    sources: list[int] = []
    for item in packed:
        assert 3 <= len(item.input_ids) == len(item.sources) <= longest
        assert item.input_ids[0] == CLS
        assert item.input_ids[-1] == SEP
        own = item.sources >= 0
        assert (item.input_ids[own] == everything[item.sources[own]]).all()
        assert set(item.input_ids[~own].tolist()) == {CLS, SEP}
        sources += item.sources[own].tolist()
    assert sources == list(range(len(everything)))


@given(turns, st.integers(3, 24))
def test_turns_that_fit_stay_whole(cases: list[np.ndarray], longest: int) -> None:
    packed = TurnPacker(TOKENIZER, longest).pack(cases)
    pieces = [
        piece.tolist()
        for item in packed
        for piece in np.split(item.sources[1:], np.flatnonzero(item.sources[1:] < 0) + 1)
        if len(piece)
    ]
    starts = {piece[0] for piece in pieces}
    at = 0
    for turn in cases:
        if 0 < len(turn) <= longest - 2:
            assert at in starts
            assert not starts & set(range(at + 1, at + len(turn)))
        at += len(turn)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        # Room for 4 tokens a piece: whole words where the cut falls in the second half ...
        ([A, A, A, C, C], [[A, A], [A, C, C]]),
        ([A, A, A, A, A], [[A, A, A, A], [A]]),
        # ... but not at the price of a short piece.
        ([A, C, C, C, C, C], [[A, C, C, C], [C, C]]),
    ],
)
def test_long_turns_are_cut_between_words(turn: list[int], expected: list[list[int]]) -> None:
    packed = TurnPacker(TOKENIZER, 6).pack([np.array(turn, dtype=np.int32)])
    assert [item.input_ids[1:-1].tolist() for item in packed] == expected
