from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import squeezebert
from squeezebert.batch import plan_batches
from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.loading import model_name
from squeezebert.model import HeadConfig, build_model, save_model
from squeezebert.pipeline import Pipeline, load
from squeezebert.spec import TaskName, TaskSpec
from squeezebert.tasks import Classification, Entity, FilledMask
from squeezebert.tasks.tag_sets import TagSet
from squeezebert.tokenizer import Tokenizer

LABELS: dict[TaskName, tuple[str, ...]] = {
    "masked_lm": (),
    "text_classification": ("animal", "place"),
    "token_classification": ("O", "B-PER", "I-PER"),
}

TEXTS: dict[str, list[str]] = {
    "masked_lm": ["the [MASK] sat", "a [MASK] on the [MASK] ran home on and on", "[MASK]"],
    "text_classification": ["the cat", "", "ada ran home to london and sat on the mat", "dog"],
    "token_classification": ["Ada ran", "the dog sat on the mat with ada " * 9, "", "London"],
}


@pytest.fixture(scope="module")
def models(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_config: EncoderConfig,
    tiny_vocabulary: tuple[str, ...],
) -> dict[str, Path]:
    """A directory a task, weights at random."""
    torch.manual_seed(0)
    vocabulary = tuple(dict.fromkeys(tiny_vocabulary))
    config = dataclasses.replace(tiny_config, vocab_size=len(vocabulary))
    root = tmp_path_factory.mktemp("models")
    for task, labels in LABELS.items():
        spec = TaskSpec(task=task, labels=labels, max_length=config.max_position_embeddings)
        model = build_model(config, HeadConfig(kind=task, labels=labels))
        save_model(model, root / task, spec=spec)
        Tokenizer.from_vocabulary(vocabulary, lowercase=True).save(root / task)
    return {task: root / task for task in LABELS}


def test_text_classification_gives_labels_with_probabilities(models: dict[str, Path]) -> None:
    pipeline = load(models["text_classification"])
    one = pipeline("the cat sat")
    assert isinstance(one, Classification)
    assert one.label in LABELS["text_classification"]
    assert sum(one.probabilities.values()) == pytest.approx(1.0)
    _assert_close(pipeline(["the cat sat", "dog"])[0], one)


def test_a_pair_is_one_text_and_a_list_is_several(models: dict[str, Path]) -> None:
    pipeline = load(models["text_classification"])
    pair = pipeline(("the cat", "the dog ran home"))
    assert isinstance(pair, Classification)
    two = pipeline(["the cat", "the dog ran home"])
    assert len(two) == 2
    assert pipeline([("the cat", "the dog ran home")]) == [pair]
    assert pair.probabilities != two[0].probabilities


def test_token_classification_gives_spans_of_the_text(models: dict[str, Path]) -> None:
    pipeline = load(models["token_classification"])
    found: list[Entity] = []
    for text in TEXTS["token_classification"]:
        entities = pipeline(text)
        assert isinstance(entities, tuple)
        for entity in entities:
            assert isinstance(entity, Entity)
            assert text[entity.start : entity.end] == entity.text
            found.append(entity)
    assert found


def test_masked_lm_fills_each_mask_in_place(models: dict[str, Path]) -> None:
    pipeline = load(models["masked_lm"])
    filled = pipeline("a [MASK] on the [MASK]")
    assert isinstance(filled, tuple)
    assert [gap.start for gap in filled] == [2, 16]
    first = filled[0]
    assert isinstance(first, FilledMask)
    scores = [candidate.score for candidate in first.candidates]
    assert scores == sorted(scores, reverse=True)
    assert first.candidates[0].text.endswith(" on the [MASK]")


