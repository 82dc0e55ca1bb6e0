from __future__ import annotations

from typing import Any

from squeezebert.comparison.differences import LONGEST, differing
from squeezebert.data.catalog import Dataset
from squeezebert.data.examples import Document, TextExample, TokenExample
from squeezebert.spec import TaskName
from squeezebert.tasks import (
    Classification,
    Entity,
    FilledMask,
    MultiClassification,
    Regression,
)
from squeezebert.tasks.filled_mask import Candidate


def _set(task: TaskName, examples: list[Any]) -> Dataset:
    return Dataset(name="data", task=task, split="test", examples=examples)


def _class(label: str) -> Classification:
    return Classification(label=label, score=1.0, probabilities={label: 1.0})


def _number(value: float) -> Regression:
    return Regression(label="value", score=value, probabilities={})


def _rows(dataset: Dataset, *predictions: list[Any], count: int = 9) -> list[Any]:
    names = ["a", "b", "c"][: len(predictions)]
    return [
        (row.text, row.gold, [(s.label, s.prediction, s.right) for s in row.predictions])
        for row in differing(dataset, names, predictions, count=count, seed=0)
    ]


def test_texts_on_which_all_agree_are_left_out() -> None:
    data = _set("text_classification", [TextExample(text=t, label="x") for t in ("one", "two")])
    rows = _rows(data, [_class("x"), _class("x")], [_class("x"), _class("y")])
    assert rows == [("two", "x", [("a", "x", True), ("b", "y", False)])]


def test_where_one_is_right_and_another_wrong_comes_first() -> None:
    texts = [TextExample(text=f"text {n}", label="x") for n in range(6)]
    data = _set("text_classification", texts)
    first = [_class("y")] * 5 + [_class("x")]
    second = [_class("z")] * 6
    rows = _rows(data, first, second, count=3)
    assert len(rows) == 3
    assert rows[0][0] == "text 5"


def test_short_texts_come_first_and_long_ones_are_cut() -> None:
    texts = [TextExample(text=t, label="x") for t in ("long " * 1000, "short")]
    data = _set("text_classification", texts)
    rows = _rows(data, [_class("x")] * 2, [_class("y")] * 2)
    assert [row[0][:5] for row in rows] == ["short", "long "]
    assert len(rows[1][0]) == 2 * LONGEST + 1


def test_pairs_several_labels_and_numbers_can_be_read() -> None:
    pair = _set("text_classification", [TextExample(text="a", pair="b", label=("x", "y"))])
    some = MultiClassification(label="x", score=0.9, labels=("x", "y"), probabilities={})
    none = MultiClassification(label="x", score=0.1, labels=(), probabilities={})
    assert _rows(pair, [some], [none]) == [
        ("a ‖ b", "x, y", [("a", "x, y", True), ("b", "(none)", False)])
    ]
    number = _set("text_classification", [TextExample(text="a", label=2.5)])
    assert _rows(number, [_number(2.52)], [_number(3.0)]) == [
        ("a", "2.5", [("a", "2.5", True), ("b", "3.0", False)])
    ]


def test_entities_stand_with_their_types() -> None:
    example = TokenExample.from_words(
        ["Ada", "Lovelace", "in", "London"], ["B-PER", "I-PER", "O", "B-LOC"]
    )
    ada = Entity(text="Ada Lovelace", type="PER", start=0, end=12, score=1.0)
    london = Entity(text="London", type="LOC", start=16, end=22, score=1.0)
    rows = _rows(_set("token_classification", [example]), [(ada, london)], [(ada,)], [()])
    assert rows == [
        (
            "Ada Lovelace in London",
            "Ada Lovelace [PER], London [LOC]",
            [
                ("a", "Ada Lovelace [PER], London [LOC]", True),
                ("b", "Ada Lovelace [PER]", False),
                ("c", "(none)", False),
            ],
        )
    ]


def _gap(start: int, end: int, expected: str, guess: str) -> FilledMask:
    candidate = Candidate(token=guess, score=1.0, source="", start=start, end=end)
    return FilledMask(start=start, end=end, candidates=(candidate,), expected=expected)


def test_a_gap_stands_in_its_text_as_the_models_saw_it() -> None:
    data = _set("masked_lm", [Document(turns=("the cat sat", "on the mat"))])
    first = (_gap(4, 7, "cat", "dog"), _gap(19, 22, "mat", "mat"))
    second = (_gap(4, 7, "cat", "dog"), _gap(19, 22, "mat", "hat"))
    assert _rows(data, [first], [second]) == [
        ("the [MASK] sat\non the [____]", "mat", [("a", "mat", True), ("b", "hat", False)])
    ]


def test_one_gap_of_a_text_is_enough() -> None:
    data = _set("masked_lm", [Document(turns=("the cat sat on the mat",))] * 2)
    first = (_gap(4, 7, "cat", "dog"), _gap(19, 22, "mat", "mat"))
    second = (_gap(4, 7, "cat", "cow"), _gap(19, 22, "mat", "hat"))
    rows = _rows(data, [first, first], [second, second])
    assert [row[1] for row in rows] == ["mat", "mat"]


def test_gaps_that_other_vocabularies_do_not_have_are_left_out() -> None:
    data = _set("masked_lm", [Document(turns=("the cat sat",))])
    first = (_gap(4, 7, "cat", "dog"),)
    assert _rows(data, [first], [(_gap(4, 6, "ca", "do"),)]) == []
    assert _rows(data, [first], [(_gap(4, 7, "##cat", "do"),)]) == []


def test_only_the_surroundings_of_a_gap_are_shown() -> None:
    text = "left " * 200 + "middle" + " right" * 200
    data = _set("masked_lm", [Document(turns=(text,))])
    shown = _rows(data, [(_gap(1000, 1006, "middle", "x"),)], [(_gap(1000, 1006, "middle", "y"),)])
    assert shown[0][0].startswith("…")
    assert shown[0][0].endswith("…")
    assert "left [____] right" in shown[0][0]
    assert len(shown[0][0]) < LONGEST
