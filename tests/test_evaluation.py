from __future__ import annotations

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from squeezebert.config import EncoderConfig
from squeezebert.data.catalog import Dataset
from squeezebert.data.examples import Document, TextExample, TokenExample
from squeezebert.errors import DataError, InvalidInputError
from squeezebert.evaluation import Run, evaluate, further_scores
from squeezebert.model import HeadConfig, build_model, save_model
from squeezebert.pipeline import Answers, Pipeline, load
from squeezebert.spec import TaskName, TaskSpec
from squeezebert.tasks import MaskedLM, Scores
from squeezebert.tokenizer import Tokenizer

LABELS: dict[TaskName, tuple[str, ...]] = {
    "masked_lm": (),
    "text_classification": ("animal", "place"),
    "token_classification": ("O", "B-PER", "I-PER"),
}

EXAMPLES: dict[str, list[Any]] = {
    "masked_lm": [
        Document(turns=(f"the dog ran home {number}", "good dog!" * number))
        for number in range(1, 12)
    ],
    "text_classification": [
        TextExample(text=f"the cat {number} " * number, label=("animal", "place")[number % 2])
        for number in range(11)
    ],
    "token_classification": [
        TokenExample.from_words(["Ada", "ran"] * number, ["B-PER", "O"] * number)
        for number in range(40, 0, -4)
    ],
}


@pytest.fixture(scope="module")
def pipelines(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_config: EncoderConfig,
    tiny_vocabulary: tuple[str, ...],
) -> dict[str, Pipeline]:
    """One a task, weights at random."""
    torch.manual_seed(0)
    vocabulary = tuple(dict.fromkeys(tiny_vocabulary))
    config = dataclasses.replace(tiny_config, vocab_size=len(vocabulary))
    root: Path = tmp_path_factory.mktemp("models")
    for task, labels in LABELS.items():
        spec = TaskSpec(task=task, labels=labels, max_length=config.max_position_embeddings)
        model = build_model(config, HeadConfig(kind=task, labels=labels))
        save_model(model, root / task, spec=spec)
        Tokenizer.from_vocabulary(vocabulary, lowercase=True).save(root / task)
    return {task: load(root / task) for task in LABELS}


@pytest.mark.parametrize("task", LABELS)
@pytest.mark.parametrize("block_texts", [1, 4, 1000])
def test_scores_do_not_depend_on_the_blocks(
    pipelines: dict[str, Pipeline], task: str, block_texts: int
) -> None:
    pipeline, examples = pipelines[task], EXAMPLES[task]
    answers = pipeline.answer(examples, with_labels=True)
    expected = pipeline.task.score(examples, answers.features, answers.reduced)
    found = evaluate(pipeline, examples, block_texts=block_texts)
    assert found.scores.values == pytest.approx(dict(expected.values), rel=1e-4, nan_ok=True)
    assert found.scores.confusion == expected.confusion
    assert found.texts == len(examples)
    assert found.tokens == answers.tokens
    assert found.inputs == len(answers.features)


def test_windows_of_long_texts_are_put_together_across_blocks(
    pipelines: dict[str, Pipeline],
) -> None:
    found = evaluate(pipelines["token_classification"], EXAMPLES["token_classification"])
    assert found.inputs > found.texts


def test_kept_predictions_are_those_of_the_pipeline(pipelines: dict[str, Pipeline]) -> None:
    pipeline, examples = pipelines["text_classification"], EXAMPLES["text_classification"]
    run = Run(pipeline)
    run.block(examples[:4])
    run.block(examples[4:])
    labels = [prediction.label for prediction in run.predictions]
    assert labels == [prediction.label for prediction in pipeline.predict(examples)]


def test_rates_are_by_the_clock_on_the_wall(pipelines: dict[str, Pipeline]) -> None:
    found = evaluate(pipelines["masked_lm"], EXAMPLES["masked_lm"])
    assert found.wall_seconds > 0
    assert found.texts_per_second * found.wall_seconds == pytest.approx(found.texts)
    assert found.tokens_per_second * found.wall_seconds == pytest.approx(found.tokens)


