from __future__ import annotations

import pytest

from squeezebert.data import open_dataset
from squeezebert.data.label_map import map_by_position, parse_label_map, rename_labels
from squeezebert.errors import ConfigError, DataError, InvalidInputError


def classes(write, *labels):
    rows = "".join(f"text {n},{label}\n" for n, label in enumerate(labels))
    return open_dataset(write("a.csv", f"text,label\n{rows}"), task="text_classification")


def words(write, *tags):
    rows = "".join(f"word{n} {tag}\n" for n, tag in enumerate(tags))
    return open_dataset(write("a.conll", rows), task="token_classification")


def test_a_typed_map():
    assert parse_label_map("a=b, c =d e,f=") == {"a": "b", "c": "d e", "f": ""}
    for wrong in ("", "a", "a=b,,c=d", "=a"):
        with pytest.raises(InvalidInputError, match="expected OLD=NEW"):
            parse_label_map(wrong)


@pytest.mark.parametrize(
    ("labels", "model", "expected"),
    [
        (["0", "1", "0"], ("neg", "pos"), {"0": "neg", "1": "pos"}),
        (["LABEL_1", "LABEL_0"], ("neg", "pos"), {"LABEL_0": "neg", "LABEL_1": "pos"}),
        (["1", "2", "10"], ("a", "b", "c"), {"1": "a", "2": "b", "10": "c"}),
        (["2", "0"], ("a", "b", "c"), {"0": "a", "2": "c"}),
        (["pos", "neg"], ("LABEL_0", "LABEL_1"), {"neg": "LABEL_0", "pos": "LABEL_1"}),
    ],
)
def test_by_position(write, labels, model, expected):
    dataset = classes(write, *labels)
    assert map_by_position(dataset, model) == expected
    renamed = rename_labels(dataset, expected)
    assert [e.label for e in renamed.examples] == [expected[label] for label in labels]
    assert set(renamed.labels) == set(expected.values())


@pytest.mark.parametrize("labels", [["0", "3"], ["a", "b", "c"], ["a"], ["0", "a", "b"]])
def test_positions_that_cannot_be_paired(write, labels):
    with pytest.raises(DataError, match="the model 2: 'neg', 'pos'"):
        map_by_position(classes(write, *labels), ("neg", "pos"))


def test_numbers_become_tags(write):
    dataset = words(write, "1", "2", "0", "1")
    assert dataset.labels == ("0", "1", "2")
    renamed = rename_labels(dataset, map_by_position(dataset, ("O", "B-PER", "I-PER")))
    assert renamed.examples[0].tags == ("B-PER", "I-PER", "O", "B-PER")
    assert renamed.labels == ("O", "B-PER", "I-PER")


def test_types_tags_and_labels_of_words(write):
    dataset = words(write, "B-PER", "I-PER", "O", "B-LOC")
    renamed = rename_labels(dataset, {"PER": "PERSON", "LOC": ""})
    assert renamed.examples[0].tags == ("B-PERSON", "I-PERSON", "O", "O")
    assert renamed.labels == ("O", "B-PERSON", "I-PERSON")
    whole = rename_labels(dataset, {"B-PER": "LABEL_1", "I-PER": "LABEL_2", "O": "LABEL_0"})
    assert whole.examples[0].tags == ("LABEL_1", "LABEL_2", "LABEL_0", "B-LOC")
    pos = rename_labels(words(write, "NN", "VBZ", "NN"), {"NN": "NOUN", "VBZ": "VERB"})
    assert (pos.examples[0].tags, pos.labels) == (("NOUN", "VERB", "NOUN"), ("NOUN", "VERB"))


def test_a_name_that_the_data_lacks(write):
    with pytest.raises(ConfigError, match=r"renames 'good', which .* has not"):
        rename_labels(classes(write, "a", "b"), {"good": "a"})
