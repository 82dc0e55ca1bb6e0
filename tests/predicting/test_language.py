from __future__ import annotations

import sys

import pytest

from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.predicting.language import LanguageCheck, languages_of


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


def test_the_languages_of_a_data_set_are_those_of_many_of_its_texts() -> None:
    english = "The striker scored twice in the second half of the match."
    german = "Der Stürmer traf in der zweiten Hälfte des Spiels gleich zweimal."
    assert languages_of([english] * 30 + [german]) == ("en",)
    assert languages_of([english, german, german]) == ("de", "en")
    assert languages_of(["Der Stürmer", "traf", "in der", "zweiten", "Hälfte", "wieder"]) == ("de",)
    assert languages_of(["1", "2"]) == languages_of([]) == ()
