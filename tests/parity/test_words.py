"""Words of raw text in all scripts: entities as transformers finds them in its own checkpoints."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from squeezebert.pipeline import load
from squeezebert.tasks import Entity
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")

TEXTS = {
    "latin": "Jean-Luc O'Neill isn't in St. John's, U.S., at 3.5% of AT&T...",
    "german": "Jürgen Großmann fährt für 12,50 € nach Köln-Süd.",
    "devanagari": "मैं नई दिल्ली में रहता हूँ।",
    "arabic": "ذهب مُحَمَّد إلى القاهرة، أمس؟",
    "hebrew": "שָׁלוֹם דוד גר בתל־אביב",
    "thai": "สมชายอยู่ที่ กรุงเทพ ๒๕๖๗",
    "chinese": "我在北京工作,他在上海。",
    "japanese": "田中さんは東京タワーへ行った。",
    "korean": "김철수는 서울에서 일한다.",
    "emoji": "Ada ❤️ Köln 👍🏽 and 🇩🇪 x👨‍👩‍👧y",
    "mixed": "Ada在北京 met मोहन and दाऊदשלום.",
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random cased BERT as Hugging Face saves it; its labels differ from word to word."""
    directory = tmp_path_factory.mktemp("words")
    letters = sorted({sign for text in TEXTS.values() for sign in text if not sign.isspace()})
    vocabulary = [*SPECIAL_TOKENS, *letters, *(f"##{letter}" for letter in letters)]
    Tokenizer.from_vocabulary(vocabulary, lowercase=False).save(directory)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
        initializer_range=0.5,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    transformers.BertForTokenClassification(config).save_pretrained(directory)
    return directory


@pytest.fixture(scope="module")
def theirs(checkpoint: Path) -> Any:
    return transformers.pipeline(
        "token-classification", model=str(checkpoint), aggregation_strategy="first"
    )


@pytest.fixture(scope="module")
def ours(checkpoint: Path) -> Any:
    return load(checkpoint, precision="float32", threads=1)


def _plain(found: list[dict[str, Any]] | tuple[Entity, ...]) -> list[tuple[str, int, int]]:
    return [
        (item.type, item.start, item.end)
        if isinstance(item, Entity)
        else (item["entity_group"], item["start"], item["end"])
        for item in found
    ]


@pytest.mark.parametrize("script", TEXTS)
def test_entities_are_those_of_transformers(script: str, ours: Any, theirs: Any) -> None:
    # With format characters transformers goes wrong, see below.
    text = "".join(sign for sign in TEXTS[script] if unicodedata.category(sign) != "Cf")
    expected = _plain(theirs(text))
    assert expected, "nothing to compare"
    assert _plain(ours(text)) == expected


@pytest.mark.parametrize("invisible", ["\u200b", "\u200d", "\ufeff", "\u202a", "\u2066", "\u00ad"])
@pytest.mark.parametrize("script", TEXTS)
def test_format_characters_change_no_entity(script: str, invisible: str, ours: Any) -> None:
    """transformers compares the length of a token with that of its place in the text: a word with
    an invisible character in it becomes a part of the word before. Ours are those of the text
    without it.
    """
    text = "".join(sign for sign in TEXTS[script] if unicodedata.category(sign) != "Cf")
    # At both ends, and within each word behind its first letter (and the marks on it).
    places = [0, len(text)]
    for at in range(1, len(text) - 1):
        within = text[at - 1].isalpha() and text[at].isalpha() and text[at + 1].isalpha()
        if within and not (
            "\u4e00" <= text[at] <= "\u9fff" or "\u4e00" <= text[at - 1] <= "\u9fff"
        ):
            places.append(at)
    strewn = "".join(
        (invisible if at in places else "") + sign for at, sign in enumerate(f"{text} ")
    )[:-1]
    strewn = f"{strewn}{invisible}" if len(text) in places else strewn
    found = ours(strewn)
    assert [(e.type, e.text.replace(invisible, "")) for e in found] == [
        (e.type, e.text) for e in ours(text)
    ]
    for entity in found:
        assert entity.text[0] != invisible
        assert entity.text[-1] != invisible


def test_a_mark_stays_with_its_letter_where_it_is_stripped(
    checkpoint: Path, tmp_path: Path
) -> None:
    """An uncased tokenizer strips vowel signs; transformers' offsets then end before the last."""
    for file in checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    Tokenizer.from_vocabulary(Tokenizer.load(checkpoint).tokens, lowercase=True).save(tmp_path)
    tag = load(tmp_path, precision="float32", threads=1)
    for text in TEXTS.values():
        for entity in tag(text):
            assert unicodedata.category(text[entity.start])[0] != "M"
            after = text[entity.end : entity.end + 1]
            assert not after or unicodedata.category(after)[0] != "M"