@pytest.mark.parametrize("task", LABELS)
@pytest.mark.parametrize("batch_tokens", [1, 40, 100_000])
def test_batching_changes_neither_order_nor_answers(
    models: dict[str, Path], task: str, batch_tokens: int
) -> None:
    alone = [load(models[task])(text) for text in TEXTS[task]]
    pipeline = load(models[task], batch_tokens=batch_tokens)
    together = pipeline(TEXTS[task] * 3)
    assert len(together) == 3 * len(alone)
    for expected, given_ in zip(alone * 3, together, strict=True):
        _assert_close(given_, expected)


def _assert_close(given_: Any, expected: Any) -> None:
    if isinstance(expected, float):
        assert given_ == pytest.approx(expected, abs=1e-5)
    elif isinstance(expected, tuple):
        assert len(given_) == len(expected)
        for left, right in zip(given_, expected, strict=True):
            _assert_close(left, right)
    elif isinstance(expected, dict):
        assert list(given_) == list(expected)
        _assert_close(tuple(given_.values()), tuple(expected.values()))
    elif dataclasses.is_dataclass(expected):
        for field in dataclasses.fields(expected):
            _assert_close(getattr(given_, field.name), getattr(expected, field.name))
    else:
        assert given_ == expected


def test_an_empty_list_gives_an_empty_list(models: dict[str, Path]) -> None:
    assert load(models["text_classification"])([]) == []


def test_stream_reads_one_chunk_ahead_and_no_further(models: dict[str, Path]) -> None:
    pipeline = load(models["text_classification"])
    read: list[int] = []

    def texts() -> Iterator[str]:
        for number in range(10):
            read.append(number)
            yield f"the cat {number}"

    answers = pipeline.stream(texts(), chunk_texts=3)
    first = next(answers)
    assert read == [0, 1, 2, 3, 4, 5]
    rest = list(answers)
    assert len(rest) == 9
    _assert_close(first, pipeline("the cat 0"))
    _assert_close(rest[-1], pipeline("the cat 9"))


def test_stream_refuses_a_chunk_of_nothing(models: dict[str, Path]) -> None:
    with pytest.raises(InvalidInputError, match="chunk_texts is 0"):
        next(load(models["text_classification"]).stream(["a"], chunk_texts=0))


@pytest.mark.parametrize(
    ("task", "texts", "message"),
    [
        ("text_classification", 7, "of type int, expected a string"),
        ("text_classification", None, "of type NoneType, expected a string"),
        ("text_classification", b"cat", "of type bytes, expected a string"),
        ("text_classification", ["cat", 3], "text 1 is 3 of type int"),
        ("text_classification", [["a", "b"]], r"text 0 is \['a', 'b'\] of type list"),
        ("text_classification", ("a", "b", "c"), "a tuple of 3"),
        ("text_classification", ("a", 1), "the text, second text, is 1 of type int"),
        ("text_classification", {"a", "b"}, "type set"),
        ("text_classification", "\ud800", "surrogate|UTF-8"),
        ("token_classification", ("a", "b"), "a tuple of 2"),
        ("masked_lm", "no gap here", r"holds no \[MASK\]"),
        ("masked_lm", ["[MASK]", "none"], r"text 1 holds no \[MASK\]"),
    ],
)
def test_what_is_no_text_is_refused(
    models: dict[str, Path], task: str, texts: Any, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        load(models[task])(texts)


def test_the_package_offers_load(models: dict[str, Path]) -> None:
    pipeline = squeezebert.load(models["masked_lm"], task="masked_lm")
    assert isinstance(pipeline, squeezebert.Pipeline)
    assert pipeline.name == "masked_lm"


def test_load_refuses_a_task_that_the_model_is_not_for(models: dict[str, Path]) -> None:
    with pytest.raises(InvalidInputError, match="is for masked_lm, not for token_classification"):
        load(models["masked_lm"], task="token_classification")


def test_load_refuses_unknown_tasks_and_backends(models: dict[str, Path]) -> None:
    with pytest.raises(InvalidInputError, match="no task is called 'ner'"):
        load(models["masked_lm"], task="ner")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="no backend is called 'abacus'"):
        load(models["masked_lm"], backend="abacus")
    with pytest.raises(InvalidInputError, match="batch_tokens is 0"):
        load(models["masked_lm"], batch_tokens=0)


