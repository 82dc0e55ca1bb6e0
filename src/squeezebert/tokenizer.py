"""WordPiece and Unigram, by the ``tokenizers`` library: text to ids and back, with character
offsets.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers.models import WordPiece

from squeezebert import files
from squeezebert.added_tokens import ROLE_FIELDS, Added, add_to, read_added, written
from squeezebert.encoded import Encoded, check_strings, encode_batch
from squeezebert.errors import CheckpointError, InvalidInputError, shown
from squeezebert.tokenizer_files import (
    GENERIC_CLASSES,
    Normalization,
    as_built,
    class_named,
    is_bert,
    is_berts,
    library_errors,
    normalization_of,
    parse_object,
    read_settings,
    read_text,
    section,
    set_normalization,
)
from squeezebert.unigram import ROLES as UNIGRAM_ROLES
from squeezebert.unigram import unigram
from squeezebert.wordpiece import (
    MAX_WORD_LENGTH,
    SPECIAL_TOKENS,
    bare,
    learned,
)

ROLES = {"WordPiece": SPECIAL_TOKENS, "Unigram": UNIGRAM_ROLES}
"""The names of padding, unknown words, start, end and gaps, by the kind of tokenizer."""

CONFIG = "tokenizer_config.json"


class Tokenizer:
    """A WordPiece vocabulary, cased or not, or a Unigram one.

    >>> tokenizer = Tokenizer.from_vocabulary([*SPECIAL_TOKENS, "un", "##seen"], lowercase=True)
    >>> encoded = tokenizer.encode(["Unseen [MASK]"])[0]
    >>> [tokenizer.token(i) for i in encoded.ids], encoded.offsets.tolist()
    (['un', '##seen', '[MASK]'], [[0, 2], [2, 6], [7, 13]])
    """

    def __init__(
        self,
        inner: tokenizers.Tokenizer,
        *,
        normalization: Normalization,
        roles: Sequence[str] | None = None,
        as_it_is: bool = False,
    ) -> None:
        """Prefer :meth:`load`, :meth:`from_vocabulary` or :meth:`train`."""
        inner.no_padding()
        inner.no_truncation()
        self._inner = inner
        self.normalization = normalization
        self._tokens: list[str] | None = None
        self._as_it_is = as_it_is
        self.kind = type(inner.model).__name__
        roles = ROLES[self.kind] if roles is None else roles
        self.roles = tuple(roles)
        ids = {token: inner.token_to_id(token) for token in roles}
        known = {token: index for token, index in ids.items() if index is not None}
        missing = [token for token in roles if token not in known]
        if missing:
            raise CheckpointError(
                f"the vocabulary lacks {', '.join(missing)}",
                hint=f"a {self.kind} vocabulary has {', '.join(ROLES[self.kind])}; other names "
                f"stand in {CONFIG}: {', '.join(ROLE_FIELDS)}",
            )
        self.pad_id, self.unk_id, self.cls_id, self.sep_id, self.mask_id = (
            known[token] for token in roles
        )
        self.special_ids = frozenset(
            (self.pad_id, self.unk_id, self.cls_id, self.sep_id, self.mask_id)
        )

    # Making one

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """Reads a ``tokenizer.json``, a ``vocab.txt``, or a directory that holds one of them.

        The ``tokenizer_config.json`` beside it is read as ``transformers`` reads it: its
        ``do_lower_case``, ``strip_accents`` and ``tokenize_chinese_chars`` hold for a
        ``vocab.txt``, and for a ``tokenizer.json`` too unless the config names a class of no
        model, such as ``PreTrainedTokenizerFast``. What it leaves out is as in uncased BERT. A
        ``tokenizer.json`` without that file holds as it is. What special tokens are called and
        which tokens are added is read from there too, see :mod:`squeezebert.added_tokens`.

        Raises:
            CheckpointError: no such file, another kind of tokenizer, or a special token missing.
        """
        path = Path(path)
        if path.is_dir():
            for name in ("tokenizer.json", "vocab.txt"):
                if (path / name).is_file():
                    return cls.load(path / name)
            raise CheckpointError(
                f"{path} holds neither tokenizer.json nor vocab.txt",
                hint="copy the tokenizer's files beside the weights",
            )
        if not path.is_file():
            raise CheckpointError(f"no tokenizer at {path}")
        text = read_text(path)
        if path.suffix == ".json":
            return cls._from_json(path, text)
        vocabulary = text.split("\n")
        if vocabulary and vocabulary[-1] == "":
            vocabulary.pop()
        beside = path.with_name(CONFIG)
        config = read_settings(beside) or {}
        kind = class_named(config, beside)
        if not is_berts(kind):
            raise CheckpointError(
                f"{path.parent}: the tokenizer is a {shown(kind)}, expected BERT's for a vocab.txt",
                hint="a tokenizer.json says by itself how it cuts texts",
            )
        return cls._from_vocabulary(
            [token.removesuffix("\r") for token in vocabulary],
            normalization_of(config, beside),
            read_added(config, beside),
            beside,
        )

    @classmethod
    def _from_json(cls, path: Path, text: str) -> Tokenizer:
        content = parse_object(text, path)
        kind = section(content, "model").get("type")
        if not isinstance(kind, str) or kind not in ROLES:
            raise CheckpointError(
                f"{path} holds a {str(kind)[:40]} tokenizer, expected {' or '.join(ROLES)}",
                hint="BERT and SqueezeBERT checkpoints carry a WordPiece tokenizer, multilingual "
                "ones a Unigram one",
            )
        with library_errors(f"{path} is not a tokenizer file"):
            inner = tokenizers.Tokenizer.from_str(text)
        # Special tokens are added by the tasks, which know where windows and pairs begin.
        inner.post_processor = None
        beside = path.with_name(CONFIG)
        config = read_settings(beside)
        added = read_added(config or {}, beside)
        roles = added.named(ROLES[kind])
        named = class_named(config or {}, beside)
        as_bert = config is not None and kind == "WordPiece" and is_berts(named)
        if as_bert:
            normalization = normalization_of(config or {}, beside)
            set_normalization(inner, normalization)
            inner.model.unk_token = roles[1]
        elif kind == "Unigram":
            normalization = Normalization(do_lower_case=False)
        else:
            normalization = as_built(section(content, "normalizer"))
        with library_errors(f"{path}: a token cannot be added"):
            add_to(inner, added, path)
        return cls(
            inner,
            normalization=normalization,
            roles=roles,
            as_it_is=not as_bert and (kind == "Unigram" or not is_bert(content)),
        )

    @classmethod
    def from_vocabulary(
        cls,
        vocabulary: Sequence[str],
        *,
        lowercase: bool,
        strip_accents: bool | None = None,
        tokenize_chinese_chars: bool = True,
    ) -> Tokenizer:
        """Tokens in the order of their ids; pieces inside a word begin with ``##``. The settings
        are those of :class:`Normalization`.

        Raises:
            CheckpointError: a token twice, or a special token missing.
        """
        normalization = Normalization(
            do_lower_case=lowercase,
            strip_accents=strip_accents,
            tokenize_chinese_chars=tokenize_chinese_chars,
        )
        return cls._from_vocabulary(vocabulary, normalization, Added(roles={}, tokens=[], ids={}))

    @classmethod
    def _from_vocabulary(
        cls,
        vocabulary: Sequence[str],
        normalization: Normalization,
        added: Added,
        where: Path = Path(CONFIG),
    ) -> Tokenizer:
        ids = {token: index for index, token in enumerate(vocabulary)}
        if len(ids) != len(vocabulary):
            seen: set[str] = set()
            twice = next(token for token in vocabulary if token in seen or seen.add(token))
            raise CheckpointError(f"the vocabulary holds {twice!r} twice")
        roles = added.named(SPECIAL_TOKENS)
        unknown = roles[1]
        if unknown not in ids:
            raise CheckpointError(f"the vocabulary lacks {unknown}")
        with library_errors("the vocabulary cannot be used"):
            model = WordPiece(
                vocab=ids, unk_token=unknown, max_input_chars_per_word=MAX_WORD_LENGTH
            )
            inner = bare(model, normalization)
            add_to(inner, added, where)
            inner.add_special_tokens([role for role in roles if role in ids])
        return cls(inner, normalization=normalization, roles=roles)

    @classmethod
    def from_pieces(cls, pieces: Sequence[str], scores: Sequence[float]) -> Tokenizer:
        """A Unigram vocabulary, see :func:`squeezebert.unigram.unigram`.

        Raises:
            CheckpointError: a piece twice, or a special token missing.
            InvalidInputError: not as many scores as pieces.
        """
        return cls(
            unigram(pieces, scores),
            normalization=Normalization(do_lower_case=False),
            as_it_is=True,
        )

    @classmethod
    def train(
        cls, texts: Iterable[str], *, vocab_size: int, lowercase: bool, min_frequency: int = 2
    ) -> Tokenizer:
        """Learns a vocabulary of at most ``vocab_size`` tokens from ``texts``, which are read
        twice. The same texts give the same vocabulary.

        Raises:
            InvalidInputError: ``vocab_size`` leaves no room beside the special tokens.
        """
        vocabulary = learned(
            texts, vocab_size=vocab_size, lowercase=lowercase, min_frequency=min_frequency
        )
        return cls.from_vocabulary(vocabulary, lowercase=lowercase)

    def save(self, directory: str | Path) -> None:
        """Writes ``tokenizer.json``, ``tokenizer_config.json`` and, of WordPiece, ``vocab.txt``;
        ``transformers`` reads them too.
        """
        directory = Path(directory)
        if self.kind == "WordPiece":
            files.write_text(directory / "vocab.txt", "\n".join(self.tokens) + "\n")
        # What is not said is as in uncased BERT, for transformers and for load.
        usual = asdict(Normalization())
        settings = {
            name: value
            for name, value in asdict(self.normalization).items()
            if name == "do_lower_case" or value != usual[name]
        }
        # BERT's class builds BERT's normalizer, whatever tokenizer.json holds.
        config: dict[str, Any] = {
            "tokenizer_class": GENERIC_CLASSES[0] if self._as_it_is else "BertTokenizer",
            **settings,
        }
        roles = dict(zip(ROLE_FIELDS, self.roles, strict=True))
        if self.kind != "WordPiece":
            ends = {"bos_token": roles["cls_token"], "eos_token": roles["sep_token"]}
            config = {"tokenizer_class": GENERIC_CLASSES[0], **roles, **ends}
        elif self.roles != SPECIAL_TOKENS or len(written(self._inner)) > len(roles):
            config |= {**roles, "added_tokens_decoder": written(self._inner)}
        files.write_text(directory / CONFIG, json.dumps(config, indent=2) + "\n")
        files.write_text(directory / "tokenizer.json", self._inner.to_str(pretty=True) + "\n")

    # Using it

    @property
    def mask_token(self) -> str:
        """What stands in a text for a gap, ``[MASK]`` as a rule."""
        return self.roles[-1]

    @property
    def manner(self) -> str:
        """How texts are cut with the vocabulary, for the digests of caches: two tokenizers of one
        manner and the same tokens give the same ids.
        """
        added = written(self._inner)
        usual = self.roles == ROLES[self.kind] and len(added) == len(self.roles)
        return str(self.normalization) + ("" if usual else f" {self.roles} {added}")

    @property
    def library(self) -> tokenizers.Tokenizer:
        """What the ``tokenizers`` library made of the vocabulary: its normalizer, its model."""
        return self._inner

    @property
    def lowercase(self) -> bool:
        """Whether capitals become small letters."""
        return self.normalization.do_lower_case

    def pre_tokens(self, text: str) -> list[tuple[int, int]]:
        """Where the words of ``text`` stand for this tokenizer, by its own normalizer and
        pre-tokenizer: half-open character ranges, in order. BERT's are divided by white space;
        each sign of punctuation and each Chinese character stands alone.

        Raises:
            InvalidInputError: not a string, or one with a lone surrogate.
        """
        item = encode_batch(self._inner, [text])[0]
        spans: list[tuple[int, int]] = []
        previous: int | None = None
        for word, (start, end) in zip(item.word_ids, item.offsets, strict=True):
            if word == previous:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
            previous = word
        return spans

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Tokens of each text, without special tokens and uncut. A literal ``[MASK]`` (or another
        special token) in a text becomes that token.

        Raises:
            InvalidInputError: something that is not a string, or holds a lone surrogate.
        """
        batch = encode_batch(self._inner, texts)
        return [Encoded.of(item.ids, item.offsets, [0] * len(item.ids)) for item in batch]

    def encode_words(self, words: Sequence[Sequence[str]]) -> list[Encoded]:
        """Tokens of texts given in words, with offsets inside each word. A word that leaves no
        token, such as a control character, becomes one ``[UNK]``, so that every word has a token.

        Raises:
            InvalidInputError: something that is not a string, or holds a lone surrogate.
        """
        # Each word is encoded on its own: the library's is_pretokenized mode drops empty words.
        # Words come again and again: each is encoded once.
        flat = [word for sequence in words for word in sequence]
        check_strings(flat)
        unique = list(dict.fromkeys(flat))
        pieces = {
            word: (piece.ids or [self.unk_id], piece.offsets or [(0, len(word))])
            for word, piece in zip(unique, encode_batch(self._inner, unique), strict=True)
        }
        result: list[Encoded] = []
        for sequence in words:
            ids: list[int] = []
            offsets: list[tuple[int, int]] = []
            word_ids: list[int] = []
            for index, word in enumerate(sequence):
                word_tokens, word_offsets = pieces[word]
                ids += word_tokens
                offsets += word_offsets
                word_ids += [index] * len(word_tokens)
            result.append(Encoded.of(ids, offsets, word_ids))
        return result

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``, word pieces joined, special tokens left out."""
        return self._inner.decode([int(index) for index in ids], skip_special_tokens=True)

    def token(self, index: int) -> str:
        """The token of an id.

        Raises:
            InvalidInputError: no such id.
        """
        token = self._inner.id_to_token(int(index))
        if token is None:
            raise InvalidInputError(f"id {index} is outside the vocabulary of {self.vocab_size}")
        return token

    def token_id(self, token: str) -> int | None:
        """The id of a token, or None."""
        return self._inner.token_to_id(token)

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return self._inner.get_vocab_size()

    @property
    def tokens(self) -> list[str]:
        """All tokens in the order of their ids."""
        if self._tokens is None:
            vocabulary: dict[str, int] = self._inner.get_vocab()
            self._tokens = sorted(vocabulary, key=vocabulary.__getitem__)
        return list(self._tokens)
