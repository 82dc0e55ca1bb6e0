"""Pipelines on columns of other libraries, and their predictions as frames."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import squeezebert
from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.pipeline import Pipeline, load

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")

TEXTS = ["The striker scored twice.", "The bank raised its interest rate."]
MAKERS: dict[str, Callable[[list[str]], Any]] = {
    "pandas": pandas.Series,
    "pandas categories": lambda texts: pandas.Series(texts, dtype="category"),
    "polars": polars.Series,
    "NumPy": np.array,
    "NumPy objects": lambda texts: np.array(texts, dtype=object),
    "pyarrow": pyarrow.array,
    "pyarrow chunks": lambda texts: pyarrow.chunked_array([texts[:1], texts[1:]]),
    "generator": lambda texts: (text for text in texts),
    "iterator": iter,
}


@pytest.fixture(scope="module")
def classify() -> Pipeline[Any]:
    return load("squeezebert-mini-news", threads=1)


@pytest.fixture(scope="module")
def tag() -> Pipeline[Any]:
    return load("squeezebert-mini-ner", threads=1)


@pytest.mark.parametrize("kind", MAKERS)
def test_columns_are_answered_as_lists_are(classify: Pipeline[Any], kind: str) -> None:
    make = MAKERS[kind]
    assert classify(make(TEXTS)) == classify(TEXTS)
    assert list(classify.stream(make(TEXTS))) == classify(TEXTS)
    assert [type(one.label) for one in classify(make(TEXTS))] == [str, str]


def test_pairs_come_from_two_columns(classify: Pipeline[Any]) -> None:
    first, second = pandas.Series(TEXTS), pandas.Series(["It rains.", "It is dry."])
    assert classify(zip(first, second, strict=True)) == classify(
        [(TEXTS[0], "It rains."), (TEXTS[1], "It is dry.")]
    )


def test_a_missing_value_is_named_with_its_place(classify: Pipeline[Any]) -> None:
    for column in (pandas.Series(["a", None]), polars.Series(["a", None])):
        with pytest.raises(InvalidInputError, match="text 1 is"):
            classify(column)


@pytest.mark.parametrize(
    "frame", [pandas.DataFrame({"text": TEXTS}), polars.DataFrame({"text": TEXTS})]
)
def test_a_whole_frame_is_no_column(classify: Pipeline[Any], frame: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"DataFrame.*\n.*one of its columns"):
        classify(frame)
    with pytest.raises(InvalidInputError, match=r"Table.*\n.*one of its columns"):
        classify(pyarrow.table({"text": TEXTS}))


def test_a_frame_of_classes_joins_its_column(classify: Pipeline[Any]) -> None:
    rows = pandas.DataFrame({"headline": TEXTS}, index=[7, 3])
    found = rows.join(classify.frame(rows["headline"]))
    assert found.loc[7, "label"] == "sport"
    assert found["label"].tolist() == [one.label for one in classify(TEXTS)]
    assert found["score"].tolist() == [one.score for one in classify(TEXTS)]


def test_a_frame_of_entities_has_a_row_an_entity(tag: Pipeline[Any]) -> None:
    texts = ["Ada met Charles.", "Nobody.", "London is large."]
    frame = tag.frame(polars.Series(texts))
    assert isinstance(frame, polars.DataFrame)
    expected = [(row, one.text, one.type) for row, found in enumerate(tag(texts)) for one in found]
    assert list(zip(frame["row"], frame["text"], frame["type"], strict=True)) == expected
    assert [texts[row][start:end] for row, start, end in frame["row", "start", "end"].rows()] == (
        frame["text"].to_list()
    )


def test_a_frame_of_gaps_has_a_row_a_candidate() -> None:
    fill = load("squeezebert-mini-mlm", threads=1)
    table = fill.frame(["See you [MASK]!"], top_k=3, library="pyarrow")
    assert table.column_names == ["row", "token", "start", "end", "score"]
    assert table["token"].to_pylist() == [
        one.token for one in fill("See you [MASK]!", top_k=3)[0].candidates
    ]


def test_a_library_that_is_none(classify: Pipeline[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match="'excel', expected one of pandas, polars, pyarrow"):
        classify.frame(TEXTS, library="excel")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match="pip install pandas"):
        classify.frame(TEXTS)


def test_none_of_them_is_imported_unasked() -> None:
    code = (
        "import sys, squeezebert\n"
        "squeezebert.load('squeezebert-mini-news', threads=1)(iter(['a']))\n"
        "sys.exit(bool({'pandas', 'polars', 'pyarrow'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["squeezebert-mini-news", "squeezebert-small-ner"])
def test_a_saved_pipeline_needs_nothing_else(name: str, tmp_path: Path) -> None:
    """Shipped models share their embeddings; the copy has its own."""
    pipeline = squeezebert.load(name, threads=1)
    pipeline.save(tmp_path / "copy")
    saved = squeezebert.load(tmp_path / "copy", threads=1)
    assert saved(TEXTS) == pipeline(TEXTS)
    assert saved.labels == pipeline.labels
    assert not (tmp_path / "copy" / "model.safetensors.index.json").exists()
    with pytest.raises(InvalidInputError, match="there already"):
        pipeline.save(tmp_path / "copy")
    by_hand = Pipeline(pipeline.task, pipeline.backend)
    with pytest.raises(InvalidInputError, match="by hand"):
        by_hand.save(tmp_path / "other")
