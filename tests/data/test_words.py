from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.data.words import split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\n\x00\x1f", []),
        ("Ada met Bo.", ["Ada", "met", "Bo", "."]),
        (
            "They're Ada's, aren't they?",
            ["They", "'re", "Ada", "'s", ",", "aren", "'t", "they", "?"],
        ),
        ("U.S. and U.S.A.", ["U.S.", "and", "U.S.A."]),
        ("O'Neill of Rolls-Royce, AT&T", ["O'Neill", "of", "Rolls-Royce", ",", "AT&T"]),
        (
            "at 12:30 on 1/2/2024: 3,000.50!",
            ["at", "12:30", "on", "1/2/2024", ":", "3,000.50", "!"],
        ),
        ("Well... (yes) -- no__", ["Well", "...", "(", "yes", ")", "--", "no", "__"]),
        ("Die Straße über Köln", ["Die", "Straße", "über", "Köln"]),
        ("cafe\u0301 zu", ["cafe\u0301", "zu"]),
        ("a\x00b", ["a", "b"]),
        ("東京 2024", ["東京", "2024"]),
    ],
)
def test_splits(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in split_words(text)] == words


@given(st.text(max_size=80))
def test_leaves_out_only_white_space_and_control_characters(text: str) -> None:
    at = 0
    for start, end in [*split_words(text), (len(text), len(text))]:
        between = text[at:start]
        assert all(sign.isspace() or unicodedata.category(sign) == "Cc" for sign in between)
        assert not any(sign.isspace() for sign in text[start:end])
        at = end
    assert all(start < end for start, end in split_words(text))


def test_a_line_of_a_megabyte() -> None:
    words = split_words("ab-" * 350_000)
    assert words[0][0] == 0
    assert len(split_words("a " * 500_000)) == 500_000
    assert split_words("x" * 1_000_000) == [(0, 1_000_000)]
    assert split_words("." * 1_000_000) == [(0, 1_000_000)]
