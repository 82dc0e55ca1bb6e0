"""Answers of the native engine to texts: those of the pipeline, from a directory and a bundle."""

from __future__ import annotations

import json
import random
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from squeezebert.checkpoint.bundle import write_bundle
from squeezebert.checkpoint.weights import read_file
from squeezebert.cli.main import run
from squeezebert.data.words import split_words
from squeezebert.engine import Engine, _native
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.pipeline import Pipeline, load
from squeezebert.tasks.decoding import TagDecoder
from squeezebert.tasks.masked_lm import FilledMask
from squeezebert.tasks.text_classification import Classification
from squeezebert.tasks.token_classification import Entity
from squeezebert.tasks.windows import cut_windows
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

SENTENCES = [
    "Ada Lovelace met Charles Babbage in London; the U.S. Navy's ship left Hamburg at 12:30.",
    "Die Deutsche Bahn und der FC Bayern München trafen sich am 3. März in Köln-Deutz.",
    "AT&T's shares rose 3,000.50 points -- O'Neill wasn't pleased…",
    "",
    "Nothing happens here.",
    "\u00dcber Zürich (Schweiz) \U0001f600 flog Angela Merkel nach Washington, D.C.",
]
LONG = " ".join(SENTENCES * 12)


def both(root: Path, name: str, tmp_path: Path) -> tuple[Pipeline[Any], list[_native.TextModel]]:
    """The pipeline, and the native models of the directory and of a bundle."""
    directory = root / "src" / "squeezebert" / "pretrained" / name
    size = write_bundle(directory, tmp_path / "bundle.safetensors")
    assert size == (tmp_path / "bundle.safetensors").stat().st_size
    natives = [
        _native.TextModel(str(path), 1) for path in (directory, tmp_path / "bundle.safetensors")
    ]
    return load(directory, threads=1), natives


@pytest.mark.parametrize("name", ["squeezebert-mini-ner", "bert-mini-ner"])
def test_entities(name: str, root: Path, tmp_path: Path) -> None:
    pipeline, natives = both(root, name, tmp_path)
    found = 0
    for text in (*SENTENCES, LONG):
        expected = pipeline(text)
        for native in natives:
            got = native.tag(text)
            assert len(got) == len(expected)
            for entity, (kind, start, end, score) in zip(expected, got, strict=True):
                assert isinstance(entity, Entity)
                assert (kind, start, end) == (entity.type, entity.start, entity.end)
                assert score == pytest.approx(entity.score, abs=2e-6)
        found += len(expected)
    assert found > 20


def test_classes(root: Path, tmp_path: Path) -> None:
    pipeline, natives = both(root, "squeezebert-mini-news", tmp_path)
    for text in [*SENTENCES, LONG, (SENTENCES[0], SENTENCES[1]), (LONG, SENTENCES[0]), ("", LONG)]:
        expected = pipeline(text)
        assert isinstance(expected, Classification)
        for native in natives:
            pair = None if isinstance(text, str) else text[1]
            got = native.classify(text if isinstance(text, str) else text[0], pair)
            right = [expected.probabilities[label] for label in pipeline.task.spec.labels]
            assert got == pytest.approx(right, abs=2e-6)


def test_gaps(root: Path, tmp_path: Path) -> None:
    pipeline, natives = both(root, "squeezebert-mini-mlm", tmp_path)
    texts = [
        "The capital of France is [MASK].",
        "Ich gehe [MASK] Hause, und [MASK] bleibst hier.",
        LONG + " I would like a [MASK] of tea.",
        " ".join(["It was [MASK]"] * 60),
    ]
    for text in texts:
        expected = pipeline(text)
        for native in natives:
            got = native.fill(text, 5)
            assert len(got) == len(expected) == text.count("[MASK]")
            for gap, (start, end, candidates) in zip(expected, got, strict=True):
                assert isinstance(gap, FilledMask)
                assert (start, end) == (gap.start, gap.end)
                assert [one[0] for one in candidates] == [one.token for one in gap.candidates]
                assert [one[2] for one in candidates] == [one.text for one in gap.candidates]
                scores = [one.score for one in gap.candidates]
                assert [one[1] for one in candidates] == pytest.approx(scores, abs=2e-6)


