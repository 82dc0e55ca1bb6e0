"""Data sets of the hub become files that our readers read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.loopback_hub import published
from squeezebert.data import open_dataset
from squeezebert.data.layouts import Split
from squeezebert.errors import DataError
from squeezebert.spec import TaskName
from squeezebert.study.converting import class_names, write_set


def unpack(folder: Path, files: dict[str, bytes]) -> dict[Split, list[Path]]:
    found: dict[Split, list[Path]] = {}
    parts: tuple[tuple[str, Split], ...] = (
        ("train", "train"),
        ("validation", "dev"),
        ("test", "test"),
    )
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        part = next((part for word, part in parts if word in path), "train")
        found.setdefault(part, []).append(place)
    return found


def rows_file(folder: Path, rows: list[dict[str, Any]], name: str = "train.jsonl") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def converted(tmp_path: Path, parts: dict[Split, list[Path]], task: TaskName) -> Path:
    output = tmp_path / "set"
    write_set(parts, output, task=task)
    return output


def test_turns_of_one_number_are_a_dialogue(tmp_path: Path) -> None:
    parts = unpack(tmp_path / "hub", published.dialogues())
    output = converted(tmp_path, parts, "masked_lm")
    for split in ("train", "dev", "test"):
        ours = open_dataset(output, task="masked_lm", split=split).examples
        theirs = open_dataset("sample_dialogues", task="masked_lm", split=split).examples
        assert [one.turns for one in ours] == [one.turns for one in theirs]


def test_a_list_of_turns_is_a_dialogue_and_none_is_in_two_parts(tmp_path: Path) -> None:
    talks = [["Hi.", "Hello."], ["Bye!", ""], ["HI", "hello"], []]
    train = rows_file(tmp_path / "hub", [{"dialog": talk} for talk in talks])
    test = rows_file(tmp_path / "hub", [{"dialog": ["bye"]}, {"dialog": ["No."]}], "test.jsonl")
    output = converted(tmp_path, {"train": [train], "test": [test]}, "masked_lm")
    assert [
        [one.turns for one in open_dataset(output, task="masked_lm", split=split).examples]
        for split in ("train", "test")
    ] == [[("Hi.", "Hello."), ("Bye!",)], [("No.",)]]


def test_texts_in_one_part_are_divided_80_10_10(tmp_path: Path) -> None:
    parts = unpack(tmp_path / "hub", published.news() | {".gitattributes": b""})
    parts = {"train": [path for path in parts["train"] if path.suffix == ".csv"]}
    output = converted(tmp_path, parts, "text_classification")
    sizes = [
        len(open_dataset(output, task="text_classification", split=split))
        for split in ("train", "dev", "test")
    ]
    # Of 151 rows one has no text; each of six classes is divided by itself.
    assert sizes == [120, 18, 12]


def test_classes_that_are_numbers_get_their_names(tmp_path: Path) -> None:
    features = {"label": {"names": ["World", "Sports"], "_type": "ClassLabel"}}
    rows = [{"text": f"text {at}", "label": at % 2} for at in range(40)]
    train = tmp_path / "train.parquet"
    train.write_bytes(published.parquet_of(rows, features))
    assert class_names(train, "label") == ("World", "Sports")
    output = converted(tmp_path, {"train": [train], "test": [train]}, "text_classification")
    found = open_dataset(output, task="text_classification", split="train")
    assert found.labels == ("Sports", "World")
    assert found.examples[0].label == "World"


def test_tags_that_are_numbers_get_their_names(tmp_path: Path) -> None:
    parts = unpack(tmp_path / "hub", published.names())
    output = converted(tmp_path, parts, "token_classification")
    for split in ("train", "test"):
        ours = open_dataset(output, task="token_classification", split=split).examples
        theirs = open_dataset("sample_ner_en", task="token_classification", split=split).examples
        theirs = theirs[: published.MOST]
        assert [(one.words, one.tags) for one in ours] == [(one.words, one.tags) for one in theirs]


def test_names_of_tags_can_be_told(tmp_path: Path) -> None:
    rows = [{"tokens": ["Ada", "ran to"], "ner_tags": [1, 0]}, {"tokens": [], "ner_tags": []}]
    train = rows_file(tmp_path / "hub", rows)
    parts: dict[Split, list[Path]] = {"train": [train], "test": [train]}
    with pytest.raises(DataError, match=r"train\.jsonl:1: ner_tags is the number 1, which has no"):
        write_set(parts, tmp_path / "set", task="token_classification")
    assert not (tmp_path / "set").exists()
    write_set(parts, tmp_path / "set", task="token_classification", tag_names=["O", "B-PER"])
    (found,) = open_dataset(tmp_path / "set", task="token_classification", split="test").examples
    assert (found.words, found.tags) == (("Ada", "ran_to"), ("B-PER", "O"))


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        ("masked_lm", {"id": 1}, r"the columns 'id', expected dialogues"),
        ("text_classification", {"id": 1, "label": "a"}, "looks like the column of the text"),
        ("token_classification", {"words": ["a"]}, "expected words and tags"),
        ("token_classification", {"tokens": ["a"], "ner_tags": ["O", "O"]}, "1 words and 2 tags"),
    ],
)
def test_columns_of_no_known_shape(
    tmp_path: Path, task: TaskName, row: dict[str, Any], message: str
) -> None:
    train = rows_file(tmp_path / "hub", [row])
    with pytest.raises(DataError, match=message):
        write_set({"train": [train]}, tmp_path / "set", task=task)
    assert not (tmp_path / "set").exists()
