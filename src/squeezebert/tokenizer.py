"""WordPiece and Unigram, by the ``tokenizers`` library: text to ids and back, with character
offsets.

WordPiece is BERT's. Unigram is SentencePiece's, which XLM-R brought to many languages and
multilingual BERTs such as multilingual-e5 took over: pieces with scores, of which the likeliest
sequence is taken, and a mark in front of each word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import AddedToken, Regex, decoders, normalizers, pre_tokenizers, trainers
from tokenizers.models import Unigram, WordPiece

from squeezebert import files
from squeezebert.errors import CheckpointError, InvalidInputError

PAD, UNK, CLS, SEP, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL_TOKENS = (PAD, UNK, CLS, SEP, MASK)
ROLES = {
    "WordPiece": SPECIAL_TOKENS,
    "Unigram": ("<pad>", "<unk>", "<s>", "</s>", "<mask>"),
}
"""The names of padding, unknown words, start, end and gaps, by the kind of tokenizer."""

WORD_START = "\u2581"
"""How a Unigram piece begins that starts a word; it stands for the space before it."""

_DROPPED = "\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f"
_SPACES = "\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd"
"""What SentencePiece's nmt_nfkc drops, and what it takes for a space, beside NFKC."""

MAX_WORD_LENGTH = 100
"""A longer word becomes one [UNK], as in BERT's own tokenizer."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """The tokens of one text, without special tokens.

    Args:
        ids: (length,) int32.
        offsets: (length, 2) int32, half-open character ranges in the text (in the word, for
            :meth:`Tokenizer.encode_words`).
        word_ids: (length,) int32, the index of the word that each token belongs to; zeros for
            running text.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int32]
    word_ids: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)


