from __future__ import annotations

import json
from typing import Any

import pytest

from squeezebert.data.examples import TokenExample
from squeezebert.errors import InvalidInputError
from squeezebert.predicting.gold import Agreement, Gold
from squeezebert.predicting.items import Item
from squeezebert.spec import TaskSpec
from squeezebert.tasks import Classification, MultiClassification, Regression
from squeezebert.tasks.entities import Entity

KINDS = TaskSpec(task="text_classification", labels=("ham", "spam"))
MANY = TaskSpec(task="text_classification", labels=("a", "b", "c"), problem_type="multi_label")
NUMBERS = TaskSpec(task="text_classification", labels=("value",), problem_type="regression")
NAMES = TaskSpec(task="token_classification", labels=("O", "B-PER", "I-PER", "B-LOC", "I-LOC"))


def row(label: object, text: str = "Ada met Bo", **more: Any) -> Item:
    return Item(where="a.csv:2", row={"text": text, "kind": label}, **more)


def said(label: str) -> Classification:
    return Classification(label=label, score=0.9, probabilities={}, truncated_tokens=0)


def person(start: int, end: int, kind: str = "PER") -> Entity:
    return Entity(text="", type=kind, start=start, end=end, score=0.9)


def test_classes() -> None:
    gold = Gold(spec=KINDS, column="kind", label_map={"junk": "spam", "other": ""})
    assert gold.agreement(row("ham"), said("ham")).right == 1
    assert gold.agreement(row(" junk "), said("spam")).right == 1
    assert gold.agreement(row("junk"), said("ham")).right == 0
    nothing = [gold.agreement(row(label), said("ham")) for label in ("", None, "other")]
    assert nothing == [Agreement()] * 3
    assert gold.agreement(row("ham"), None) == Agreement()
    strange = gold.agreement(row("eggs"), said("ham"))
    assert (strange.rows, strange.unknown, strange.first_unknown) == (1, 1, "eggs")


def test_several_classes_a_text() -> None:
    gold = Gold(spec=MANY, column="kind")
    answer = MultiClassification(
        label="a", score=0.9, probabilities={}, truncated_tokens=0, labels=("a", "b")
    )
    for label in ("a|c", ["a", "c"]):
        found = gold.agreement(row(label), answer)
        assert (found.gold, found.told, found.right) == (2, 2, 1)
    assert gold.agreement(row([]), answer).rows == 1


def test_numbers() -> None:
    gold = Gold(spec=NUMBERS, column="kind")
    answer = Regression(label="value", score=3.0, probabilities={}, truncated_tokens=0)
    both = gold.agreement(row("2.5"), answer) + gold.agreement(row(4), answer)
    assert both.sentence(NUMBERS, "stars") == (
        "2 answers are 0.750 off on average with the column 'stars'"
    )
    wrong = gold.refusal(row("many"))
    assert wrong is not None
    assert "a.csv:2: the label is 'many', expected a number" in str(wrong)


@pytest.mark.parametrize("as_text", [False, True])
def test_entities(as_text: bool) -> None:
    gold = Gold(spec=NAMES, column="kind", label_map={"PERSON": "PER", "DATE": ""})
    wanted: Any = [
        {"start": 0, "end": 3, "type": "PERSON"},
        {"start": 4, "end": 7, "type": "DATE"},
        {"start": 8, "end": 10, "type": "GPE"},
    ]
    item = row(json.dumps(wanted) if as_text else wanted)
    assert gold.refusal(item) is None
    found = gold.agreement(item, (person(0, 3), person(8, 10)))
    assert (found.gold, found.told, found.right) == (2, 2, 1)
    assert (found.unknown, found.first_unknown) == (1, "GPE")
    assert "entity F1 0.5000" in found.sentence(NAMES, "kind")


def test_types_that_nobody_looked_for_are_not_wrong() -> None:
    example = TokenExample(
        words=("Ada",), offsets=((0, 3),), text="Ada", tags=("B-PER",), types=("PER",)
    )
    item = row([{"start": 0, "end": 3, "type": "PER"}], "Ada Ulm", example=example)
    found = Gold(spec=NAMES, column="kind").agreement(item, (person(0, 3), person(4, 7, "LOC")))
    assert (found.told, found.right) == (1, 1)


@pytest.mark.parametrize("label", ["PER", [{"start": 0, "end": 99, "type": "PER"}]])
def test_entities_that_cannot_be_are_told(label: object) -> None:
    wrong = Gold(spec=NAMES, column="kind").refusal(row(label))
    assert wrong is not None
    assert str(wrong).startswith("a.csv:2: ")


def test_a_masked_language_model_has_no_labels() -> None:
    with pytest.raises(InvalidInputError, match="tells none") as caught:
        Gold(spec=TaskSpec(task="masked_lm"), column="kind")
    assert "squeezebert evaluate" in str(caught.value.hint)
