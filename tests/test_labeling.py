"""A tagger's soft labels for text that nobody tagged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from squeezebert import pipeline
from squeezebert.cli.main import run
from squeezebert.data import open_dataset
from squeezebert.data.examples import TokenExample
from squeezebert.data.sentences import split_sentences
from squeezebert.data.soft_labels import read_soft_labels
from squeezebert.errors import InvalidInputError
from squeezebert.labeling import LONGEST, PLAIN, label, unlabeled
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
        "--sentences",
        "2",
        "--output",
        str(output),
    ]
    assert run(words) == 0
    assert "2 sentences" in capsys.readouterr().out
    found, labels = read_soft_labels(output)
    assert len(found) == 2
    assert labels[0] == "O"
