from __future__ import annotations

import sys

import pytest

from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.predicting.language import LanguageCheck


def test_sentences_are_told_and_short_texts_are_not() -> None:
    language = LanguageCheck(["en"])
    assert language("The striker scored twice in the second half of the match.") == "en"
    assert language("Der Stürmer traf in der zweiten Hälfte des Spiels gleich zweimal.") == "de"
    assert language("Tor!") == ""
    assert language("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20") == ""


def test_a_model_must_say_its_languages() -> None:
    with pytest.raises(InvalidInputError, match="does not say which languages"):
        LanguageCheck([])


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(MissingDependencyError) as caught:
        LanguageCheck(["en"])
    assert caught.value.hint == 'pip install "squeezebert[language]"'
