"""The function that other engines call, on batches as they hand them over."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from squeezebert.errors import DataError, InvalidInputError
from squeezebert.pipeline import Pipeline
from squeezebert.scaleout.arrow import ArrowPredictor

TEXTS = ["the good cat", "", None, "ada ran home", "the bad dog sat on the mat"]


def batch(**columns: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"id": range(5), **(columns or {"text": TEXTS})})


def test_a_batch_comes_back_with_predictions(
    directories: dict[str, Path], classifier: Pipeline[Any]
) -> None:
    predict = ArrowPredictor(model=str(directories["text_classification"]), scores=True)
    answered = predict(batch())
    assert isinstance(answered, pa.RecordBatch)
    assert answered.schema == predict.schema(batch().schema)
    assert answered.select(["id", "text"]).equals(batch())
    for row, text in zip(answered.to_pylist(), TEXTS, strict=True):
        if not text:
            assert (row["label"], row["score"], row["scores"]) == (None, None, None)
            continue
        said = classifier(text)
        assert (row["label"], row["score"]) == (said.label, pytest.approx(said.score, abs=1e-6))
        assert dict(row["scores"]) == pytest.approx(dict(said.probabilities), abs=1e-6)


def test_entities_are_structures(directories: dict[str, Path], tagger: Pipeline[Any]) -> None:
    predict = ArrowPredictor(model=str(directories["token_classification"]), text="t")
    answered = predict(batch(t=TEXTS)).to_pylist()
    assert [row["entities"] and [e["text"] for e in row["entities"]] for row in answered] == [
        [entity.text for entity in tagger(text)] if text else None for text in TEXTS
    ]
    assert any(row["entities"] for row in answered)


def test_tables_batches_frames_and_none(directories: dict[str, Path]) -> None:
    predict = ArrowPredictor(model=str(directories["text_classification"]), prefix="p_")
    again = pickle.loads(pickle.dumps(predict))  # as it travels
    assert again == predict
    whole = again(pa.Table.from_batches([batch(), batch()]))
    assert isinstance(whole, pa.Table)
    one, two = predict.batches([batch(), batch()])
    assert pa.Table.from_batches([one, two]).equals(whole.combine_chunks())
    [frame] = predict.frames([batch().to_pandas()])
    assert frame["p_label"].to_list()[0] == one.column("p_label")[0].as_py()
    nothing = predict(batch().slice(0, 0))
    assert (nothing.num_rows, nothing.schema) == (0, one.schema)


def test_what_it_holds_does_not_travel(directories: dict[str, Path]) -> None:
    predict = ArrowPredictor(model=str(directories["text_classification"]))
    before = len(pickle.dumps(predict))
    predict(batch())
    assert len(pickle.dumps(predict)) == before


def test_columns_that_are_none(directories: dict[str, Path]) -> None:
    predict = ArrowPredictor(model=str(directories["text_classification"]))
    with pytest.raises(DataError, match="no column 'text'"):
        predict(batch(body=TEXTS))
    with pytest.raises(InvalidInputError, match="has the column 'label' already"):
        predict(batch(text=TEXTS, label=TEXTS))
    with pytest.raises(InvalidInputError, match="batch:1: 'text' is 1, expected a text"):
        predict(batch(text=[1, 2, 3, 4, 5]))
