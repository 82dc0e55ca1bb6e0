from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk
from tokenizers.models import WordLevel

from squeezebert.data.examples import TextExample
from squeezebert.errors import ConfigError, DataError, InvalidInputError
from squeezebert.spec import TaskSpec
from squeezebert.tasks.text_classification import (
    Classification,
    MultiClassification,
    Regression,
    TextClassification,
)
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

TOKENIZER = Tokenizer.from_vocabulary([*SPECIAL_TOKENS, "a", "b", "c"], lowercase=True)
SINGLE = TaskSpec(task="text_classification", labels=("x", "y", "z"), max_length=10)
MULTI = dataclasses.replace(SINGLE, problem_type="multi_label")
NUMBER = dataclasses.replace(SINGLE, problem_type="regression", labels=())
CLS, SEP, A, B = TOKENIZER.cls_id, TOKENIZER.sep_id, 5, 6


def score(spec: TaskSpec, labels: list, logits: np.ndarray):
    task = TextClassification(spec, TOKENIZER)
    examples = [TextExample(text="a", label=label) for label in labels]
    features = task.encode(examples, with_labels=True)
    rows = logits.astype(np.float32)
    reduced = [task.reduce(item, row) for item, row in zip(features, rows, strict=True)]
    return task.score(examples, features, reduced)


def test_one_text_a_pair_and_an_empty_text() -> None:
    task = TextClassification(SINGLE, TOKENIZER)
    one, two, none = task.encode(
        [TextExample(text="A b"), TextExample(text="a", pair="b b"), TextExample(text=" \n")]
    )
    assert one.input_ids.tolist() == [CLS, A, B, SEP]
    assert one.offsets.tolist() == [[0, 0], [0, 1], [2, 3], [0, 0]]
    assert two.input_ids.tolist() == [CLS, A, SEP, B, B, SEP]
    assert two.token_type_ids.tolist() == [0, 0, 0, 1, 1, 1]
    assert none.input_ids.tolist() == [CLS, SEP]
    assert one.labels is None
    assert [item.example for item in (one, two, none)] == [0, 1, 2]


@given(st.integers(0, 30), st.none() | st.integers(0, 30), st.integers(4, 24))
def test_cuts_as_the_tokenizers_library_does(first: int, second: int | None, longest: int) -> None:
    spec = dataclasses.replace(SINGLE, max_length=longest)
    example = TextExample(text="a " * first, pair=None if second is None else "b " * second)
    ids = TextClassification(spec, TOKENIZER).encode([example])[0].input_ids.tolist()

    library = tokenizers.Tokenizer(WordLevel({"a": A, "b": B, "[UNK]": 1}, unk_token="[UNK]"))
    library.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    library.post_processor = tokenizers.processors.BertProcessing(("[SEP]", SEP), ("[CLS]", CLS))
    library.enable_truncation(longest, strategy="longest_first")
    assert ids == library.encode(example.text, example.pair).ids
    assert len(ids) <= longest


@given(st.lists(st.text(max_size=30), max_size=4))
def test_any_texts_give_one_input_each_that_fits(texts: list[str]) -> None:
    features = TextClassification(SINGLE, TOKENIZER).encode([TextExample(text=t) for t in texts])
    assert [item.example for item in features] == list(range(len(texts)))
    for text, item in zip(texts, features, strict=True):
        assert 2 <= len(item) <= 10
        assert (item.offsets >= 0).all()
        assert (item.offsets <= len(text)).all()


def test_a_line_of_a_megabyte_is_cut() -> None:
    item = TextClassification(SINGLE, TOKENIZER).encode([TextExample(text="a " * 500_000)])[0]
    assert len(item) == 10


def test_single_label_prediction() -> None:
    task = TextClassification(SINGLE, TOKENIZER)
    row = np.log(np.array([1.0, 2.0, 1.0], dtype=np.float32))
    (found,) = task.predict([], [], [row])
    assert found == Classification(
        label="y",
        score=pytest.approx(0.5),
        probabilities=pytest.approx({"x": 0.25, "y": 0.5, "z": 0.25}),
    )
    assert list(found.probabilities) == ["y", "x", "z"]  # best first; of equals, as in the labels
    warm = TextClassification(dataclasses.replace(SINGLE, temperature=0.5), TOKENIZER)
    (surer,) = warm.predict([], [], [row])
    assert isinstance(surer, Classification)
    assert surer.score == pytest.approx(4 / 6)


