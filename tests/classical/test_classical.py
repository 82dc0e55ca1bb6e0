"""Classical models answer and score in the terms of the tasks."""

from __future__ import annotations

import random

import numpy as np
import pytest

from squeezebert.classical import Classical, fit_classical
from squeezebert.classical.word_shapes import word_features
from squeezebert.data import Dataset, open_dataset
from squeezebert.data.examples import Document, TextExample, TokenExample
from squeezebert.errors import ConfigError, DataError, InvalidInputError
from squeezebert.spec import TaskName, TaskSpec
from squeezebert.tasks.base import Scores
from squeezebert.tokenizer import Tokenizer


def scored(model: Classical, examples: list[object]) -> Scores:
    features = model.features(examples, with_labels=True)
    return model.task.score(examples, features, model.reduced(examples, features))


def parts(name: str, task: TaskName) -> list[Dataset]:
    return [open_dataset(name, task=task, split=split) for split in ("train", "test")]


NEWS = TaskSpec(
    task="text_classification",
    labels=("business", "culture", "health", "politics", "sport", "technology"),
)


def test_news() -> None:
    train, test = (
        open_dataset("sample_news", task="text_classification", split=split)
        for split in ("train", "test")
    )
    model = fit_classical(NEWS, train.examples)
    scores = scored(model, list(test.examples))
    assert scores.values["accuracy"] > 0.6  # six topics: chance is a sixth
    assert 0.0 <= scores.values["ece"] < 0.3
    (answer,) = model.predict([TextExample(text="The striker scored twice in the second half.")])
    assert answer.label == "sport"
    assert sum(answer.probabilities.values()) == pytest.approx(1.0, abs=1e-6)
    assert model.parameters > 1000
    assert model.watch.cpu_seconds > 0.0
    assert model.predict([]) == []


def test_pairs_are_told_apart_by_what_they_share() -> None:
    """Not by their words: those of the test part were never seen."""
    random_words = random.Random(1)

    def pair(*, same: bool) -> TextExample:
        first, second = (
            " ".join("".join(random_words.choices("abcdefghij", k=6)) for _ in range(4))
            for _ in range(2)
        )
        other = " ".join(reversed(first.split())) if same else second
        return TextExample(text=first, pair=other, label="same" if same else "other")

    train, test = ([pair(same=n % 2 == 0) for n in range(count)] for count in (60, 40))
    spec = TaskSpec(task="text_classification", labels=("other", "same"))
    model = fit_classical(spec, train)
    assert scored(model, list(test)).values["accuracy"] == 1.0
    # A text without a second is one whose second is empty.
    (answer,) = model.predict([TextExample(text="abcdef")])
    assert answer.label == "other"


def test_entities() -> None:
    train, test = (
        open_dataset("sample_ner_en", task="token_classification", split=split)
        for split in ("train", "test")
    )
    spec = TaskSpec(task="token_classification", labels=train.labels)
    model = fit_classical(spec, train.examples)
    scores = scored(model, list(test.examples))
    assert scores.values["entity_f1"] > 0.2
    assert scores.values["token_accuracy"] > 0.8
    known = next(e for e in train.examples if e.tags and "B-PER" in e.tags)
    assert any(entity.type == "PER" for entity in model.predict([known])[0])
    assert model.predict([TokenExample(words=(), offsets=(), text="")]) == [()]


def test_the_field_decides_a_sentence_together() -> None:
    """The tags that are told are those of the best path, not of each word by itself."""
    pycrfsuite = pytest.importorskip("pycrfsuite")
    train, test = parts("sample_ner_en", "token_classification")
    spec = TaskSpec(task="token_classification", labels=train.labels)
    model = fit_classical(spec, train.examples[:300])
    examples = list(test.examples)
    features = model.features(examples, with_labels=False)
    told = model.task.tags(examples, features, model.reduced(examples, features))
    assert isinstance(model._tagger, pycrfsuite.Tagger)
    assert told == [model._tagger.tag(word_features(e.words)) if e.words else [] for e in examples]


def test_gaps(tiny_vocabulary: tuple[str, ...]) -> None:
    tokenizer = Tokenizer.from_vocabulary(list(tiny_vocabulary), lowercase=True)
    documents = [Document(turns=("the cat sat on the mat", "the dog ran home"))] * 5
    spec = TaskSpec(task="masked_lm", max_length=32)
    model = fit_classical(spec, documents, tokenizer=tokenizer)
    (gaps,) = model.predict([Document(turns=("the cat sat [MASK] the mat",))])
    assert gaps[0].candidates[0].token == "on"
    assert gaps[0].candidates[0].score > 0.5
    scores = scored(model, list(documents))
    assert scores.values["accuracy"] > 0.5
    with pytest.raises(ConfigError, match="tokenizer"):
        fit_classical(spec, documents)


@pytest.mark.parametrize("problem", ["multi_label", "regression"])
def test_several_labels_and_numbers(problem: str) -> None:
    draw = random.Random(0)
    examples: list[TextExample] = []
    for _ in range(60):
        words = draw.sample(["red", "green", "blue", "round"], 2)
        value = float("red" in words) + 2.0 * ("blue" in words)
        label = tuple(words) if problem == "multi_label" else value
        examples.append(TextExample(text=" ".join(words), label=label))
    labels = ("red", "green", "blue", "round") if problem == "multi_label" else ("value",)
    spec = TaskSpec(task="text_classification", labels=labels, problem_type=problem)
    scores = scored(fit_classical(spec, examples), list(examples))
    assert scores.values[scores.main] > 0.9


def test_a_class_of_one_text_and_a_class_of_none() -> None:
    texts = ["good film", "good book", "bad film"]
    examples = [TextExample(text=text, label=text.split()[0]) for text in texts]
    spec = TaskSpec(task="text_classification", labels=("bad", "good", "odd"))
    answer = fit_classical(spec, examples).predict([TextExample(text="good")])[0]
    assert answer.label == "good"
    assert answer.probabilities["odd"] < 1e-6


def test_what_cannot_be_fitted() -> None:
    spec = TaskSpec(task="text_classification", labels=("a", "b"))
    with pytest.raises(InvalidInputError, match="no examples"):
        fit_classical(spec, [])
    with pytest.raises(InvalidInputError, match="one class"):
        fit_classical(spec, [TextExample(text="x y", label="a")] * 4)
    with pytest.raises(InvalidInputError, match="no words"):
        fit_classical(spec, [TextExample(text="", label="a"), TextExample(text="", label="b")])
    with pytest.raises(DataError, match="unknown label"):
        fit_classical(spec, [TextExample(text="x", label="c")])
    tags = TaskSpec(task="token_classification", labels=("O", "B-PER", "I-PER"))
    with pytest.raises(DataError, match="no tags"):
        fit_classical(tags, [TokenExample.from_words(["Ada"])])


def test_features_of_words() -> None:
    first, second = word_features(["IBM-7", "fell"])
    assert "0:shape=X-d" in first
    assert "1:word=fell" in first
    assert "-1:edge" in first
    assert "-1:word=ibm-7" in second
    assert word_features([]) == []
    assert np.array(word_features(["a"])).dtype.kind == "U"