def together(directory: Path, text: str, top_k: int) -> list[tuple[list[str], float]]:
    """What ``fill_all`` promises, written down again: a beam over the gaps from left to right."""
    engine, tokenizer = Engine.load(directory, threads=1), Tokenizer.load(directory)
    (encoded,) = tokenizer.encode([text])
    ids = np.array([tokenizer.cls_id, *encoded.ids, tokenizer.sep_id], np.int32)
    ways: list[tuple[list[int], float]] = [([], 0.0)]
    gaps = np.flatnonzero(ids == tokenizer.mask_id)
    for gap in gaps:
        longer: list[tuple[list[int], float]] = []
        for tokens, score in ways:
            filled = ids.copy()
            filled[gaps[: len(tokens)]] = tokens
            ends = np.array([0, len(ids)], np.int32)
            row = engine.logits(filled, ends, positions=np.array([gap]))[0].astype(np.float64)
            row -= row.max() + np.log(np.exp(row - row.max()).sum())
            row[list(tokenizer.special_ids)] = -np.inf
            best = np.argsort(-row, kind="stable")[: max(top_k, 8)].tolist()
            longer += [([*tokens, token], score + float(row[token])) for token in best]
        ways = sorted(longer, key=lambda way: -way[1])[: max(top_k, 8)]
    names = (directory / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return [([names[at] for at in way], float(np.exp(score))) for way, score in ways[:top_k]]


@pytest.mark.parametrize("top_k", [1, 3, 12])
def test_gaps_together(top_k: int, root: Path, tmp_path: Path) -> None:
    _, natives = both(root, "squeezebert-mini-mlm", tmp_path)
    directory = root / "src" / "squeezebert" / "pretrained" / "squeezebert-mini-mlm"
    for text in ("I would like [MASK] [MASK] of coffee.", "[MASK] gehe [MASK] Hause, [MASK] du?"):
        expected = together(directory, text, top_k)
        for native in natives:
            got = native.fill_all(text, top_k, words=False)
            assert [one[0] for one in got] == [tokens for tokens, _ in expected]
            assert [one[1] for one in got] == pytest.approx([score for _, score in expected], 1e-4)
            words = native.fill_all(text, top_k, words=True)
            assert len(words) == top_k
            for tokens, _, filled in words:
                assert all(token.isalpha() for token in tokens)
                whole = text
                for token in tokens:
                    whole = whole.replace("[MASK]", token, 1)
                assert filled == whole


def test_wrong_calls(root: Path, tmp_path: Path) -> None:
    _, natives = both(root, "squeezebert-mini-mlm", tmp_path)
    for native in natives:
        with pytest.raises(InvalidInputError, match=r"the text holds no \[MASK\]"):
            native.fill("nothing", 5)
        with pytest.raises(InvalidInputError, match="top_k is 0"):
            native.fill("[MASK]", 0)
        with pytest.raises(InvalidInputError, match="this model's is masked_lm"):
            native.tag("Ada")


def test_bundles_that_cannot_be(root: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no model"):
        write_bundle(tmp_path, tmp_path / "out")
    source = root / "src" / "squeezebert" / "pretrained" / "squeezebert-mini-mlm"
    path = tmp_path / "whole"
    assert run(["bundle", str(source), "--output", str(path)]) == 0
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    del header["__metadata__"]["vocab.txt"]
    short = json.dumps(header).encode().ljust(length)
    (tmp_path / "no-vocabulary").write_bytes(content[:8] + short + content[8 + length :])
    with pytest.raises(CheckpointError, match="holds neither tokenizer"):
        _native.TextModel(str(tmp_path / "no-vocabulary"), 1)
    (tmp_path / "cut").write_bytes(content[:-1])
    with pytest.raises(CheckpointError, match="is not a readable safetensors file"):
        _native.TextModel(str(tmp_path / "cut"), 1)
    del header["__metadata__"]["config.json"]
    short = json.dumps(header).encode().ljust(length)
    (tmp_path / "no-config").write_bytes(content[:8] + short + content[8 + length :])
    with pytest.raises(CheckpointError, match=r"there is no config\.json in"):
        _native.TextModel(str(tmp_path / "no-config"), 1)


@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="another Unicode than ours")
def test_words() -> None:
    chance = random.Random(3)
    ascii_parts = [*"aZ9.,:/-'&_ \n\x00", "'s", "n't", "U.S.A.", "3,000", "O'", "ll"]
    others = [*"ß’(ſ½é\x85\x96東\U0002b825\u0301\u0947\u20e3\ufe0f\u200b\u200d\xad", "’RE"]
    symbols = [*"\U0001f600\U0001f3fd\U0001f1e9\xa9´^\u200d"]
    for parts in (ascii_parts, ascii_parts + others, others + symbols):
        for _ in range(7000):
            text = "".join(chance.choices(parts, k=chance.randint(0, 9)))
            for apart in (True, False):
                got = [tuple(span) for span in _native.split_words(text, apart).tolist()]
                assert got == split_words(text, chinese_characters=apart), ascii(text)


def test_words_with_marks_and_ideographs() -> None:
    def words(text: str, apart: bool = True) -> list[str]:
        return [text[start:end] for start, end in _native.split_words(text, apart).tolist()]

    assert words("na\u0308chst e\u200dx \u0928\u092e\u0938\u094d\u0924\u0947!\ufe0f\u200d") == [
        "na\u0308chst", "e\u200dx", "\u0928\u092e\u0938\u094d\u0924\u0947", "!\ufe0f",
    ]  # fmt: skip
    assert words("\u0301 \u200d") == []
    assert words("東京a") == ["東", "京", "a"]
    assert words("東京a", apart=False) == ["東京a"]


def test_windows() -> None:
    chance = random.Random(5)
    for _ in range(300):
        lengths = [chance.choice([1, 1, 1, 2, 3, 12]) for _ in range(chance.randint(0, 30))]
        word_ids = np.repeat(np.arange(len(lengths)), lengths).astype(np.int32)
        size = chance.randint(2, 12)
        overlap = chance.randint(0, size - 1)
        got = _native.cut_windows(word_ids.tolist(), size, overlap)
        expected = cut_windows(word_ids, size, overlap)
        assert got == [(one.start, one.end, one.words.tolist()) for one in expected]
    with pytest.raises(InvalidInputError, match="overlap is 4, expected 0 to 3"):
        _native.cut_windows([0], 4, 4)


def test_tag_decoder() -> None:
    generator = np.random.default_rng(2)
    for labels in (1, 3, 9):
        table = generator.normal(size=(labels + 1, labels)).round(1)
        transitions = tuple(
            tuple(
                None if score < -1.2 and column else float(score)
                for column, score in enumerate(row)
            )
            for row in table
        )
        for words in (0, 1, 2, 30):
            scores = generator.normal(size=(words, labels)).round(1).astype(np.float32)
            got = _native.decode_tags(transitions, labels, scores.ravel().tolist())
            assert got == TagDecoder(transitions, labels).decode([scores])[0].tolist()


def _classifier(directory: Path, **config: Any) -> None:
    """A random BERT with one output."""
    transformers = pytest.importorskip("transformers")
    tokens = [*SPECIAL_TOKENS, *"abc"]
    sizes: dict[str, Any] = {
        "vocab_size": len(tokens),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 16,
        "initializer_range": 0.5,
    }
    transformers.BertForSequenceClassification(
        transformers.BertConfig(**sizes, **config)
    ).save_pretrained(directory)
    Tokenizer.from_vocabulary(tokens, lowercase=True).save(directory)


@pytest.mark.parametrize("task", [None, {"task": "text_classification", "labels": []}])
def test_one_output_is_a_number(task: dict[str, Any] | None, tmp_path: Path) -> None:
    _classifier(tmp_path / "a", num_labels=1)
    if task is not None:
        content = {**task, "problem_type": "regression", "max_length": 16}
        (tmp_path / "a" / "task.json").write_text(json.dumps(content))
    expected = load(tmp_path / "a", threads=1)("a b")
    write_bundle(tmp_path / "a", tmp_path / "b")
    for path in (tmp_path / "a", tmp_path / "b"):
        (got,) = _native.TextModel(str(path), 1).classify("a b", None)
        assert got == pytest.approx(expected.score, abs=2e-6)


def test_a_bundle_holds_what_stands_beside_the_tokenizer(tmp_path: Path) -> None:
    _classifier(tmp_path / "a", num_labels=1)
    settings = {"do_lower_case": False, "mask_token": "a"}
    (tmp_path / "a" / "tokenizer_config.json").write_text(json.dumps(settings))
    (tmp_path / "a" / "special_tokens_map.json").write_text(json.dumps({"sep_token": "c"}))
    write_bundle(tmp_path / "a", tmp_path / "b")
    answers = [
        _native.TextModel(str(path), 1).classify("A b", None)
        for path in (tmp_path / "a", tmp_path / "b")
    ]
    assert answers[0] == answers[1]
    assert answers[0] == pytest.approx([load(tmp_path / "a")("A b").score], abs=2e-6)


def test_a_bundle_of_shards_in_a_hugging_face_cache(tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "models--x" / "snapshots" / "1", tmp_path / "models--x" / "blobs"
    _classifier(snapshot, num_labels=1)
    blobs.mkdir()
    (snapshot / "model.safetensors").rename(blobs / "0a")
    (snapshot / "model-00001-of-00001.safetensors").symlink_to(Path("../../blobs/0a"))
    names = read_file(blobs / "0a")
    content = {"weight_map": dict.fromkeys(names, "model-00001-of-00001.safetensors")}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(content))
    write_bundle(snapshot, tmp_path / "b")
    assert _native.TextModel(str(tmp_path / "b"), 1).classify("a", None)