def test_multi_label_prediction() -> None:
    (found,) = TextClassification(MULTI, TOKENIZER).predict(
        [], [], [np.array([2.0, -2.0, 0.0], dtype=np.float32)]
    )
    assert isinstance(found, MultiClassification)
    assert found.labels == ("x", "z")
    assert found.probabilities == pytest.approx({"x": 0.880797, "y": 0.119203, "z": 0.5})
    assert (found.label, found.score) == ("x", found.probabilities["x"])


def test_the_best_classes_and_a_threshold_can_be_chosen() -> None:
    row = np.array([2.0, -2.0, 0.0], dtype=np.float32)
    task = TextClassification(MULTI, TOKENIZER)
    (found,) = task.choosing(threshold=0.1, top_k=1).predict([], [], [row])
    assert isinstance(found, MultiClassification)
    assert found.labels == ("x", "y", "z")  # in the order of the labels
    assert list(found.probabilities) == ["x"]
    (as_before,) = task.predict([], [], [row])
    assert isinstance(as_before, MultiClassification)
    assert as_before.labels == ("x", "z")
    (none,) = task.choosing(threshold=1.0).predict([], [], [row])
    assert isinstance(none, MultiClassification)
    assert none.labels == ()
    (many,) = TextClassification(SINGLE, TOKENIZER).choosing(top_k=99).predict([], [], [row])
    assert list(many.probabilities) == ["x", "z", "y"]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"top_k": 0}, "top_k is 0, expected 1 or more"),
        ({"threshold": 1.5}, "threshold is 1.5, expected a probability"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"threshold": 0.5}, "this one is single_label"),
    ],
)
def test_choices_that_cannot_be_are_refused(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        TextClassification(SINGLE, TOKENIZER).choosing(**choice)


def test_a_raw_text_or_a_pair_becomes_an_example() -> None:
    task = TextClassification(SINGLE, TOKENIZER)
    assert task.from_text("a b", "text 3") == TextExample(text="a b", where="text 3")
    assert task.from_text(("a", "b")) == TextExample(text="a", pair="b")
    for wrong, message in (
        (("a",), "the text is a tuple of 1, expected a string or a pair"),
        (("a", None), "the text, second text, is None of type NoneType"),
        (b"a", "of type bytes"),
        (("a", "\ud800"), "second text, holds half of a surrogate pair"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            task.from_text(wrong)


def test_regression_prediction_is_untouched_by_temperature() -> None:
    task = TextClassification(dataclasses.replace(NUMBER, temperature=3.0), TOKENIZER)
    assert task.predict([], [], [np.array([2.5], dtype=np.float32)]) == [
        Regression(label="value", score=2.5, probabilities={})
    ]


def test_single_label_scores_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(200, 3))
    true = rng.integers(3, size=200)
    scores = score(SINGLE, [SINGLE.labels[i] for i in true], logits)
    predicted = logits.argmax(axis=1)
    assert scores.main == "accuracy"
    assert scores.values["accuracy"] == pytest.approx(sk.accuracy_score(true, predicted))
    assert scores.values["macro_f1"] == pytest.approx(sk.f1_score(true, predicted, average="macro"))
    assert scores.values["matthews"] == pytest.approx(sk.matthews_corrcoef(true, predicted))
    assert 0.0 < scores.values["ece"] < 1.0
    assert scores.confusion == tuple(map(tuple, sk.confusion_matrix(true, predicted).tolist()))
    assert scores.labels == SINGLE.labels
    report = sk.classification_report(
        true, predicted, target_names=list(SINGLE.labels), output_dict=True
    )
    for label in SINGLE.labels:
        row = dict(report[label])
        row["f1"] = row.pop("f1-score")
        assert scores.per_class[label] == pytest.approx(row)


def test_multi_label_scores_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(100, 3))
    true = rng.random((100, 3)) < 0.4
    labels = [tuple(np.array(MULTI.labels)[row].tolist()) for row in true]
    scores = score(MULTI, labels, logits)
    predicted = logits >= 0
    assert scores.main == "micro_f1"
    assert scores.values["micro_f1"] == pytest.approx(sk.f1_score(true, predicted, average="micro"))
    assert scores.values["macro_f1"] == pytest.approx(sk.f1_score(true, predicted, average="macro"))
    assert scores.values["accuracy"] == pytest.approx(sk.accuracy_score(true, predicted))
    assert scores.per_class["z"]["support"] == true[:, 2].sum()
    assert scores.confusion is None


def test_regression_scores() -> None:
    scores = score(NUMBER, [1.0, 2.0, 3.0, 4.0], np.array([[1.0], [4.0], [9.0], [16.0]]))
    assert scores.main == "pearson"
    assert scores.values["spearman"] == pytest.approx(1.0)
    assert scores.values["pearson"] == pytest.approx(0.9843740387)
    assert scores.values["mean_absolute_error"] == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("spec", "label", "message"),
    [
        (SINGLE, None, "has no label"),
        (SINGLE, "w", "unknown label 'w'\nhint: the model's labels are 'x', 'y', 'z'.*--label-map"),
        (SINGLE, ("x", "y"), "has 2 labels, expected one"),
        (SINGLE, 1.0, "unknown label 1.0"),
        (MULTI, ("x", "w"), "unknown label 'w'"),
        (NUMBER, "many", "'many', expected a number"),
        (NUMBER, float("nan"), "nan, expected a number"),
        (NUMBER, ("1", "2"), "expected a number"),
    ],
)
def test_labels_that_cannot_be_name_their_place(
    spec: TaskSpec, label: object, message: str
) -> None:
    example = TextExample(text="a", label=label, where="news.csv:7")  # pyright: ignore
    task = TextClassification(spec, TOKENIZER)
    with pytest.raises(DataError, match=rf"^news\.csv:7.*{message}"):
        task.encode([example], with_labels=True)
    assert task.encode([example])[0].labels is None


