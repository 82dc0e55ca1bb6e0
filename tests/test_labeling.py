"""A tagger's soft labels for text that nobody tagged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from squeezebert import pipeline
from squeezebert.cli.main import run
from squeezebert.data import open_dataset
from squeezebert.data.examples import TextExample, TokenExample
from squeezebert.data.sentences import split_sentences
from squeezebert.data.soft_labels import read_soft_labels
from squeezebert.errors import InvalidInputError
from squeezebert.labeling import (
    LONGEST,
    PLAIN,
    label,
    label_texts,
    unlabeled,
    unlabeled_texts,
)
from squeezebert.tasks.metrics import softmax

TEXT = """Ada Lovelace met Charles Babbage in London. It rained all day long then.

The weather is better today, says nobody at all."""


def test_text_is_cut_into_sentences_of_words(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT + "\n\n" + "word " * (LONGEST + 10) + "\n\nThree short words.", "utf-8")
    found = list(unlabeled(file))
    assert [len(example.words) for example in found] == [8, 7, 11, LONGEST, 10]
    assert found[1].words[0] == "It"
    assert all(example.tags is None for example in found)


def test_closing_quotes_stay_with_their_sentence() -> None:
    assert split_sentences('"Come!" She did. (It was late.) And so on.') == [
        '"Come!"',
        "She did.",
        "(It was late.)",
        "And so on.",
    ]


def test_a_known_set_gives_its_words_without_tags() -> None:
    found = list(unlabeled("sample_ner_en:dev"))
    assert found
    assert all(example.tags is None for example in found)


def test_a_known_set_of_texts_gives_their_sentences() -> None:
    texts = open_dataset("sample_news", task="text_classification", split="train").examples
    found = list(unlabeled("sample_news"))
    assert len(found) > len(texts)
    assert found[0].words[0] in texts[0].text
    assert found[0].where == texts[0].where
    assert len(list(unlabeled("sample_news:dev"))) < len(found)


def test_soft_labels_are_the_taggers_own() -> None:
    tagger = pipeline.load("squeezebert-mini-ner", threads=1)
    example = TokenExample.from_words(["Ada", "Lovelace", "lived", "in", "London", "."])
    [found] = label(tagger, [example])
    [reduced] = tagger.answer([example]).reduced
    assert found.soft is not None
    np.testing.assert_allclose(found.soft, softmax(reduced.logits), atol=1e-3)


def test_plain_sentences_can_be_left_out() -> None:
    tagger = pipeline.load("squeezebert-mini-ner", threads=1)
    named = TokenExample.from_words(["Ada", "Lovelace", "lived", "in", "London", "."])
    plain = TokenExample.from_words(["it", "was", "raining", "all", "day", "."])
    kept = list(label(tagger, [named, plain] * 20, plain_share=0.0))
    assert [example.words for example in kept] == [named.words] * 20
    assert all(e.soft is not None and e.soft[:, 0].min() < PLAIN for e in kept)
    assert len(list(label(tagger, [named, plain] * 20, plain_share=1.0))) == 40
    some = len(list(label(tagger, [plain] * 200, plain_share=0.3)))
    assert 30 < some < 90
    with pytest.raises(InvalidInputError, match="plain_share"):
        list(label(tagger, [named], plain_share=1.5))


def test_another_task_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="token_classification"):
        list(label(pipeline.load("squeezebert-mini-news", threads=1), []))


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, output = tmp_path / "text.txt", tmp_path / "soft.safetensors"
    file.write_text(TEXT, encoding="utf-8")
    words = [
        "label",
        "squeezebert-mini-ner",
        str(file),
        "--limit",
        "2",
        "--output",
        str(output),
    ]
    assert run(words) == 0
    assert "2 sentences" in capsys.readouterr().out
    found = read_soft_labels(output, "token_classification")
    assert len(found.examples) == 2
    assert found.labels[0] == "O"


def test_a_file_of_another_kind_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["label", "squeezebert-mini-news", "sample_news", "--output"]
    assert run([*words, str(tmp_path / "soft.txt")]) == 2
    assert f"hint: --output {tmp_path / 'soft.safetensors'}" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_what_is_there_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "soft.safetensors"
    output.write_text("mine")
    assert run(["label", "squeezebert-mini-news", "sample_news", "--output", str(output)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert output.read_text() == "mine"


def test_a_table_gives_its_texts_and_altered_copies(tmp_path: Path) -> None:
    file = tmp_path / "news.csv"
    file.write_text("headline,category\nRain in Rome again,weather\n,x\nThe match is on,sport\n")
    found = unlabeled_texts(file, copies=2)
    assert [example.text for example in found[:2]] == ["Rain in Rome again", "The match is on"]
    assert len(found) == 6
    assert all(example.label is None for example in found)
    assert found[2:4] != found[4:6], "each copy is another"
    assert unlabeled_texts(file, copies=2) == found


def test_a_table_gives_its_sentences_too(tmp_path: Path) -> None:
    file = tmp_path / "news.csv"
    file.write_text("headline,category\nRain in Rome again. The match is on today.,x\n")
    assert [len(example.words) for example in unlabeled(file)] == [5, 6]


def test_the_second_column_of_a_table_and_turns_are_read_for_words(tmp_path: Path) -> None:
    table, turns = tmp_path / "pairs.csv", tmp_path / "turns.jsonl"
    table.write_text("a,b\nRain in Rome again.,The match is on today.\n", encoding="utf-8")
    found = unlabeled(table, text="a", pair="b")
    assert [len(example.words) for example in found] == [5, 6]
    turns.write_text('{"turns": ["Rain in Rome again.", "The match is on today."]}\n', "utf-8")
    assert [len(example.words) for example in unlabeled(turns)] == [5, 6]


def test_a_name_that_nothing_has(tmp_path: Path) -> None:
    for read in (unlabeled_texts, lambda source: list(unlabeled(source))):
        with pytest.raises(InvalidInputError, match="no data set and no file") as caught:
            read("sample_new")
        assert "sample_news" in str(caught.value.hint)


def test_paragraphs_and_known_sets_are_texts(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    assert [example.text for example in unlabeled_texts(file)] == TEXT.split("\n\n")
    news = open_dataset("sample_news", task="text_classification", split="dev").examples
    assert unlabeled_texts("sample_news:dev", 3)[0].text == news[0].text
    assert len(unlabeled_texts("sample_news:dev", 3)) == 3
    assert " ".join(unlabeled_texts("sample_ner_en:dev")[0].text.split())


def test_soft_labels_of_texts_are_the_classifiers_own() -> None:
    classifier = pipeline.load("squeezebert-mini-news", threads=1)
    example = TextExample(text="The striker scored twice.", label="x")
    [found] = label_texts(classifier, [example])
    [logits] = classifier.answer([example]).reduced
    assert found.soft is not None
    np.testing.assert_allclose(found.soft, softmax(logits), atol=1e-6)
    with pytest.raises(InvalidInputError, match="text_classification"):
        list(label_texts(pipeline.load("squeezebert-mini-ner", threads=1), []))


def test_texts_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, output = tmp_path / "news.csv", tmp_path / "soft.safetensors"
    file.write_text("headline\nRain in Rome again\nThe match is on\n", encoding="utf-8")
    words = ["label", "squeezebert-mini-news", str(file), "--text", "headline"]
    assert run([*words, "--variants", "3", "--output", str(output)]) == 0
    assert "8 texts" in capsys.readouterr().out
    found = read_soft_labels(output, "text_classification")
    assert len(found.examples) == 8
    assert "sport" in found.labels
    other = str(tmp_path / "other.safetensors")
    assert run([*words, "--plain-share", "0.5", "--output", other]) == 2
    assert "--plain-share" in capsys.readouterr().err