def test_load_refuses_a_model_without_a_head(
    tmp_path: Path, models: dict[str, Path], tiny_config: EncoderConfig
) -> None:
    config = json.loads((models["masked_lm"] / "config.json").read_text())
    config["architectures"] = ["SqueezeBertModel"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InvalidInputError, match="is for none of the tasks"):
        load(tmp_path)


def test_load_refuses_a_length_that_the_model_has_no_positions_for(
    tmp_path: Path, models: dict[str, Path]
) -> None:
    _copy(models["masked_lm"], tmp_path)
    spec = json.loads((tmp_path / "task.json").read_text())
    (tmp_path / "task.json").write_text(json.dumps(spec | {"max_length": 65}))
    with pytest.raises(CheckpointError, match=r"max_length is 65, but .* positions for 64"):
        load(tmp_path)


def test_load_refuses_the_tokenizer_of_another_model(
    tmp_path: Path, models: dict[str, Path]
) -> None:
    _copy(models["text_classification"], tmp_path)
    tokens = Tokenizer.load(tmp_path).tokens
    Tokenizer.from_vocabulary([*tokens, "extra"], lowercase=True).save(tmp_path)
    with pytest.raises(CheckpointError, match=f"tokenizer has {len(tokens) + 1} tokens"):
        load(tmp_path)


def _copy(source: Path, target: Path) -> None:
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())


def test_transformers_as_backend_answers_alike(models: dict[str, Path]) -> None:
    for task, texts in TEXTS.items():
        ours, theirs = (load(models[task], backend=name) for name in ("torch", "transformers"))
        for left, right in zip(theirs(texts), ours(texts), strict=True):
            _assert_close(left, right)


