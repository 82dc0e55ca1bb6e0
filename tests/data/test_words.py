from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.data.words import split_words, with_marks


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
        ("東京 2024", ["東", "京", "2024"]),
        ("田中さんは3月5日", ["田", "中", "さんは3", "月", "5", "日"]),
        ("नई दिल्ली में।", ["नई", "दिल्ली", "में", "।"]),
        ("مُحَمَّد، שָׁלוֹם กรุงเทพ", ["مُحَمَّد", "،", "שָׁלוֹם", "กรุงเทพ"]),
        ("서울에서 일한다", ["서울에서", "일한다"]),
        ("Ang\u200bela co\u00adop \u2066Bo\u2069", ["Ang\u200bela", "co\u00adop", "Bo"]),
        ("\ufeffHi \u200b there\u200d", ["Hi", "there"]),
        ("\u0301abc \u200be\u200d\u0301", ["abc", "e\u200d\u0301"]),
        ("O\u200d'Neill's U.\u200bS.", ["O\u200d'Neill", "'s", "U.\u200bS."]),
        ("❤️! 👍🏽 👨\u200d👩 🇩🇪 ©x", ["❤️", "!", "👍🏽", "👨\u200d👩", "🇩🇪", "©", "x"]),
    ],
)
def test_splits(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in split_words(text)] == words


@given(st.text(max_size=80) | st.text(alphabet="aé1-'.्́\u200d\u200b中☃️ ", max_size=30))
def test_leaves_out_only_what_is_invisible_or_has_no_letter(text: str) -> None:
    at = 0
    for start, end in [*split_words(text), (len(text), len(text))]:
        for place in range(at, start):
            category = unicodedata.category(text[place])
            alone = category[0] == "M"  # with no letter before it
            assert text[place].isspace() or category in ("Cc", "Cf") or alone
        if start < end:
            assert not any(sign.isspace() for sign in text[start:end])
            assert unicodedata.category(text[start])[0] != "M"
            assert "Cf" not in (
                unicodedata.category(text[start]),
                unicodedata.category(text[end - 1]),
            )
        at = end
    assert all(start < end for start, end in split_words(text))


def test_chinese_characters_stay_together_where_the_tokenizer_leaves_them() -> None:
    text = "我在北京, ja"
    spans = split_words(text, chinese_characters=False)
    assert [text[start:end] for start, end in spans] == ["我在北京", ",", "ja"]


def test_a_line_of_a_megabyte() -> None:
    words = split_words("ab-" * 350_000)
    assert words[0][0] == 0
    assert len(split_words("a " * 500_000)) == 500_000
    assert split_words("x" * 1_000_000) == [(0, 1_000_000)]
    assert split_words("." * 1_000_000) == [(0, 1_000_000)]
    assert split_words("a" + "\u0301" * 500_000) == [(0, 500_001)]
    assert split_words("\u200b" * 500_000 + "é") == [(500_000, 500_001)]
    assert len(split_words("☃" * 500_000)) == 1


def test_marks_that_were_a_word_of_their_own_stay_with_the_sign_before():
    # BERT's pre-tokenizer sets the exclamation marks apart, and their variation selector too.
    text = "\u203c\ufe0f #\ufe0f\u20e3 \u0301 a"
    words = with_marks(text, [(0, 1), (1, 2), (3, 4), (4, 6), (7, 8), (9, 10)])
    assert words == [(0, 2), (3, 6), (9, 10)]
