from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from squeezebert.data.examples import TextExample, TokenExample
from squeezebert.data.soft_labels import write_soft_labels
from squeezebert.errors import ConfigError, DataError, InvalidInputError
from squeezebert.training.finetuning.datasets import open_training_data
from squeezebert.training.recipe.run import DataRecipe, DataSource, FinetuneRecipe

CONLL = "Ada B-PER\nran O\nhome B-LOC\n\nthe O\ndog B-ANIMAL\nran O\n\n"


def table(path: Path, rows: list[tuple[str, str]]) -> str:
    lines = ["text,label", *(f"{text},{label}" for text, label in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def recipe(task: Any, *train: DataSource, **settings: Any) -> FinetuneRecipe:
    problem_type = settings.pop("problem_type", "single_label")
    return FinetuneRecipe(
        task=task, problem_type=problem_type, data=DataRecipe(train=train, **settings)
    )


def test_sets_in_a_row_with_their_own_labels(tmp_path: Path) -> None:
    rows = [("a good one", "pos"), ("a bad one", "neg"), ("hm", "unclear")] * 20
    first = table(tmp_path / "a.csv", [(f"{text} {n}", x) for n, (text, x) in enumerate(rows)])
    second = table(tmp_path / "b.csv", [(f"also good {n}", "positive") for n in range(10)])
    data = open_training_data(
        recipe(
            "text_classification",
            DataSource(path=first, label_map={"pos": "positive", "neg": "bad", "unclear": ""}),
            DataSource(path=second),
        )
    )
    assert data.labels == ("bad", "positive")
    assert {example.label for example in (*data.train, *data.dev)} == {"bad", "positive"}
    assert (len(data.train), len(data.dev)) == (45, 5)
    assert {e.text for e in data.train}.isdisjoint(e.text for e in data.dev)
    assert [(use, count) for use, _, count in data.rows] == [
        ("train", 36),
        ("train", 9),
        ("dev", 4),
        ("dev", 1),
    ]


def test_entity_types_are_renamed_and_dropped(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text(CONLL * 5)
    source = DataSource(
        path=str(tmp_path / "train.conll"), label_map={"PER": "PERSON", "ANIMAL": ""}
    )
    data = open_training_data(recipe("token_classification", source))
    assert data.labels == ("O", "B-LOC", "I-LOC", "B-PERSON", "I-PERSON")
    assert data.train[0].tags == ("B-PERSON", "O", "B-LOC")
    assert {tag for e in (*data.train, *data.dev) for tag in e.tags} == {"O", "B-PERSON", "B-LOC"}
    assert (len(data.train), len(data.dev)) == (9, 1)


def test_labels_of_the_recipe_set_the_order(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [(f"text {n}", "ab"[n % 2]) for n in range(20)])
    data = open_training_data(
        recipe("text_classification", DataSource(path=path), labels=("b", "c", "a"))
    )
    assert data.labels == ("b", "c", "a")
    (tmp_path / "train.conll").write_text(CONLL * 5)
    source = DataSource(path=str(tmp_path / "train.conll"))
    data = open_training_data(
        recipe("token_classification", source, labels=("PER", "LOC", "ANIMAL"))
    )
    assert data.labels[:3] == ("O", "B-PER", "I-PER")


def test_a_directory_brings_its_dev_split(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", [(f"text {n}", "ab"[n % 2]) for n in range(20)])
    table(tmp_path / "dev.csv", [(f"dev {n}", "ab"[n % 2]) for n in range(6)])
    data = open_training_data(recipe("text_classification", DataSource(path=str(tmp_path))))
    assert (len(data.train), len(data.dev)) == (20, 6)


def test_a_dev_set_of_its_own(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [(f"text {n}", "ab"[n % 2]) for n in range(20)])
    dev = table(tmp_path / "d.csv", [(f"dev {n}", "ab"[n % 2]) for n in range(30)])
    data = open_training_data(
        recipe(
            "text_classification",
            DataSource(path=path),
            dev=(DataSource(path=dev, limit=4),),
        )
    )
    assert len(data.train) == 20
    assert [e.text for e in data.dev] == ["dev 0", "dev 7", "dev 15", "dev 22"]


@pytest.mark.parametrize("name", ["dev.csv", "validation.csv", "test.csv", "other.csv"])
def test_a_dev_file_of_any_name(tmp_path: Path, name: str) -> None:
    path = table(tmp_path / "train.csv", [(f"text {n}", "ab"[n % 2]) for n in range(20)])
    dev = table(tmp_path / name, [(f"dev {n}", "ab"[n % 2]) for n in range(6)])
    made = recipe("text_classification", DataSource(path=path), dev=(DataSource(path=dev),))
    assert len(open_training_data(made).dev) == 6


def test_samples_know_their_splits_labels_and_language() -> None:
    data = open_training_data(recipe("text_classification", DataSource(path="sample_news")))
    assert len(data.labels) == 6
    assert data.languages == ("en",)
    assert [use for use, _, _ in data.rows] == ["train", "dev"]
    assert data.notes[0].startswith("sample_news: license CC BY 4.0")
    limited = open_training_data(
        recipe("text_classification", DataSource(path="sample_news", limit=7))
    )
    assert len(limited.train) == 7
    assert len(limited.dev) == len(data.dev)


def test_numbers_and_documents(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [(f"text {n}", str(n / 2)) for n in range(20)])
    data = open_training_data(
        recipe("text_classification", DataSource(path=path), problem_type="regression")
    )
    assert data.labels == ("value",)
    assert data.problem_type == "regression"
    (tmp_path / "talk.txt").write_text("hello\nhi\n\n" * 20)
    data = open_training_data(recipe("masked_lm", DataSource(path=str(tmp_path / "talk.txt"))))
    assert data.labels == ()
    assert (len(data.train), len(data.dev)) == (18, 2)


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (
            recipe("masked_lm"),
            ConfigError,
            r"data\.train is empty\nhint: the known sets .*dialogues",
        ),
        (
            recipe("text_classification", DataSource(path="sample_newz")),
            InvalidInputError,
            "did you mean 'sample_news'",
        ),
        (
            recipe("text_classification", DataSource(path="sample_ner_en")),
            InvalidInputError,
            "a data set for token_classification",
        ),
        (
            recipe(
                "text_classification", DataSource(path="sample_news", label_map={"sports": "sport"})
            ),
            ConfigError,
            r"renames 'sports', which sample_news has not\nhint: its labels are business",
        ),
    ],
)
def test_what_does_not_go_together(
    made: FinetuneRecipe, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        open_training_data(made)


def test_too_little_for_a_dev_set(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [("one", "a")])
    with pytest.raises(DataError, match="there are no dev examples"):
        open_training_data(recipe("text_classification", DataSource(path=path)))


def soft(path: Path, labels: tuple[str, ...]) -> str:
    example = dataclasses.replace(
        TokenExample.from_words(["Ada"]), soft=np.arange(len(labels), dtype=np.float32)[None]
    )
    write_soft_labels(path, [example], labels)
    return str(path)


def test_soft_labels_come_in_the_order_of_the_head(tmp_path: Path) -> None:
    gold = tmp_path / "gold.conll"
    gold.write_text("Ada B-PER\nLovelace I-PER\n\nran O\n\n", encoding="utf-8")
    taught = soft(tmp_path / "soft.safetensors", ("I-PER", "O", "B-PER"))
    sources = DataSource(path=str(gold)), DataSource(path=taught, repeat=2)
    dev = (DataSource(path=str(gold)),)
    data = open_training_data(recipe("token_classification", *sources, dev=dev))
    assert data.labels == ("O", "B-PER", "I-PER")
    assert [example.soft.tolist() for example in data.train[-2:]] == [[[1, 2, 0]]] * 2
    assert data.train[0].soft is None


def test_soft_labels_of_another_head_are_refused(tmp_path: Path) -> None:
    taught = DataSource(path=soft(tmp_path / "soft.safetensors", ("O", "B-LOC")))
    with pytest.raises(ConfigError, match="soft labels for O, B-LOC"):
        open_training_data(recipe("token_classification", taught, dev=(taught,), labels=("PER",)))
    renamed = dataclasses.replace(taught, label_map={"LOC": "PER"})
    with pytest.raises(ConfigError, match="cannot rename"):
        open_training_data(recipe("token_classification", renamed, dev=(taught,)))


def test_soft_labels_of_texts_come_in_the_order_of_the_head(tmp_path: Path) -> None:
    gold = table(tmp_path / "a.csv", [(f"{text} {n}", text) for n in range(30) for text in "ab"])
    file = tmp_path / "soft.safetensors"
    write_soft_labels(file, [TextExample(text="c", soft=np.array([0.75, 0.25]))] * 40, ("b", "a"))
    taught = DataSource(path=str(file))
    data = open_training_data(recipe("text_classification", DataSource(path=gold), taught))
    assert data.labels == ("a", "b")
    assert [example.soft.tolist() for example in data.train[-40:]] == [[0.25, 0.75]] * 40
    assert all(example.soft is None for example in data.dev), "a teacher's labels score nothing"
    renamed = dataclasses.replace(taught, label_map={"a": "x"})
    with pytest.raises(ConfigError, match="cannot rename"):
        open_training_data(recipe("text_classification", DataSource(path=gold), renamed))
    with pytest.raises(DataError, match="there are no dev examples"):
        open_training_data(recipe("text_classification", taught))
    gold_too = DataSource(path=gold)
    with pytest.raises(ConfigError, match="by which no weights are chosen"):
        open_training_data(recipe("text_classification", gold_too, dev=(taught,)))


def test_types_that_nobody_looked_for(tmp_path: Path) -> None:
    gold = tmp_path / "gold.conll"
    gold.write_text(CONLL, encoding="utf-8")
    source = DataSource(path=str(gold), label_map={"ANIMAL": ""}, types=("PER", "LOC", "ORG"))
    data = open_training_data(recipe("token_classification", source, dev=(source,)))
    assert all(example.types == ("PER", "LOC", "ORG") for example in data.train)
    with pytest.raises(ConfigError, match=r"types of .* lacks 'LOC'"):
        open_training_data(
            recipe("token_classification", dataclasses.replace(source, types=("PER",)))
        )
    texts = DataSource(path=table(tmp_path / "a.csv", [("a", "b")]), types=("PER",))
    with pytest.raises(ConfigError, match="no entities"):
        open_training_data(recipe("text_classification", texts))


def test_labels_of_words(tmp_path: Path) -> None:
    file = tmp_path / "train.conll"
    file.write_text("ada NNP\nran VBD\n\nhome NN\n\n" * 5)
    source = DataSource(path=str(file), label_map={"NNP": "NOUN", "NN": "NOUN"})
    data = open_training_data(recipe("token_classification", source))
    assert data.labels == ("NOUN", "VBD")
    assert data.train[0].tags == ("NOUN", "VBD")
    (tmp_path / "names.conll").write_text(CONLL * 5)
    names = DataSource(path=str(tmp_path / "names.conll"))
    with pytest.raises(ConfigError, match="some training sets name entities, others label words"):
        open_training_data(recipe("token_classification", source, names))


def test_readers_options(tmp_path: Path) -> None:
    columns = tmp_path / "a.conll"
    columns.write_text("ada B-PER\nran O\nhome I-LOC\n\n" * 20)
    with pytest.raises(DataError, match="one tagging scheme in a file"):
        open_training_data(recipe("token_classification", DataSource(path=str(columns))))
    source = DataSource(path=str(columns), scheme="IOB1")
    assert open_training_data(recipe("token_classification", source)).labels[1] == "B-LOC"
    mail = tmp_path / "a.csv"
    mail.write_text("text,label\n" + ',good\n"a cat,good\na dog,bad\n' * 20)
    source = DataSource(path=str(mail), empty="skip", quoted=False)
    with pytest.raises(DataError, match="is empty"):
        open_training_data(recipe("text_classification", DataSource(path=str(mail))))
    data = open_training_data(recipe("text_classification", source))
    texts = {example.text for example in data.train}
    assert texts >= {'"a cat', "a dog"}