def test_only_the_way_from_text_to_prediction_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"cpu": 0.0, "wall": 0.0}
    monkeypatch.setattr(time, "process_time", lambda: clock["cpu"])
    monkeypatch.setattr(time, "perf_counter", lambda: clock["wall"])

    def pass_time(cpu: float, wall: float) -> None:
        clock["cpu"] += cpu
        clock["wall"] += wall

    class Task:
        def predict(self, examples: Any, features: Any, reduced: Any) -> list[None]:
            pass_time(1.0, 2.0)
            return [None] * len(examples)

        def score(self, examples: Any, features: Any, reduced: Any) -> Scores:
            pass_time(100.0, 100.0)
            return Scores(values={}, main="")

    class Slow:
        task = Task()

        def answer(self, examples: Any, *, with_labels: bool) -> Answers:
            assert with_labels
            pass_time(10.0, 20.0)
            return Answers(features=[], reduced=[])

    done: list[int] = []

    def progress(texts: int) -> None:
        pass_time(1000.0, 1000.0)
        done.append(texts)

    found = evaluate(Slow(), [1, 2, 3], block_texts=2, progress=progress)  # type: ignore[arg-type]
    assert (found.cpu_seconds, found.wall_seconds) == (22.0, 44.0)
    assert done == [2, 1]


def test_a_label_that_the_model_does_not_know_is_named(pipelines: dict[str, Pipeline]) -> None:
    strange = [TextExample(text="the cat", label="mineral", where="some.csv:7")]
    with pytest.raises(DataError, match=r"some\.csv:7: unknown label 'mineral'"):
        evaluate(pipelines["text_classification"], strange)


def test_an_example_made_by_hand_is_named_by_its_number(pipelines: dict[str, Pipeline]) -> None:
    examples = [*EXAMPLES["text_classification"], TextExample(text="a cat")]
    with pytest.raises(DataError, match=r"^text 11 has no label"):
        evaluate(pipelines["text_classification"], examples, block_texts=4)


def test_nothing_to_evaluate_is_refused(pipelines: dict[str, Pipeline]) -> None:
    with pytest.raises(InvalidInputError, match="no examples"):
        evaluate(pipelines["text_classification"], [])
    with pytest.raises(InvalidInputError, match="block_texts is 0"):
        evaluate(pipelines["text_classification"], [1], block_texts=0)


def test_pseudo_perplexity_masks_each_token_in_its_turn(pipelines: dict[str, Pipeline]) -> None:
    pipeline = pipelines["masked_lm"]
    document = Document(turns=("the cat sat",))
    log_probabilities: list[float] = []
    for gap in range(3):
        words = ["the", "cat", "sat"]
        expected, words[gap] = words[gap], "[MASK]"
        wide = MaskedLM(pipeline.task.spec, pipeline.task.tokenizer, top_k=10_000)  # type: ignore[attr-defined]
        (filled,) = Pipeline(wide, pipeline.backend)(" ".join(words))  # type: ignore[misc]
        scores = {candidate.token: candidate.score for candidate in filled.candidates}
        log_probabilities.append(math.log(scores[expected]))
    perplexity = math.exp(-sum(log_probabilities) / 3)
    assert further_scores(pipeline, [document]) == {
        "pseudo_perplexity": pytest.approx(perplexity, rel=1e-4)
    }


def test_other_tasks_have_no_further_scores(pipelines: dict[str, Pipeline]) -> None:
    pipeline = pipelines["text_classification"]
    assert further_scores(pipeline, [TextExample(text="the cat")]) == {}


def test_a_data_set_is_scored_as_its_examples_are(pipelines: dict[str, Pipeline]) -> None:
    examples = EXAMPLES["text_classification"]
    dataset = Dataset(name="n", task="text_classification", split="test", examples=examples)
    pipeline = pipelines["text_classification"]
    assert evaluate(pipeline, dataset).scores == evaluate(pipeline, examples).scores
