from __future__ import annotations

import dataclasses

import pytest

from squeezebert.comparison.sets import describe, draw, prepare, raw_text
from squeezebert.data.catalog import Dataset
from squeezebert.data.examples import Document, TextExample, TokenExample
from squeezebert.errors import InvalidInputError

DATA = Dataset(
    name="some/where/spam.csv",
    task="text_classification",
    split="test",
    examples=[TextExample(text=str(number), label="x") for number in range(20)],
    labels=("x",),
    languages=("en",),
    license="CC BY 4.0",
    note="A note.",
)


def test_a_limit_draws_the_same_texts_in_their_order() -> None:
    (first,) = prepare([DATA], limit=5, seed=3)
    (again,) = prepare([DATA], limit=5, seed=3)
    (other,) = prepare([DATA], limit=5, seed=4)
    numbers = [int(example.text) for example in first.examples]
    assert len(numbers) == 5
    assert numbers == sorted(numbers)
    assert again.examples == first.examples
    assert other.examples != first.examples
    assert prepare([DATA], limit=None, seed=3)[0].examples == DATA.examples
    assert prepare([DATA], limit=99, seed=3)[0].examples == DATA.examples


def test_names_are_short_and_their_own() -> None:
    dev = dataclasses.replace(DATA, split="dev")
    assert [item.name for item in prepare([DATA], limit=1, seed=0)] == ["spam.csv"]
    assert [item.name for item in prepare([DATA, dev], limit=1, seed=0)] == [
        "spam.csv (text_classification, test)",
        "spam.csv (text_classification, dev)",
    ]


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ([], "needs a data set"),
        ([dataclasses.replace(DATA, examples=[])], r"spam\.csv is empty"),
        ([DATA, DATA], r"spam\.csv is given twice"),
    ],
)
def test_no_empty_or_double_data_sets(datasets: list[Dataset], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        prepare(datasets, limit=None, seed=0)


def test_draw_takes_no_more_than_there_are() -> None:
    assert draw([1, 2, 3], 5, seed=0) == [1, 2, 3]
    assert len(set(draw(list(range(50)), 7, seed=0))) == 7


def test_the_report_tells_what_the_data_set_says_of_itself() -> None:
    info = describe(DATA)
    assert (info.texts, info.labels, info.languages) == (20, ("x",), ("en",))
    assert (info.license, info.note) == ("CC BY 4.0", "A note.")


def test_examples_as_a_person_would_type_them() -> None:
    assert raw_text(TextExample(text="one")) == "one"
    assert raw_text(TextExample(text="one", pair="two")) == ("one", "two")
    assert raw_text(TokenExample.from_words(["Ada", "ran"])) == "Ada ran"
    assert raw_text(Document(turns=("Hi.", "Hello."))) == "Hi. Hello. [MASK]"
