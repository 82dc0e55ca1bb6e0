"""Special and added tokens: the ids of transformers, in Python and in the native core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from squeezebert.engine import _native
from squeezebert.errors import CheckpointError
from squeezebert.spec import TaskSpec
from squeezebert.tasks import MaskedLM
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

OTHERS = ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
LETTERS = "abcenorswyk<>[]"
VOCABULARY = [
    *SPECIAL_TOKENS,
    *OTHERS,
    *LETTERS,
    *(f"##{one}" for one in LETTERS),
    "new york",
    "<ent>",
]
NEW = len(VOCABULARY)
TEXTS = (
    "a [MASK] b  [MASK]c <mask> [SEP] </s> <unk> z",
    "new york NEW YORK a new yorker",
    "<ent>a <ENT> b<ent> <new> x<new>",
    "",
)


def token(content: str, **flags: bool) -> dict[str, object]:
    plain = dict.fromkeys(("lstrip", "normalized", "rstrip", "single_word", "special"), False)
    return {"content": content, **plain, **flags}


def decoder(*tokens: dict[str, object]) -> dict[str, object]:
    known = {content: index for index, content in enumerate([*VOCABULARY, "<new>"])}
    return {"added_tokens_decoder": {str(known[str(one["content"])]): one for one in tokens}}


def write(directory: Path, kind: str, files: dict[str, Any]) -> None:
    Tokenizer.from_vocabulary(VOCABULARY, lowercase=True).save(directory)
    (directory / ("vocab.txt" if kind == "tokenizer.json" else "tokenizer.json")).unlink()
    (directory / "config.json").write_text('{"model_type": "bert"}')
    for name, content in files.items():
        (directory / name).write_text(json.dumps(content))


CONFIG = "tokenizer_config.json"
CASES: dict[str, dict[str, Any]] = {
    "unknown": {CONFIG: {"unk_token": "<unk>"}},
    "gap": {CONFIG: {"mask_token": token("<mask>", lstrip=True) | {"__type": "AddedToken"}}},
    "frame": {CONFIG: {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"}},
    "frame, by the map": {
        CONFIG: {},
        "special_tokens_map.json": {"cls_token": token("<s>"), "sep_token": "</s>"},
    },
    "the map does not count": {
        CONFIG: decoder(token("[MASK]", special=True)),
        "special_tokens_map.json": {"cls_token": "<s>"},
    },
    "extra": {CONFIG: {"extra_special_tokens": ["<ent>"]}},
    "additional": {CONFIG: {"additional_special_tokens": ["<ent>", "<new>"]}},
    "decoder": {CONFIG: decoder(token("new york"), token("<ent>", special=True, lstrip=True))},
    "decoder, normalized": {CONFIG: decoder(token("new york", normalized=True), token("<new>"))},
    "decoder, words": {CONFIG: decoder(token("new york", single_word=True), token("<new>"))},
    "file of added tokens": {CONFIG: {}, "added_tokens.json": {"<new>": NEW, "<ent>": NEW - 1}},
}


@pytest.mark.parametrize("kind", ["vocab.txt", "tokenizer.json"])
@pytest.mark.parametrize("case", CASES)
def test_tokens_are_those_of_transformers(case: str, kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    write(tmp_path, kind, CASES[case])
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    ours, native = Tokenizer.load(tmp_path), _native.Tokenizer(str(tmp_path))
    (tmp_path / "again").mkdir()
    ours.save(tmp_path / "again")
    saved = [Tokenizer.load(tmp_path / "again" / name) for name in ("tokenizer.json", "vocab.txt")]
    ids, _, ends = native.encode(list(TEXTS))
    for text, start, end in zip(TEXTS, ends[:-1], ends[1:], strict=True):
        expected = theirs(text, add_special_tokens=False)["input_ids"]
        assert ours.encode([text])[0].ids.tolist() == expected, text
        assert ids[start:end].tolist() == expected, text
        for again in saved:
            assert again.encode([text])[0].ids.tolist() == expected, text
    for tokenizer in (ours, *saved):
        framed = [tokenizer.cls_id, *tokenizer.encode(["a"])[0].ids, tokenizer.sep_id]
        assert framed == theirs("a")["input_ids"]
        assert (tokenizer.pad_id, tokenizer.mask_id, tokenizer.mask_token) == (
            theirs.pad_token_id,
            theirs.mask_token_id,
            theirs.mask_token,
        )


def test_a_gap_is_written_as_the_model_calls_it(tmp_path: Path) -> None:
    write(tmp_path, "vocab.txt", CASES["gap"])
    task = MaskedLM(TaskSpec(task="masked_lm", max_length=16), Tokenizer.load(tmp_path))
    features = task.encode([task.from_text("a <mask> b")])
    assert task.positions(features[0]).tolist() == [2]
    with pytest.raises(Exception, match="holds no <mask>"):
        task.from_text("a [MASK] b")


@pytest.mark.parametrize("kind", ["vocab.txt", "tokenizer.json"])
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({CONFIG: {"added_tokens_decoder": {"0": token("z")}}}, "'z' is added as id 0"),
        ({CONFIG: {"added_tokens_decoder": {str(NEW + 5): token("z")}}}, f"makes it {NEW}"),
        ({CONFIG: {"added_tokens_decoder": {"x": token("z")}}}, "x"),
        ({CONFIG: {"added_tokens_decoder": [1]}}, "added_tokens_decoder is"),
        ({CONFIG: {"mask_token": 5}}, "mask_token is 5, expected a token"),
        ({CONFIG: {"mask_token": token("")}}, "expected a token with a content"),
        ({CONFIG: {"extra_special_tokens": 5}}, "extra_special_tokens is 5, expected a list"),
        ({CONFIG: {}, "added_tokens.json": {"z": -1}}, "the id of 'z' is -1"),
        ({CONFIG: {"split_special_tokens": True}}, "split_special_tokens is"),
        ({CONFIG: {"tokenizer_class": "BertJapaneseTokenizer"}}, "is a 'BertJapanese"),
        ({"config.json": {"tokenizer_class": "BertJapaneseTokenizer"}}, "is a 'BertJapanese"),
    ],
)
def test_what_cannot_be_is_refused_by_both(
    files: dict[str, Any], message: str, kind: str, tmp_path: Path
) -> None:
    write(tmp_path, kind, files)
    if "config.json" in files:
        (tmp_path / CONFIG).unlink()
    with pytest.raises(CheckpointError, match=message):
        Tokenizer.load(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        _native.Tokenizer(str(tmp_path))


@pytest.mark.parametrize("name", ["RobertaTokenizer", "PreTrainedTokenizerFast"])
def test_a_vocabulary_of_another_class_is_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path, "vocab.txt", {CONFIG: {"tokenizer_class": name}})
    for load in (Tokenizer.load, lambda path: _native.Tokenizer(str(path))):
        with pytest.raises(CheckpointError, match=f"is a '{name}', expected BERT's"):
            load(tmp_path)
