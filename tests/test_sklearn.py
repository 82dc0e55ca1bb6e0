"""The estimators, against scikit-learn itself."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import numpy as np
import pytest

from squeezebert.config import EncoderConfig
from squeezebert.errors import InvalidInputError
from squeezebert.model import HeadConfig, build_model, save_model
from squeezebert.tokenizer import Tokenizer

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.utils import estimator_checks  # noqa: E402

import squeezebert  # noqa: E402
from squeezebert.sklearn import (  # noqa: E402
    SqueezeBertClassifier,
    SqueezeBertTagger,
    SqueezeBertVectorizer,
)

WORDS = ("the", "cat", "dog", "sat", "ran", "home")


@pytest.fixture(scope="module")
def start(
    tiny_config: EncoderConfig,
    tiny_vocabulary: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """A tiny masked LM to start from."""
    folder = tmp_path_factory.mktemp("start")
    save_model(build_model(tiny_config, HeadConfig(kind="masked_lm")), folder)
    Tokenizer.from_vocabulary(list(tiny_vocabulary), lowercase=True).save(folder)
    return str(folder)


@pytest.fixture(scope="module")
def rows() -> tuple[list[str], list[str]]:
    draw = random.Random(0)
    texts = [f"{' '.join(draw.choices(WORDS, k=4))} {('good', 'bad')[at % 2]}" for at in range(60)]
    return texts, [("yes", "no")[at % 2] for at in range(60)]


@pytest.fixture(scope="module")
def classifier(start: str, rows: tuple[list[str], list[str]]) -> SqueezeBertClassifier:
    made = SqueezeBertClassifier(
        start, epochs=12, learning_rate=1e-2, batch_size=8, max_length=16, threads=1
    )
    return made.fit(*rows)


@pytest.mark.parametrize(
    "check",
    [
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
@pytest.mark.parametrize(
    "estimator", [SqueezeBertClassifier(), SqueezeBertTagger(), SqueezeBertVectorizer()]
)
def test_the_checks_of_scikit_learn_that_need_no_numbers(estimator: object, check: str) -> None:
    """Its other checks fit to arrays of numbers."""
    getattr(estimator_checks, check)(type(estimator).__name__, estimator)


def test_estimators_say_that_they_take_texts() -> None:
    tags = SqueezeBertClassifier().__sklearn_tags__()
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert tags.estimator_type == "classifier"
    assert not SqueezeBertVectorizer().__sklearn_tags__().requires_fit


def test_classes(
    classifier: SqueezeBertClassifier, rows: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    texts, labels = rows
    assert classifier.classes_.tolist() == ["no", "yes"]
    assert classifier.score(texts, labels) > 0.9
    chances = classifier.predict_proba(np.array(texts))
    assert chances.shape == (60, 2)
    assert chances.sum(axis=1) == pytest.approx(np.ones(60), abs=1e-6)
    assert (classifier.predict(texts) == classifier.classes_[chances.argmax(axis=1)]).all()
    again = pickle.loads(pickle.dumps(classifier))
    assert (again.predict_proba(texts) == chances).all()
    classifier.save(tmp_path / "kept")
    answer = squeezebert.load(tmp_path / "kept", task="text_classification")(texts[0])
    assert answer.label == labels[0]
    assert not hasattr(clone(classifier), "pipeline_")


def test_numbers_as_classes_and_rare_ones(start: str) -> None:
    texts = ["good cat", "good dog", "bad cat", "bad dog", "good mat", "good home"] * 2
    labels = [1, 1, 0, 0, 1, 1] * 2
    made = SqueezeBertClassifier(start, epochs=1, max_length=16, class_weight="balanced")
    made.fit(texts, labels)
    assert set(made.predict(texts).tolist()) <= {0, 1}
    assert made.classes_.dtype.kind == "i"


def test_in_a_search(start: str, rows: tuple[list[str], list[str]]) -> None:
    made = SqueezeBertClassifier(start, epochs=1, batch_size=8, max_length=16, threads=1)
    search = GridSearchCV(made, {"learning_rate": [1e-4, 1e-2]}, cv=2).fit(*rows)
    assert search.best_params_["learning_rate"] in (1e-4, 1e-2)
    assert len(search.cv_results_["mean_test_score"]) == 2
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


def test_tags(start: str) -> None:
    draw = random.Random(1)
    sentences, tags = [], []
    for _ in range(60):
        words = [draw.choice(("the", "cat", "ran", "ada", "london")) for _ in range(5)]
        kinds = {"ada": "B-PER", "london": "B-LOC"}
        sentences.append(words)
        tags.append([kinds.get(word, "O") for word in words])
    made = SqueezeBertTagger(
        start, epochs=12, learning_rate=1e-2, batch_size=8, max_length=16, threads=1
    ).fit(sentences, tags)
    assert made.classes_.tolist()[0] == "O"
    assert made.score(sentences, tags) > 0.9
    assert [len(row) for row in made.predict([["ada", "ran"], []])] == [2, 0]
    again = pickle.loads(pickle.dumps(made))
    assert again.predict(sentences[:5]) == made.predict(sentences[:5])


def test_vectors(start: str, rows: tuple[list[str], list[str]]) -> None:
    texts, labels = rows
    vectorizer = SqueezeBertVectorizer(start, threads=1, max_length=16)
    vectors = vectorizer.fit_transform(texts)
    assert vectors.shape == (60, 32)
    assert len(vectorizer.get_feature_names_out()) == 32
    pipeline = make_pipeline(vectorizer, LogisticRegression(C=100.0, max_iter=1000))
    assert cross_val_score(pipeline, texts, labels, cv=3).shape == (3,)
    pipeline.fit(texts, labels)
    again = pickle.loads(pickle.dumps(pipeline))
    assert (again.predict(texts) == pipeline.predict(texts)).all()
    # A parameter that changes loads another model.
    short = vectorizer.set_params(max_length=3).transform(texts)
    assert not np.allclose(short, vectors)


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        ("one text", ["a"], "type str"),
        (["a", 3, "b", "c"], ["a", "b"] * 2, "expected texts"),
        (["a", "b"], ["a"], "2 rows, but y 1"),
        (["a", "b"], ["a", "a"], "expected two"),
        (["a", "b", "c"], ["a", "a", "b"], "once only"),
        (["a", "b"], ["a", None], r"y\[1\] is missing"),
        (["a", "b"], [float("nan"), 1.0], r"y\[0\] is missing"),
        (["a", "b"], np.array([["a"], ["b"]]), r"shape \(2, 1\)"),
        (np.array([["a", "b"], ["c", "d"]]), ["a", "b"], "shape"),
    ],
)
def test_what_cannot_be_fitted(rows: object, labels: list[object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        SqueezeBertClassifier("squeezebert-mini-mlm").fit(rows, labels)  # type: ignore[arg-type]


def test_a_weight_that_is_none() -> None:
    with pytest.raises(InvalidInputError, match="class_weight is 'blanced'"):
        SqueezeBertClassifier(class_weight="blanced").fit(["a", "b"], ["a", "b"])


def test_before_it_is_fitted() -> None:
    with pytest.raises(NotFittedError):
        SqueezeBertClassifier().predict(["a"])


def test_what_is_no_sentence() -> None:
    with pytest.raises(InvalidInputError, match="sequence of words"):
        SqueezeBertTagger().fit(["Ada ran"], [["B-PER", "O"]])
    with pytest.raises(InvalidInputError, match="2 words but 1 tags"):
        SqueezeBertTagger().fit([["Ada", "ran"]], [["B-PER"]])


@pytest.mark.parametrize("verbose", [False, True])
def test_fitting_tells_of_itself_only_when_asked(
    verbose: bool,
    start: str,
    rows: tuple[list[str], list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = {"epochs": 1, "batch_size": 30, "max_length": 16, "threads": 1}
    SqueezeBertClassifier(start, **settings, verbose=verbose).fit(*rows)
    assert bool(capsys.readouterr().err) is verbose
