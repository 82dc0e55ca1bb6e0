"""WordPiece: against transformers' tokenizer, and its own promises."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.tokenizer import ROLES, Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

LETTERS = "abcdefghijklmnopqrstuvwxyzßäöü0123456789.,!?'-"
VOCABULARY = [
    *SPECIAL_TOKENS,
    *LETTERS,
    *LETTERS.upper().replace("SS", ""),
    *(f"##{letter}" for letter in LETTERS),
    "hello",
    "world",
    "un",
    "##seen",
]
VOCABULARY = list(dict.fromkeys(VOCABULARY))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_vocabulary(VOCABULARY, lowercase=True)


@pytest.mark.parametrize("lowercase", [True, False])
def test_agrees_with_transformers(lowercase: bool, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    ours = Tokenizer.from_vocabulary(VOCABULARY, lowercase=lowercase)
    ours.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert type(theirs).__name__.startswith("Bert")
    for text in (
        "Hello, unseen world!",
        "STRASSE straße Äpfel café",
        "tabs\tand\nlines  and\u00a0spaces",
        "漢字 and 😀 here",
        "a [MASK] b",
        "",
        "x" * 120,
    ):
        expected = theirs(text, add_special_tokens=False, return_offsets_mapping=True)
        got = ours.encode([text])[0]
        assert got.ids.tolist() == expected["input_ids"], text
        assert [tuple(o) for o in got.offsets.tolist()] == expected["offset_mapping"], text


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_offsets_are_in_order_and_inside_the_text(text: str) -> None:
    tokenizer = Tokenizer.from_vocabulary(VOCABULARY, lowercase=True)
    encoded = tokenizer.encode([text])[0]
    starts, ends = encoded.offsets[:, 0], encoded.offsets[:, 1]
    assert np.all(starts <= ends)
    assert np.all(np.diff(starts) >= 0)
    assert ends.max(initial=0) <= len(text)
    assert len(encoded.ids) == len(encoded.word_ids) == len(encoded.offsets)


@given(st.lists(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=8), max_size=8)))
def test_every_word_has_a_token(sentences: list[list[str]]) -> None:
    tokenizer = Tokenizer.from_vocabulary(VOCABULARY, lowercase=False)
    encoded = tokenizer.encode_words(sentences)
    assert len(encoded) == len(sentences)
    for words, item in zip(sentences, encoded, strict=True):
        assert sorted(set(item.word_ids.tolist())) == list(range(len(words)))
        for index, (_, end) in zip(item.word_ids, item.offsets, strict=True):
            assert end <= len(words[index])


def test_special_ids_and_lookup(tokenizer: Tokenizer) -> None:
    assert (tokenizer.pad_id, tokenizer.mask_id) == (0, 4)
    assert tokenizer.special_ids == {0, 1, 2, 3, 4}
    assert tokenizer.token(tokenizer.token_id("hello") or 0) == "hello"
    assert tokenizer.token_id("nowhere") is None
    assert tokenizer.tokens == VOCABULARY
    assert tokenizer.vocab_size == len(VOCABULARY)
    with pytest.raises(InvalidInputError, match="outside the vocabulary"):
        tokenizer.token(10**6)


def test_decode_joins_pieces(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(["Unseen world."])[0].ids
    assert tokenizer.decode([tokenizer.cls_id, *ids]) == "unseen world."


@pytest.mark.parametrize("kind", ["directory", "tokenizer.json", "vocab.txt"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_round_trip(kind: str, lowercase: bool, tmp_path: Path) -> None:
    original = Tokenizer.from_vocabulary(VOCABULARY, lowercase=lowercase)
    original.save(tmp_path)
    back = Tokenizer.load(tmp_path if kind == "directory" else tmp_path / kind)
    assert back.tokens == original.tokens
    assert back.lowercase is lowercase
    for text in ("Hello Unseen", "[MASK]"):
        assert back.encode([text])[0].ids.tolist() == original.encode([text])[0].ids.tolist()


def test_windows_line_ends_in_a_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes("\r\n".join([*VOCABULARY, ""]).encode())
    assert Tokenizer.load(tmp_path).tokens == VOCABULARY


def test_training_learns_the_words_and_keeps_case() -> None:
    texts = ["Ada schreibt Ada", "Ada liest, Ada schreibt"] * 20
    cased = Tokenizer.train(texts, vocab_size=60, lowercase=False)
    assert cased.vocab_size <= 60
    assert cased.tokens[:5] == list(SPECIAL_TOKENS)
    assert len(cased.encode(["Ada schreibt"])[0]) == 2
    assert cased.token_id("Ada") is not None
    assert Tokenizer.train(texts, vocab_size=60, lowercase=True).token_id("ada") is not None
    with pytest.raises(InvalidInputError, match="vocab_size is 5"):
        Tokenizer.train(texts, vocab_size=5, lowercase=True)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        ({}, "holds neither"),
        ({"vocab.txt": "a\nb\n"}, "lacks \\[UNK\\]"),
        ({"vocab.txt": "\n".join([*VOCABULARY, "hello"])}, "holds 'hello' twice"),
        ({"vocab.txt": "[UNK]\nhello\n"}, "lacks \\[PAD\\]"),
        ({"tokenizer.json": "{}"}, "holds a None tokenizer"),
        ({"tokenizer.json": '{"model": {"type": ["WordPiece"]}}'}, "tokenizer, expected"),
        ({"tokenizer.json": "{"}, "is not readable JSON"),
        ({"tokenizer.json": "[" * 100_000}, "levels deep"),
        ({"tokenizer.json": '{"model": {"type": "WordPiece"}}'}, "is not a tokenizer file"),
        (
            {"vocab.txt": "\n".join(VOCABULARY), "tokenizer_config.json": "{"},
            "is not readable JSON",
        ),
        (
            {"vocab.txt": "\n".join(VOCABULARY), "tokenizer_config.json": '{"do_lower_case": 1}'},
            "do_lower_case is 1, expected true or false",
        ),
    ],
)
def test_broken_tokenizers_are_refused(write: dict[str, str], message: str, tmp_path: Path) -> None:
    for name, content in write.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=message):
        Tokenizer.load(tmp_path)


def test_other_kinds_of_tokenizer_are_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    content = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    content["model"] = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(CheckpointError, match="holds a WordLevel tokenizer"):
        Tokenizer.load(tmp_path)


def test_bad_texts_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(InvalidInputError, match="text 1 is a int"):
        tokenizer.encode(["fine", 3])  # type: ignore[list-item]
    with pytest.raises(InvalidInputError, match="cannot be written as UTF-8"):
        tokenizer.encode(["\ud800"])


def test_a_megabyte_in_one_line(tokenizer: Tokenizer) -> None:
    encoded = tokenizer.encode(["hello " * 170_000])[0]
    assert len(encoded) == 170_000


# -- Unigram ---------------------------------------------------------------------------------------

PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    ",",
    ".",
    "▁",
    "▁hello",
    "▁wor",
    "ld",
    "l",
    "d",
    "▁Ä",
    "<mask>",
]
SCORES = [0, 0, 0, 0, -3, -3, -4, -5, -5, -6, -8, -8, -7, 0]


@pytest.fixture(scope="module")
def unigram() -> Tokenizer:
    return Tokenizer.from_pieces(PIECES, SCORES)


def test_unigram_takes_the_likeliest_pieces(unigram: Tokenizer) -> None:
    encoded = unigram.encode(["hello  world.", "\u200bhello\tworld\ufeff"])
    assert [unigram.token(i) for i in encoded[0].ids] == ["▁hello", "▁wor", "ld", "."]
    assert [unigram.token(i) for i in encoded[1].ids] == ["▁hello", "▁wor", "ld", "▁"]
    assert encoded[0].offsets[0].tolist() == [0, 5]
    assert unigram.decode(encoded[0].ids) == "hello world."


def test_unigram_special_tokens_by_role(unigram: Tokenizer) -> None:
    ids = (unigram.cls_id, unigram.pad_id, unigram.sep_id, unigram.unk_id, unigram.mask_id)
    assert ids == (0, 1, 2, 3, 13)
    assert unigram.special_ids == set(ids)
    assert unigram.encode(["hello <mask>"])[0].ids.tolist() == [7, 13]
    assert unigram.encode(["\u4e2d"])[0].ids.tolist() == [6, 3]


def test_unigram_words_begin_with_their_mark(unigram: Tokenizer) -> None:
    [encoded] = unigram.encode_words([["hello", "\x07", "Ä"]])
    assert encoded.word_ids.tolist() == [0, 1, 2]
    assert [unigram.token(i) for i in encoded.ids] == ["▁hello", "<unk>", "▁Ä"]


def test_unigram_comes_back_from_its_directory(unigram: Tokenizer, tmp_path: Path) -> None:
    unigram.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    loaded = Tokenizer.load(tmp_path)
    assert (loaded.tokens, loaded.kind, loaded.lowercase) == (PIECES, "Unigram", False)
    text = "hello, Ä world <mask> ... \u2028"
    assert loaded.encode([text])[0].ids.tolist() == unigram.encode([text])[0].ids.tolist()


def test_unigram_agrees_with_transformers(unigram: Tokenizer, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    unigram.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in ("hello world.", "Ärger <mask>, hello", "", "ﬁ ½ hello"):
        assert (
            unigram.encode([text])[0].ids.tolist()
            == theirs(text, add_special_tokens=False)["input_ids"]
        )
    assert (theirs.pad_token_id, theirs.mask_token_id, theirs.cls_token_id) == (1, 13, 0)


@pytest.mark.parametrize("missing", ROLES["Unigram"])
def test_unigram_without_a_special_token_is_refused(missing: str) -> None:
    pieces = [piece for piece in PIECES if piece != missing]
    with pytest.raises(CheckpointError, match=f"lacks {missing}"):
        Tokenizer.from_pieces(pieces, [0.0] * len(pieces))


def test_unigram_pieces_and_scores_go_together() -> None:
    with pytest.raises(InvalidInputError, match="14 pieces but 1 scores"):
        Tokenizer.from_pieces(PIECES, [0.0])
    with pytest.raises(CheckpointError, match="holds 'l' twice"):
        Tokenizer.from_pieces([*PIECES, "l"], [*SCORES, 0])


def _write(directory: Path, files: str, config: dict[str, object] | None) -> None:
    """A tokenizer that its tokenizer.json says is uncased, and what the config says of it."""
    Tokenizer.from_vocabulary([*VOCABULARY, "fün", "\u4eac\u4e1c"], lowercase=True).save(directory)
    (directory / "config.json").write_text('{"model_type": "bert"}')
    (directory / ("vocab.txt" if files == "tokenizer.json" else "tokenizer.json")).unlink()
    (directory / "tokenizer_config.json").unlink()
    if config is not None:
        (directory / "tokenizer_config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("files", ["vocab.txt", "tokenizer.json"])
@pytest.mark.parametrize("kind", ["BertTokenizer", "PreTrainedTokenizerFast"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"do_lower_case": False, "strip_accents": True},
        {"tokenize_chinese_chars": False},
    ],
)
def test_settings_are_those_of_transformers(
    files: str, kind: str, settings: dict[str, object], tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    if files == "vocab.txt" and kind != "BertTokenizer":
        pytest.skip("transformers reads no vocab.txt by that class")
    _write(tmp_path, files, {"tokenizer_class": kind, **settings})
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    ours = Tokenizer.load(tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    ours.save(again)
    for text in ("Fün fün FUN", "a\u4eac\u4e1cb \u4eac", "e\u0301 \u0e01\u0e34"):
        expected = theirs(text, add_special_tokens=False)["input_ids"]
        assert ours.encode([text])[0].ids.tolist() == expected, text
        for name in ("tokenizer.json", "vocab.txt"):
            saved = Tokenizer.load(again / name)
            assert saved.encode([text])[0].ids.tolist() == expected, (name, text)


def test_a_tokenizer_json_by_itself_holds_as_it_is(tmp_path: Path) -> None:
    _write(tmp_path, "tokenizer.json", None)
    file = tmp_path / "tokenizer.json"
    content = json.loads(file.read_text())
    content["normalizer"]["lowercase"] = False
    file.write_text(json.dumps(content))
    assert not Tokenizer.load(tmp_path).lowercase


def test_what_is_not_berts_is_kept_when_saved(tmp_path: Path) -> None:
    _write(tmp_path, "tokenizer.json", None)
    file = tmp_path / "tokenizer.json"
    content = json.loads(file.read_text())
    content["normalizer"] = {"type": "Replace", "pattern": {"String": "q"}, "content": "a"}
    file.write_text(json.dumps(content))
    (tmp_path / "again").mkdir()
    Tokenizer.load(file).save(tmp_path / "again")
    back = Tokenizer.load(tmp_path / "again")
    assert [back.token(i) for i in back.encode(["q"])[0].ids] == ["a"]


@pytest.mark.parametrize("name", ["vocab.txt", "tokenizer.json", "tokenizer_config.json"])
def test_a_byte_order_mark_is_passed_over(name: str, tmp_path: Path) -> None:
    original = Tokenizer.from_vocabulary(VOCABULARY, lowercase=False)
    original.save(tmp_path)
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + (tmp_path / name).read_bytes())
    back = Tokenizer.load(tmp_path / "vocab.txt" if name == "vocab.txt" else tmp_path)
    assert back.tokens == VOCABULARY
    assert not back.lowercase


@pytest.mark.parametrize(
    ("part", "broken"),
    [
        ("normalizer", {"type": "Precompiled", "precompiled_charsmap": "AAAA"}),  # when loaded
        ("pre_tokenizer", {"type": "FixedLength", "length": 0}),  # when used
    ],
)
def test_a_panic_of_the_library_is_an_error_of_ours(
    part: str, broken: dict[str, object], tmp_path: Path
) -> None:
    _write(tmp_path, "tokenizer.json", None)
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), part: broken}))
    with pytest.raises(CheckpointError):
        Tokenizer.load(file).encode(["ab"])


def test_pre_tokens_are_the_words_of_bert(tokenizer: Tokenizer) -> None:
    text = "Hello,  un-seen \u4eac\u4e1c [MASK]!"
    words = [text[start:end] for start, end in tokenizer.pre_tokens(text)]
    assert words == ["Hello", ",", "un", "-", "seen", "\u4eac", "\u4e1c", "[MASK]", "!"]
