from __future__ import annotations

import json
import lzma
import random
from pathlib import Path

import pytest

from experiments.keyboard import words
from experiments.keyboard.__main__ import main
from experiments.keyboard.ngrams import SLIP, Counted, cost
from experiments.keyboard.places import mistyped_words, next_words, turns_of
from experiments.keyboard.typos import KINDS, NEIGHBORS, mistyped
from squeezebert.data.examples import Document


def test_neighbors_touch() -> None:
    assert set(NEIGHBORS["g"]) == set("fhtyvb")
    assert set(NEIGHBORS["q"]) == set("wa")
    assert all(one in NEIGHBORS[other] for one, around in NEIGHBORS.items() for other in around)


def test_a_typo_is_one_slip_of_the_kind_that_it_says() -> None:
    rng = random.Random(5)
    seen = set[str]()
    for word in ["station", "Hello", "don't", "aa", "Is"] * 60:
        typed, kind = mistyped(word, rng)
        seen.add(kind)
        assert typed != word
        assert cost(typed.lower(), word.lower()) <= SLIP
        length = {"left out": -1, "doubled": 1}.get(kind, 0)
        assert len(typed) == len(word) + length
        if kind == "exchanged":
            assert sorted(typed.lower()) == sorted(word.lower())
    assert seen == set(KINDS)
    assert mistyped("station", random.Random(1)) == mistyped("station", random.Random(1))
    with pytest.raises(ValueError, match="two letters"):
        mistyped("a", rng)


def test_places_leave_out_what_was_seen() -> None:
    seen = [Document(turns=("Where is it ?",), where="train:1")]
    asked = [Document(turns=("Where is it ?", "I don't know .", "I don't know ."), where="test:1")]
    turns = turns_of(asked, seen)
    assert turns == ["I don't know ."]
    found = {(place.before, place.word) for place in next_words(turns, 9, random.Random(0))}
    assert found == {("", "I"), ("I ", "don't"), ("I don't ", "know")}
    wrong = mistyped_words(turns, 9, random.Random(0))
    assert sorted(place.word for place in wrong) == ["don't", "know"]
    assert all(place.typed != place.word for place in wrong)


def test_what_errors_cost() -> None:
    found = [cost("hpme", "home"), cost("hqme", "home"), cost("carr", "car"), cost("care", "car")]
    assert found == [2, 3, 2, 3]
    assert cost("statoin", "station") == 2
    assert cost("abcdef", "abc") == 9


def test_words_are_listed_as_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["The cat is in Rome. Cats like Rome", "A cat's name, a cat", "it is “The end”, x x x"]
    with lzma.open(tmp_path / "a.txt.xz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(tmp_path))
    monkeypatch.setattr(words, "LEAST", 1)
    found = words.frequencies([words.Source(1.0, ("a.txt.xz",))], 100)
    # A first word keeps its capital only where it has been seen in no other place; "x" is no word.
    assert {*found} == {
        *("The", "cat", "is", "in", "Rome", "Cats", "like", "a", "cat's", "name", "it", "end")
    }
    assert {*list(found)[:5]} == {"The", "cat", "is", "Rome", "a"}
    monkeypatch.setattr(words, "LEAST", 2)
    assert len(words.frequencies([words.Source(1.0, ("a.txt.xz",))], 100)) == 5


def test_counts() -> None:
    turns = ["I know the way", "I know the time", "the way home", "Do you know"]
    singles, pairs = Counted(turns, pairs=False), Counted(turns, pairs=True)
    assert singles.next_words("I ", 2) == singles.next_words("Do ", 2)
    assert pairs.next_words("I ", 1) == ["know"]
    assert pairs.next_words("Know the ", 1) == ["way"]
    assert pairs.spelled("", "knwo", 3) == ["know"]
    assert singles.spelled("", "zzzzz", 3) == []
    # "tie" is a letter short of "time", and has a wrong one for "the": what stands before decides.
    assert pairs.spelled("know ", "tie", 1) == ["the"]
    assert pairs.spelled("know the ", "tie", 1) == ["time"]


@pytest.mark.usefixtures("shared_data")
def test_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--places", "12", "--split", "dev", "--models", "squeezebert-mini-mlm"])
    *lines, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)
    assert [row["name"] for row in found["rows"]] == ["unigrams", "bigrams", "squeezebert-mini-mlm"]
    assert len(lines) == 5
    for row in found["rows"]:
        assert 0.5 < row["corrected_three"] <= 1.0
        assert row["corrected_first"] <= row["corrected_three"]
        assert row["next_first"] <= row["next_three"] <= 1.0


def test_the_page_has_its_part(root: Path) -> None:
    page = (root / "docs" / "phone.md").read_text(encoding="utf-8")
    assert "<!-- keyboard:begin" in page
    assert "squeezebert-mini-mlm" in page