class Tokenizer:
    """A WordPiece vocabulary, cased or not, or a Unigram one.

    >>> tokenizer = Tokenizer.from_vocabulary([*SPECIAL_TOKENS, "un", "##seen"], lowercase=True)
    >>> encoded = tokenizer.encode(["Unseen [MASK]"])[0]
    >>> [tokenizer.token(i) for i in encoded.ids], encoded.offsets.tolist()
    (['un', '##seen', '[MASK]'], [[0, 2], [2, 6], [7, 13]])
    """

    def __init__(
        self, inner: tokenizers.Tokenizer, *, lowercase: bool, tokens: Sequence[str] | None = None
    ) -> None:
        """Prefer :meth:`load`, :meth:`from_vocabulary` or :meth:`train`."""
        inner.no_padding()
        inner.no_truncation()
        self._inner = inner
        self.lowercase = lowercase
        self._tokens = None if tokens is None else list(tokens)
        self.kind = type(inner.model).__name__
        roles = ROLES[self.kind]
        ids = {token: inner.token_to_id(token) for token in roles}
        known = {token: index for token, index in ids.items() if index is not None}
        missing = [token for token in roles if token not in known]
        if missing:
            raise CheckpointError(
                f"the vocabulary lacks {', '.join(missing)}",
                hint=f"a {self.kind} vocabulary has {', '.join(roles[:-1])} and {roles[-1]}",
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

        A ``vocab.txt`` is cased if the ``tokenizer_config.json`` beside it says so
        (``"do_lower_case": false``), and uncased otherwise, as in ``transformers``.

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
        if path.suffix == ".json":
            return cls._from_json(path)
        try:
            vocabulary = path.read_text(encoding="utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise CheckpointError(f"{path} is not UTF-8: {error}") from error
        if vocabulary and vocabulary[-1] == "":
            vocabulary.pop()
        return cls.from_vocabulary(
            [token.removesuffix("\r") for token in vocabulary], lowercase=_lowercase_beside(path)
        )

    @classmethod
    def _from_json(cls, path: Path) -> Tokenizer:
        try:
            inner = tokenizers.Tokenizer.from_file(str(path))
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except Exception as error:  # the library raises bare Exception
            raise CheckpointError(f"{path} is not a tokenizer file: {error}") from error
        kind = (content.get("model") or {}).get("type")
        if kind not in ROLES:
            raise CheckpointError(
                f"{path} holds a {kind} tokenizer, expected {' or '.join(ROLES)}",
                hint="BERT and SqueezeBERT checkpoints carry a WordPiece tokenizer, multilingual "
                "ones a Unigram one",
            )
        # Special tokens are added by the tasks, which know where windows and pairs begin.
        inner.post_processor = None
        normalizer: dict[str, Any] = content.get("normalizer") or {}
        return cls(inner, lowercase=bool(normalizer.get("lowercase", False)))

    @classmethod
    def from_vocabulary(cls, vocabulary: Sequence[str], *, lowercase: bool) -> Tokenizer:
        """Tokens in the order of their ids; pieces inside a word begin with ``##``.

        Raises:
            CheckpointError: a token twice, or a special token missing.
        """
        ids = {token: index for index, token in enumerate(vocabulary)}
        if len(ids) != len(vocabulary):
            seen: set[str] = set()
            twice = next(token for token in vocabulary if token in seen or seen.add(token))
            raise CheckpointError(f"the vocabulary holds {twice!r} twice")
        if UNK not in ids:
            raise CheckpointError(f"the vocabulary lacks {UNK}")
        model = WordPiece(vocab=ids, unk_token=UNK, max_input_chars_per_word=MAX_WORD_LENGTH)
        return cls(_wrap(model, lowercase=lowercase), lowercase=lowercase, tokens=vocabulary)

    @classmethod
    def from_pieces(cls, pieces: Sequence[str], scores: Sequence[float]) -> Tokenizer:
        """A Unigram vocabulary as XLM-R has it: NFKC, a mark before each word, special tokens
        ``<s>``, ``<pad>``, ``</s>``, ``<unk>`` and ``<mask>`` among the pieces.

        Args:
            pieces: In the order of their ids.
            scores: The logarithm of each piece's probability; those of special tokens are not used.

        Raises:
            CheckpointError: a piece twice, or a special token missing.
            InvalidInputError: not as many scores as pieces.
        """
        if len(pieces) != len(scores):
            raise InvalidInputError(f"{len(pieces)} pieces but {len(scores)} scores")
        if len(set(pieces)) != len(pieces):
            seen: set[str] = set()
            twice = next(piece for piece in pieces if piece in seen or seen.add(piece))
            raise CheckpointError(f"the vocabulary holds {twice!r} twice")
        roles = ROLES["Unigram"]
        missing = [token for token in roles if token not in set(pieces)]
        if missing:
            raise CheckpointError(f"the vocabulary lacks {', '.join(missing)}")
        scored = [(piece, float(score)) for piece, score in zip(pieces, scores, strict=True)]
        inner = tokenizers.Tokenizer(Unigram(scored, unk_id=list(pieces).index(roles[1])))
        inner.normalizer = normalizers.Sequence(
            [
                normalizers.Replace(Regex(f"[{_DROPPED}]"), ""),
                normalizers.Replace(Regex(f"[{_SPACES}]"), " "),
                normalizers.NFKC(),
                normalizers.Replace(Regex(" {2,}"), " "),
            ]
        )
        inner.pre_tokenizer = pre_tokenizers.Metaspace(
            replacement=WORD_START, prepend_scheme="always"
        )
        inner.decoder = decoders.Metaspace(replacement=WORD_START, prepend_scheme="always")
        inner.add_special_tokens(
            [AddedToken(token, special=True, normalized=False) for token in roles[:-1]]
            + [AddedToken(roles[-1], special=True, normalized=False, lstrip=True)]
        )
        return cls(inner, lowercase=False, tokens=pieces)

    @classmethod
    def train(
        cls, texts: Iterable[str], *, vocab_size: int, lowercase: bool, min_frequency: int = 2
    ) -> Tokenizer:
        """Learns a vocabulary of at most ``vocab_size`` tokens from ``texts``.

        Raises:
            InvalidInputError: ``vocab_size`` leaves no room beside the special tokens.
        """
        if vocab_size <= len(SPECIAL_TOKENS):
            raise InvalidInputError(
                f"vocab_size is {vocab_size}, expected more than {len(SPECIAL_TOKENS)}"
            )
        inner = _wrap(
            WordPiece(unk_token=UNK, max_input_chars_per_word=MAX_WORD_LENGTH), lowercase=lowercase
        )
        trainer = trainers.WordPieceTrainer(
            vocab_size=vocab_size,
            min_frequency=min_frequency,
            special_tokens=list(SPECIAL_TOKENS),
            limit_alphabet=1000,
            show_progress=False,
        )
        inner.train_from_iterator(texts, trainer)
        trained: dict[str, int] = inner.get_vocab()
        return cls.from_vocabulary(sorted(trained, key=trained.__getitem__), lowercase=lowercase)

    def save(self, directory: str | Path) -> None:
        """Writes ``tokenizer.json``, ``tokenizer_config.json`` and, of WordPiece, ``vocab.txt``;
        ``transformers`` reads them too.
        """
        directory = Path(directory)
        if self.kind == "WordPiece":
            files.write_text(directory / "vocab.txt", "\n".join(self.tokens) + "\n")
            config = {"tokenizer_class": "BertTokenizer", "do_lower_case": self.lowercase}
        else:
            names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
            roles = dict(zip(names, ROLES[self.kind], strict=True))
            ends = {"bos_token": roles["cls_token"], "eos_token": roles["sep_token"]}
            config = {"tokenizer_class": "PreTrainedTokenizerFast", **roles, **ends}
        files.write_text(directory / "tokenizer_config.json", json.dumps(config, indent=2) + "\n")
        files.write_text(directory / "tokenizer.json", self._inner.to_str(pretty=True) + "\n")

    # Using it

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Tokens of each text, without special tokens and uncut. A literal ``[MASK]`` (or another
        special token) in a text becomes that token.

        Raises:
            InvalidInputError: something that is not a string, or holds a lone surrogate.
        """
        batch = self._encode_batch(texts)
        return [
            Encoded(
                ids=np.array(item.ids, dtype=np.int32),
                offsets=np.array(item.offsets, dtype=np.int32).reshape(-1, 2),
                word_ids=np.zeros(len(item.ids), dtype=np.int32),
            )
            for item in batch
        ]

    def encode_words(self, words: Sequence[Sequence[str]]) -> list[Encoded]:
        """Tokens of texts given in words, with offsets inside each word. A word that leaves no
        token, such as a control character, becomes one ``[UNK]``, so that every word has a token.

        Raises:
            InvalidInputError: something that is not a string, or holds a lone surrogate.
        """
        # Each word is encoded on its own: the library's is_pretokenized mode drops empty words.
        # Words come again and again: each is encoded once.
        flat = [word for sequence in words for word in sequence]
        _check_strings(flat)
        unique = list(dict.fromkeys(flat))
        pieces = {
            word: (piece.ids or [self.unk_id], piece.offsets or [(0, len(word))])
            for word, piece in zip(unique, self._encode_batch(unique), strict=True)
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
            result.append(
                Encoded(
                    ids=np.array(ids, dtype=np.int32),
                    offsets=np.array(offsets, dtype=np.int32).reshape(-1, 2),
                    word_ids=np.array(word_ids, dtype=np.int32),
                )
            )
        return result

    def _encode_batch(self, texts: Sequence[str]) -> list[tokenizers.Encoding]:
        _check_strings(texts)
        try:
            return self._inner.encode_batch(list(texts), add_special_tokens=False)
        except (TypeError, UnicodeEncodeError) as error:
            # The library takes UTF-8; a lone surrogate has none.
            raise InvalidInputError(
                f"a text cannot be written as UTF-8: {error}",
                hint='clean it with text.encode("utf-8", "replace").decode("utf-8")',
            ) from error

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


def _check_strings(texts: Sequence[str]) -> None:
    for index, text in enumerate(texts):
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(f"text {index} is a {type(text).__name__}, expected a string")


def _wrap(model: WordPiece, *, lowercase: bool) -> tokenizers.Tokenizer:
    inner = tokenizers.Tokenizer(model)
    inner.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=lowercase
    )
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece(prefix="##")
    known = [token for token in SPECIAL_TOKENS if inner.token_to_id(token) is not None]
    inner.add_special_tokens(known)
    return inner


def _lowercase_beside(vocabulary: Path) -> bool:
    config = vocabulary.with_name("tokenizer_config.json")
    if not config.is_file():
        return True
    try:
        content: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{config} is not JSON: {error}") from error
    return bool(content.get("do_lower_case", True))
