"""Nothing that others wrote steers a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.shown import colorless, console, shown


@given(st.text(st.characters(exclude_categories=())))
def test_no_control_character_is_left(text: str) -> None:
    for lines in (False, True):
        kept = {"\n", "\t"} if lines else set()
        left = set(shown(text, lines=lines)) - kept
        assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in left)
        assert not left & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize("text", ["Zürich", "😀 👩‍💻", "می‌خواهم", "שלום", "a\\x1b"])
def test_texts_stay_as_they_are(text: str) -> None:
    assert shown(text) == text


def test_characters_are_spelled_as_python_does() -> None:
    assert shown("\x00\x7f\x9b\u202e\udcff") == r"\x00\x7f\x9b\u202e\udcff"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"NO_COLOR": "1", "TERM": "xterm"}, True),
        ({"NO_COLOR": "", "TERM": "xterm"}, False),
        ({"NO_COLOR": "", "TERM": "dumb"}, True),
    ],
)
def test_colors(variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**variables, "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    assert colorless() is expected
    with (printer := console(stderr=True)).capture() as capture:
        printer.print("score", style="bold red")
    assert ("\x1b[" in capture.get()) is not expected