def test_labels_as_the_head_wants_them() -> None:
    for spec, label, expected, dtype in (
        (SINGLE, "z", 2, np.int64),
        (SINGLE, ("y",), 1, np.int64),
        (MULTI, (), [0, 0, 0], np.float32),
        (MULTI, "y", [0, 1, 0], np.float32),
        (NUMBER, "2.5", 2.5, np.float32),
    ):
        examples = [TextExample(text="a", label=label)]
        labels = TextClassification(spec, TOKENIZER).encode(examples, with_labels=True)[0].labels
        assert labels is not None
        assert labels.dtype == dtype
        assert labels.tolist() == expected


def test_soft_labels_as_the_loss_wants_them() -> None:
    soft = np.array([0.125, 0.625, 0.25], np.float16)
    for spec, taught, labels, kept in (
        (SINGLE, soft, 1, soft.tolist()),
        (MULTI, soft, soft.tolist(), None),
        (NUMBER, soft[:1], 0.125, None),
    ):
        example = TextExample(text="a", soft=taught)
        item = TextClassification(spec, TOKENIZER).encode([example], with_labels=True)[0]
        assert item.labels is not None
        assert item.labels.tolist() == labels
        assert (None if item.soft is None else item.soft.tolist()) == kept
    short = TextExample(text="a", soft=soft[:2])
    with pytest.raises(DataError, match="soft labels for 2, expected 3"):
        TextClassification(SINGLE, TOKENIZER).encode([short], with_labels=True)


@pytest.mark.parametrize("text", [None, 1, b"a", "\ud800"])
def test_texts_that_are_none(text: object) -> None:
    task = TextClassification(SINGLE, TOKENIZER)
    with pytest.raises(InvalidInputError, match=r"^text 0 "):
        task.encode([TextExample(text=text)])  # pyright: ignore
    if text is not None:
        with pytest.raises(InvalidInputError, match="text 0, second text,"):
            task.encode([TextExample(text="a", pair=text)])  # pyright: ignore


def test_scoring_nothing_is_refused() -> None:
    task = TextClassification(SINGLE, TOKENIZER)
    with pytest.raises(InvalidInputError, match="no examples"):
        task.score([], [], [])
    with pytest.raises(InvalidInputError, match="no labels"):
        task.score([], task.encode([TextExample(text="a")]), [np.zeros(3, dtype=np.float32)])
    with pytest.raises(InvalidInputError, match=r"expected \(3,\)"):
        task.reduce(task.encode([TextExample(text="a")])[0], np.zeros(2, dtype=np.float32))


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ()},
        {"labels": ("x",)},
        {"problem_type": "regression"},
        {"problem_type": "ranking"},
        {"problem_type": "multi_label", "labels": ()},
    ],
)
def test_specs_that_cannot_be(changes: dict) -> None:
    with pytest.raises(ConfigError):
        TextClassification(dataclasses.replace(SINGLE, **changes), TOKENIZER)


def test_how_much_was_cut_is_told() -> None:
    task = TextClassification(dataclasses.replace(SINGLE, max_length=8), TOKENIZER)
    pair = TextExample(text="a " * 4, pair="b " * 9)
    texts = [TextExample(text="a " * 20), TextExample(text="a"), pair]
    features = task.encode(texts)
    reduced = [np.zeros(len(SINGLE.labels), dtype=np.float32)] * 3
    found = task.predict(texts, features, reduced)
    assert [prediction.truncated_tokens for prediction in found] == [14, 0, 8]
