from __future__ import annotations

import pytest

from squeezebert.data.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("One.", ["One."]),
        ('He said "Go." Then he left.', ['He said "Go."', "Then he left."]),
        ("Er kam. Ähnlich war es oft.", ["Er kam.", "Ähnlich war es oft."]),
        ("It cost 3. 5 was too much.", ["It cost 3. 5 was too much."]),
    ],
)
def test_a_sentence_ends_where_a_capital_follows_its_sign(text: str, parts: list[str]) -> None:
    assert split_sentences(text) == parts
