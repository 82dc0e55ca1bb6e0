"""CONTRIBUTING's "Add a task" is the whole truth: the pipeline asks no task which one it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig
from squeezebert.errors import InvalidInputError
from squeezebert.evaluation import evaluate, further_scores
from squeezebert.pipeline import Pipeline
from squeezebert.spec import TaskSpec
from squeezebert.tasks.base import Features, Scores, Task
from squeezebert.tokenizer import Tokenizer


class Longest(Task[str, int, str]):
    """The word that the model likes most; the logits of even positions alone are asked for."""

    name = "longest"  # type: ignore[assignment]

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.spec = TaskSpec(task="token_classification", max_length=16)
        self.tokenizer = tokenizer

    def from_text(self, text: object, where: str = "") -> str:
        if not isinstance(text, str):
            raise InvalidInputError(f"{where} is no text")
        return text

    def encode(self, examples: Sequence[str], *, with_labels: bool = False) -> list[Features]:
        if any("?" in text for text in examples):
            raise InvalidInputError("a question cannot be encoded")
        return [
            Features(
                input_ids=item.ids,
                token_type_ids=np.zeros_like(item.ids),
                offsets=item.offsets,
                example=at,
            )
            for at, item in enumerate(self.tokenizer.encode(examples))
        ]

    def positions(self, features: Features) -> NDArray[np.int64]:
        return np.arange(0, len(features), 2)

    def reduce(self, features: Features, logits: NDArray[np.float32]) -> int:
        assert len(logits) == len(self.positions(features))
        return 2 * int(logits[:, 0].argmax())

    def predict(
        self, examples: Sequence[str], features: Sequence[Features], reduced: Sequence[int]
    ) -> list[str]:
        spans = [item.offsets[at] for item, at in zip(features, reduced, strict=True)]
        return [text[start:end] for text, (start, end) in zip(examples, spans, strict=True)]

    def score(
        self, examples: Sequence[str], features: Sequence[Features], reduced: Sequence[int]
    ) -> Scores:
        return Scores(values={"texts": float(len(examples))}, main="texts")


class Ids:
    """A model whose only logit is the token's id, so that later words of the vocabulary win."""

    name, pads, batch_tokens = "ids", True, 8
    precision, instruction_set, threads = "float32", "none", 1

    def __init__(self, config: EncoderConfig) -> None:
        self.config = config

    def encode(self, batch: RaggedBatch) -> Any:
        raise AssertionError("only logits are asked for")

    def logits(self, batch: RaggedBatch, positions: NDArray[np.int64] | None = None) -> Any:
        assert positions is not None
        return batch.input_ids[positions].astype(np.float32)[:, None]


@pytest.fixture
def pipeline(tiny_config: EncoderConfig, tokenizer: Tokenizer) -> Pipeline[str]:
    return Pipeline(Longest(tokenizer), Ids(tiny_config), name="toy")


def test_a_new_task_runs_through_the_pipeline(pipeline: Pipeline[str]) -> None:
    # Ids rise in this order: the, cat, dog, sat, on, mat; words at odd places are not asked for.
    texts = ["the mat cat", "sat the dog", "cat on"]
    assert pipeline(texts) == ["cat", "sat", "cat"]
    assert pipeline("on the cat mat") == "on"
    assert list(pipeline.stream(iter(texts * 3), chunk_texts=2)) == pipeline(texts * 3)
    assert repr(pipeline) == "<Pipeline 'toy' for longest: ids in float32 on none, 1 thread>"


def test_it_is_evaluated_as_any_other(pipeline: Pipeline[str]) -> None:
    assert evaluate(pipeline, ["the mat cat", "on"]).scores.values == {"texts": 2.0}
    assert further_scores(pipeline, ["the"]) == {}


def test_it_has_the_choices_that_it_says(pipeline: Pipeline[str]) -> None:
    with pytest.raises(InvalidInputError, match="longest has no top_k"):
        pipeline("the cat", top_k=2)


def test_what_only_its_encoding_refuses_keeps_the_answers_before_it(
    pipeline: Pipeline[str],
) -> None:
    answers = pipeline.stream(["the cat", "on", "why?", "dog"])
    assert [next(answers), next(answers)] == ["the", "on"]
    with pytest.raises(InvalidInputError, match="a question cannot be encoded"):
        next(answers)
