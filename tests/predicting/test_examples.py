from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from squeezebert.data import Dataset, TextExample, open_dataset
from squeezebert.errors import InvalidInputError
from squeezebert.predicting.examples import Examples
from squeezebert.spec import ProblemType


def texts(problem_type: ProblemType, *labels: Any, pair: str | None = None) -> Examples:
    examples = [TextExample(text="a", pair=pair, label=label) for label in labels]
    return Examples(
        Dataset(
            name="mine",
            task="text_classification",
            split="dev",
            examples=examples,
            problem_type=problem_type,
        )
    )


def test_texts_are_rows_with_their_labels() -> None:
    inputs = texts("single_label", "x", "y", pair="b")
    assert (inputs.columns, inputs.pair) == (("text", "pair", "gold"), "pair")
    items = list(inputs.items())
    assert [item.row for item in items] == [
        {"text": "a", "pair": "b", "gold": "x"},
        {"text": "a", "pair": "b", "gold": "y"},
    ]
    assert items[1].where == "mine (dev):2"
    assert inputs.read == 1.0
    assert inputs.survey()["gold"] == "string"


def test_what_a_label_is_decides_the_kind_of_its_column() -> None:
    several, numbers = texts("multi_label", ("x", "y")), texts("regression", 2.5)
    assert (several.survey()["gold"], numbers.survey()["gold"]) == ("json", "number")
    assert [item.row for item in several.items()] == [{"text": "a", "gold": ["x", "y"]}]


def test_tagged_words_are_rows_with_entities(tmp_path: Path) -> None:
    file = tmp_path / "a.conll"
    file.write_text("Ada\tB-PER\nByron\tI-PER\nran\tO\n")
    (item,) = Examples(open_dataset(file, task="token_classification")).items()
    assert item.row == {
        "text": "Ada Byron ran",
        "gold": [{"text": "Ada Byron", "start": 0, "end": 9, "type": "PER"}],
    }
    assert item.example.words == ("Ada", "Byron", "ran")
    assert item.where == f"{file}:1"


def test_dialogues_have_no_gaps_to_fill() -> None:
    data = open_dataset("sample_dialogues", task="masked_lm")
    with pytest.raises(InvalidInputError, match=r"no \[MASK\]"):
        Examples(data)