def test_names_of_models(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert model_name(tmp_path / "mine") == "mine"
    assert model_name("somebody/something") == "somebody/something"


def test_answers_keep_the_examples_and_count_their_tokens(models: dict[str, Path]) -> None:
    pipeline = load(models["token_classification"])
    examples = [pipeline.task.from_text(text) for text in TEXTS["token_classification"]]  # type: ignore[attr-defined]
    answers = pipeline.answer(examples)
    # The long text goes in as windows, the empty one not at all; the order is the examples'.
    order = [item.example for item in answers.features]
    assert order == sorted(order)
    assert set(order) == {0, 1, 3}
    assert order.count(1) > 1
    assert answers.tokens == sum(len(item.input_ids) for item in answers.features)


@given(
    lengths=st.lists(st.integers(2, 600), max_size=60),
    batch_tokens=st.integers(1, 3000),
    pads=st.booleans(),
)
def test_batches_hold_every_input_once_and_keep_to_the_budget(
    lengths: list[int], batch_tokens: int, pads: bool
) -> None:
    batches = plan_batches(lengths, batch_tokens, pads=pads)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        own = [lengths[index] for index in batch]
        assert len(batch) == 1 or (len(own) * max(own) if pads else sum(own)) <= batch_tokens
    in_order = [lengths[index] for batch in batches for index in batch]
    assert in_order == sorted(lengths, reverse=True)


def test_a_masked_lm_reads_the_logits_of_its_own_masks(models: dict[str, Path]) -> None:
    """A backend that answers with the number of the asked position."""
    pipeline = load(models["masked_lm"])

    class Echo:
        name = "echo"
        pads = False
        batch_tokens = 64
        precision = "float32"
        instruction_set = ""
        config = pipeline.backend.config

        def encode(self, batch: Any) -> Any:
            raise AssertionError("only logits are asked for")

        def logits(self, batch: Any, positions: Any = None) -> Any:
            rows = np.zeros((len(positions), self.config.vocab_size), dtype=np.float32)
            # The token before the mask gets the highest value.
            rows[np.arange(len(positions)), batch.input_ids[positions - 1]] = 9.0
            return rows

    echo = Pipeline(pipeline.task, Echo())
    texts = ["cat [MASK]", "the dog [MASK] ran home [MASK]", "mat [MASK] " * 3]
    guesses = [[gap.candidates[0].token for gap in echo(text)] for text in texts]  # type: ignore[union-attr]
    assert guesses == [["cat"], ["dog", "home"], ["mat", "mat", "mat"]]
    together = [[gap.candidates[0].token for gap in gaps] for gaps in echo(texts)]  # type: ignore[union-attr]
    assert together == guesses


def test_the_engine_in_float32_answers_as_torch_does(models: dict[str, Path]) -> None:
    for task, texts in TEXTS.items():
        ours = load(models[task], precision="float32")
        assert (ours.backend.name, ours.backend.precision) == ("engine", "float32")
        for left, right in zip(
            ours(texts), load(models[task], backend="torch")(texts), strict=True
        ):
            _assert_close(left, right)


def test_load_takes_a_precision_by_kind_of_product(models: dict[str, Path]) -> None:
    pipeline = load(models["masked_lm"], precision={"query": "bf16", "vocabulary": "float32"})
    assert "bf16" in pipeline.backend.precision
    with pytest.raises(InvalidInputError, match="no precision is called 'int2'"):
        load(models["masked_lm"], precision="int2")


class AllLogits:
    """The engine's backend without its shortcut to the best tokens."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.name, self.pads, self.batch_tokens = inner.name, inner.pads, inner.batch_tokens
        self.precision, self.instruction_set = inner.precision, inner.instruction_set
        self.config, self.encode, self.logits = inner.config, inner.encode, inner.logits


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_best_tokens_are_those_of_all_logits(models: dict[str, Path], precision: str) -> None:
    short = load(models["masked_lm"], precision=precision, threads=2)
    long = Pipeline(short.task, AllLogits(short.backend))
    texts = [*TEXTS["masked_lm"], "[MASK] " * 20, "the [MASK] and a [MASK]."]
    for left, right in zip(short(texts), long(texts), strict=True):
        _assert_close(left, right)
        assert all(isinstance(gap, FilledMask) and len(gap.candidates) == 5 for gap in left)  # type: ignore[union-attr]


def test_a_table_padded_to_a_round_number_gives_no_tokens_that_there_are_not(
    models: dict[str, Path], tmp_path: Path
) -> None:
    _copy(models["masked_lm"], tmp_path)
    tokens = Tokenizer.load(tmp_path).tokens[:-7]
    Tokenizer.from_vocabulary(tokens, lowercase=True).save(tmp_path)
    short = load(tmp_path, precision="float32")
    (gap,) = short("the [MASK] sat")  # type: ignore[misc]
    (expected,) = load(tmp_path, backend="torch")("the [MASK] sat")  # type: ignore[misc]
    _assert_close(gap, expected)


def test_an_error_while_reading_ahead_comes_in_its_turn(models: dict[str, Path]) -> None:
    """The texts before it are answered, whether they are tokenized beside the model or not."""
    pipeline = load(models["text_classification"])
    answers = pipeline.stream(["cat", "dog", "mat", "home", "\ud800", "ran"], chunk_texts=2)
    assert len([next(answers) for _ in range(4)]) == 4
    with pytest.raises(InvalidInputError, match="surrogate"):
        next(answers)


def test_a_stream_may_be_left_in_the_middle(models: dict[str, Path]) -> None:
    before = threading.active_count()
    answers = load(models["text_classification"], threads=1).stream(
        (f"the cat {number}" for number in range(100)), chunk_texts=5
    )
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_the_number_of_classes_can_be_chosen(models: dict[str, Path]) -> None:
    classify = load(models["text_classification"], task="text_classification")
    one = classify("the cat", top_k=1)
    assert list(one.probabilities) == [one.label]
    assert one.probabilities[one.label] == one.score
    every = classify(["the cat", "ada ran"])[0].probabilities
    assert set(every) == set(LABELS["text_classification"])
    assert list(every.values()) == sorted(every.values(), reverse=True)
    (streamed,) = classify.stream(["the cat"], top_k=1)
    assert streamed == one


def test_words_one_by_one(models: dict[str, Path]) -> None:
    tag = load(models["token_classification"], task="token_classification")
    text = TEXTS["token_classification"][1]
    words = tag(text, aggregation="words")
    assert [word.text for word in words] == text.split()
    spelled = TagSet(tag.labels).spans([word.type for word in words])
    assert [(words[start].start, words[end - 1].end, kind) for start, end, kind in spelled] == [
        (entity.start, entity.end, entity.type) for entity in tag(text)
    ]
    (surest,) = tag([text], aggregation="words", threshold=max(word.score for word in words))
    assert 0 < len(surest) <= len(words)
    with pytest.raises(InvalidInputError, match="expected entities or words"):
        tag(text, aggregation="first")  # pyright: ignore[reportArgumentType, reportCallIssue]
    classify = load(models["text_classification"], task="text_classification")
    with pytest.raises(InvalidInputError, match="text_classification has no aggregation"):
        classify(text, aggregation="words")


def test_entities_below_a_threshold_are_left_out(models: dict[str, Path]) -> None:
    tag = load(models["token_classification"], task="token_classification")
    text = TEXTS["token_classification"][1]
    found = tag(text)
    middle = sorted(entity.score for entity in found)[len(found) // 2]
    surer = tag([text], threshold=middle)[0]
    assert surer == tuple(entity for entity in found if entity.score >= middle)
    assert 0 < len(surer) < len(found)
    assert tag(text) == found  # a call's choice is its own
    with pytest.raises(InvalidInputError, match="token_classification has no top_k"):
        tag(text, top_k=3)


@pytest.mark.parametrize("backend", ["engine", "torch"])
def test_a_gap_gets_as_many_candidates_as_asked_for(models: dict[str, Path], backend: str) -> None:
    fill = load(models["masked_lm"], task="masked_lm", backend=backend)
    many = fill("the [MASK] sat", top_k=50)[0].candidates
    assert len(many) == 50
    scores = [candidate.score for candidate in many]
    assert scores == sorted(scores, reverse=True)
    assert fill("the [MASK] sat")[0].candidates == many[:5]
    assert fill("the [MASK] sat", top_k=1)[0].candidates == many[:1]
    likely = fill("the [MASK] sat", top_k=50, threshold=scores[9])[0].candidates
    assert likely == tuple(item for item in many if item.score >= scores[9])


def test_a_pipeline_tells_what_it_is(models: dict[str, Path]) -> None:
    pipeline = load(models["token_classification"], precision="float32", threads=2)
    assert pipeline.labels == LABELS["token_classification"]
    isa = pipeline.backend.instruction_set
    assert repr(pipeline) == (
        "<Pipeline 'token_classification' for token_classification: "
        f"engine in float32 on {isa}, 2 threads>"
    )
    assert "1 thread>" in repr(load(models["masked_lm"], backend="torch", threads=1))


def test_a_bad_text_in_a_stream_comes_after_the_answers_before_it(
    models: dict[str, Path],
) -> None:
    """Whatever the chunks, and whatever is wrong; nothing after it is read."""
    bad: list[tuple[str, Any, str]] = [
        ("text_classification", None, "text 7 is None of type NoneType"),
        ("text_classification", "\ud800", "text 7 holds half of a surrogate pair"),
        ("text_classification", ("a", "b", "c"), "text 7 is a tuple of 3"),
        ("token_classification", ("a", "b"), "text 7 is a tuple of 2"),
        ("masked_lm", "no gap", r"text 7 holds no \[MASK\]"),
    ]
    for task, text, message in bad:
        pipeline = load(models[task], threads=1)
        good = ["the [MASK] sat", "ada [MASK] home"]
        for chunk_texts in (1, 2, 3, 7, 8, 512):
            read: list[Any] = []
            texts = (read.append(one) or one for one in [*good * 3, good[0], text, *good])
            answers = pipeline.stream(texts, chunk_texts=chunk_texts)
            assert len([next(answers) for _ in range(7)]) == 7
            with pytest.raises(InvalidInputError, match=f"^{message}"):
                next(answers)
            assert len(read) == 8
            assert list(answers) == []


def test_what_goes_wrong_in_the_texts_themselves_comes_in_its_turn(
    models: dict[str, Path],
) -> None:
    def texts() -> Iterator[str]:
        yield from ["cat", "dog", "mat"]
        raise OSError("the disk is gone")

    answers = load(models["text_classification"], threads=1).stream(texts())
    assert len([next(answers) for _ in range(3)]) == 3
    with pytest.raises(OSError, match="the disk is gone"):
        next(answers)


def test_a_stream_takes_texts_and_no_string(models: dict[str, Path]) -> None:
    with pytest.raises(InvalidInputError, match="the input is a string, expected several texts"):
        load(models["text_classification"]).stream("the cat")


def test_a_bad_text_in_a_long_list_is_named_by_its_place(models: dict[str, Path]) -> None:
    texts: list[Any] = ["the cat"] * 600
    texts[577] = "\udfff"
    with pytest.raises(InvalidInputError, match=r"^text 577 holds half of a surrogate pair"):
        load(models["text_classification"])(texts)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_pipeline_is_its_place_and_settings(
    models: dict[str, Path], protocol: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(models["text_classification"].parent)
    precision = MappingProxyType({"query": "bf16", "value": "float32"})
    pipeline = load("text_classification", precision=precision, threads=2, batch_tokens=99)
    data = pickle.dumps(pipeline, protocol)
    assert len(data) < 1000
    monkeypatch.chdir(tmp_path)
    again = pickle.loads(data)
    assert repr(again) == repr(pipeline)
    assert again.batch_tokens == 99
    assert again.backend is not pipeline.backend
    assert again(TEXTS["text_classification"]) == pipeline(TEXTS["text_classification"])
    assert pickle.loads(pickle.dumps(again, protocol))("the cat") == pipeline("the cat")


def test_copies_share_the_model(models: dict[str, Path]) -> None:
    pipeline = load(models["text_classification"])
    for twin in (copy.copy(pipeline), copy.deepcopy(pipeline)):
        assert twin is not pipeline
        assert twin.backend is pipeline.backend
        assert twin("the cat") == pipeline("the cat")
        assert pickle.loads(pickle.dumps(twin)).name == pipeline.name


def test_a_pipeline_made_by_hand_says_why_it_cannot_be_pickled(models: dict[str, Path]) -> None:
    loaded = load(models["text_classification"])
    pipeline = Pipeline(loaded.task, loaded.backend, name="mine")
    with pytest.raises(InvalidInputError, match="'mine' was put together by hand"):
        pickle.dumps(pipeline)
    assert copy.deepcopy(pipeline)("the cat") == loaded("the cat")


def test_a_pickled_pipeline_whose_model_is_gone_says_so(
    models: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(models["text_classification"], tmp_path / "mine")
    data = pickle.dumps(load(tmp_path / "mine"))
    shutil.rmtree(tmp_path / "mine")
    with pytest.raises(CheckpointError, match="mine"):
        pickle.loads(data)


@pytest.mark.slow
def test_other_processes_take_a_pipeline(models: dict[str, Path]) -> None:
    """As multiprocessing, joblib and Ray hand it over."""
    pipeline = load(models["text_classification"], precision="float32", threads=1)
    texts = TEXTS["text_classification"]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(pipeline, texts).result() == pipeline(texts)
