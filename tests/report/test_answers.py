from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from squeezebert.report.answers import Piece, entities_in, type_slots

TEXT = "Ada Lovelace met Ada in London, Ontario."


def test_entities_are_found_in_reading_order() -> None:
    pieces = entities_in(TEXT, "Ada Lovelace [PER], Ada [PER], London, Ontario [LOC]")
    assert pieces == [
        Piece("Ada Lovelace", "PER"),
        Piece(" met "),
        Piece("Ada", "PER"),
        Piece(" in "),
        Piece("London, Ontario", "LOC"),
        Piece("."),
    ]


def test_no_entities_leave_the_text_whole() -> None:
    assert entities_in(TEXT, "(none)") == [Piece(TEXT)]


def test_what_is_no_list_or_not_in_the_text_is_left_alone() -> None:
    assert entities_in(TEXT, "science") is None
    assert entities_in(TEXT, "Ada [PER], and more") is None
    assert entities_in("Ada Lov…", "Ada Lovelace [PER]") is None
    assert entities_in(TEXT, "London [LOC], Ada [PER]") is None


@given(st.lists(st.text("ab ,[]c", min_size=1, max_size=6), max_size=5))
def test_the_pieces_are_the_text(words: list[str]) -> None:
    text = "".join(words)
    answer = ", ".join(f"{word} [X]" for word in words[::2])
    pieces = entities_in(text, answer)
    assert pieces is None or "".join(piece.text for piece in pieces) == text


def test_types_keep_their_numbers() -> None:
    answers = ["a [PER], b [LOC]", "c [ORG]", "(none)"]
    assert type_slots(answers) == {"LOC": 0, "ORG": 1, "PER": 2}
