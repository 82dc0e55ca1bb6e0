"""The native tokenizer: ids and places equal to those of the `tokenizers` library."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import tokenizers
from tokenizers import AddedToken, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from squeezebert.engine import _native
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
MARKS = [0x301, 0x316, 0x320, 0x344, 0x345, 0x302E, 0x1BAA, 0x1D165, 0x1D16D, 0x8D4, 0x1E94A]
ODD = [0, 9, 11, 13, 0x85, 0xA0, 0xAD, 0x130, 0x37E, 0x200B, 0x200D, 0x212B, 0x1E9E, 0xFEFF, 0xFFFD]
POOLS: list[list[str]] = [
    [*map(chr, range(32, 127)), *[" "] * 20],
    [*"abcdefghijklmnopqrstuvwxyzäöüßéè ETAOIN.,-'\"", *[" "] * 8],
    [*map(chr, range(0x80, 0x250))],
    [*map(chr, range(0x300, 0x370)), *map(chr, MARKS)],
    [*map(chr, range(0x370, 0x700))],
    [*map(chr, range(0x900, 0xE00))],
    [*map(chr, range(0x1100, 0x1200)), *map(chr, range(0xAC00, 0xAC80))],
    [*map(chr, range(0x2000, 0x2070)), *map(chr, ODD)],
    [
        *map(chr, range(0x3000, 0x3100)),
        *map(chr, range(0x4E00, 0x4E80)),
        *map(chr, range(0xF900, 0xFA00)),
    ],
    [*SPECIAL_TOKENS, "[MASK", " [mask] ", "##", "[", "]"],
]


def random_texts(seed: int, count: int) -> Iterator[str]:
    """Texts of one to three scripts, and some of any code points at all."""
    chance = random.Random(seed)
    for _ in range(count):
        pools = chance.sample(POOLS, chance.choice([1, 1, 2, 3]))
        length = chance.choice([1, 2, 3, 5, 8, 13, 21, 34])
        yield "".join(
            chr(chance.choice(CODE_POINTS))
            if chance.random() < 0.02
            else chance.choice(chance.choice(pools))
            for _ in range(length)
        )


def vocabulary() -> list[str]:
    """Words, and many single characters alone and inside a word, so that places are seen."""
    characters = [chr(c) for c in CODE_POINTS if c < 0x3400 or 0xF900 <= c < 0xFB00 or c % 101 == 0]
    words = ["the", "and", "un", "##seen", "##ing", "sch", "##ön", "##on"]
    pieces = (f"##{character}" for character in characters)
    return list(dict.fromkeys([*SPECIAL_TOKENS, *words, *characters, *pieces]))


def both(
    directory: Path, *added: AddedToken, **settings: bool
) -> tuple[tokenizers.Tokenizer, _native.Tokenizer]:
    """The same tokenizer twice."""
    tokens = {token: index for index, token in enumerate(vocabulary())}
    theirs = tokenizers.Tokenizer(WordPiece(vocab=tokens, unk_token="[UNK]"))
    theirs.normalizer = normalizers.BertNormalizer(**settings)
    theirs.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    theirs.add_special_tokens(list(SPECIAL_TOKENS))
    theirs.add_tokens(list(added))
    theirs.save(str(directory / "tokenizer.json"))
    return theirs, _native.Tokenizer(str(directory))


def assert_equal(
    theirs: tokenizers.Tokenizer, ours: _native.Tokenizer, texts: Sequence[str]
) -> int:
    """Gives how many tokens there were."""
    expected = theirs.encode_batch(list(texts), add_special_tokens=False)
    ids, spans, ends = ours.encode(list(texts))
    assert len(ends) == len(texts) + 1
    for text, item, start, end in zip(texts, expected, ends[:-1], ends[1:], strict=True):
        assert ids[start:end].tolist() == item.ids, ascii(text)
        assert [tuple(span) for span in spans[start:end].tolist()] == item.offsets, ascii(text)
    return len(ids)


SETTINGS = [
    {"lowercase": True},
    {"lowercase": False},
    {"lowercase": True, "strip_accents": False},
    {"lowercase": False, "strip_accents": True, "handle_chinese_chars": False},
    {"lowercase": True, "clean_text": False},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_random_unicode(settings: dict[str, bool], tmp_path: Path) -> None:
    theirs, ours = both(tmp_path, **settings)
    texts = list(random_texts(seed=7, count=3000))
    assert assert_equal(theirs, ours, texts) > len(texts)


@pytest.mark.parametrize(
    "settings", [SETTINGS[0], pytest.param(SETTINGS[4], marks=pytest.mark.slow)]
)
def test_every_code_point(settings: dict[str, bool], tmp_path: Path) -> None:
    theirs, ours = both(tmp_path, **settings)
    # Between letters it shows whether it ends a word, after a mark whether it changes places.
    texts = [
        " ".join(f"a{chr(c)}b a\u0301{chr(c)}" for c in CODE_POINTS[start : start + 400])
        for start in range(0, len(CODE_POINTS), 400)
    ]
    assert assert_equal(theirs, ours, texts) > len(CODE_POINTS)


def test_added_tokens(tmp_path: Path) -> None:
    added = [
        AddedToken("<left>", lstrip=True, normalized=False),
        AddedToken("<right>", rstrip=True, normalized=False),
        AddedToken("alone", single_word=True, normalized=False),
        AddedToken("Äpfel", normalized=True),
        AddedToken("<lef", normalized=False),
    ]
    theirs, ours = both(tmp_path, *added, lowercase=True)
    parts = ["<left>", "<right>", "alone", "APFEL", "äpfel", "<lef", " ", "  ", "x", "ä", "."]
    texts = ["".join(chosen) for chosen in itertools.product(parts, repeat=3)]
    assert assert_equal(theirs, ours, texts) > len(texts)


def test_shipped_vocabularies(root: Path) -> None:
    sentences = [
        "Ada Lovelace's trip to Zürich cost 3,000.50 francs -- didn't it?",
        "Straßenbahnhaltestellen und Äußerungen über „Gänsefüßchen“ …",
        "co-operate\u00ad with [MASK] in 東京 \U0001f600",
    ]
    for directory in sorted((root / "src" / "squeezebert" / "pretrained").glob("*/")):
        if (directory / "vocab.txt").is_file():
            theirs = Tokenizer.load(directory).encode(sentences)
            ids, spans, ends = _native.Tokenizer(str(directory)).encode(sentences)
            for item, start, end in zip(theirs, ends[:-1], ends[1:], strict=True):
                assert ids[start:end].tolist() == item.ids.tolist()
                assert spans[start:end].tolist() == item.offsets.tolist()


@pytest.mark.parametrize("lowercase", [True, False])
def test_real_texts(lowercase: bool, shared_data: Path, tmp_path: Path) -> None:
    name = "uncased" if lowercase else "multilingual-cased"
    source = shared_data / "vocab" / f"bert-base-{name}-vocab.txt"
    (tmp_path / "vocab.txt").write_bytes(source.read_bytes())
    config = {"do_lower_case": lowercase}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    theirs, ours = Tokenizer.load(tmp_path), _native.Tokenizer(str(tmp_path))
    for path in (
        "conll2003_en/eng.testb",
        "conll2003_de/deu.testb",
        "dailydialog/dialogues_test.txt",
    ):
        content = (shared_data / path).read_text(encoding="utf-8", errors="replace")
        lines = content.splitlines()[:4000]
        expected = theirs.encode(lines)
        ids, spans, _ = ours.encode(lines)
        assert ids.tolist() == [index for item in expected for index in item.ids.tolist()]
        assert spans.tolist() == [span for item in expected for span in item.offsets.tolist()]


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds neither tokenizer"):
        _native.Tokenizer(str(tmp_path))
    _, ours = both(tmp_path, lowercase=True)
    with pytest.raises(UnicodeEncodeError):
        ours.encode(["\ud83d"])
    with pytest.raises(InvalidInputError, match="text 1 is of type int"):
        ours.encode(["a", 1])  # type: ignore[list-item]
