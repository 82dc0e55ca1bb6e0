"""SentencePiece's Unigram tokenizers, as XLM-R and the multilingual BERTs after it have them.

A vocabulary is pieces with scores, of which the likeliest sequence is taken; a mark in front of
each word stands for the space before it. So texts of any language are cut without rules for words.
"""

from __future__ import annotations

from collections.abc import Sequence

import tokenizers
from tokenizers import AddedToken, Regex, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram

from squeezebert.errors import CheckpointError, InvalidInputError

ROLES = ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
"""The names of padding, unknown words, start, end and gaps."""

WORD_START = "\u2581"
"""How a piece begins that starts a word."""

_DROPPED = "\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f"
_SPACES = "\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd"
"""What SentencePiece's nmt_nfkc drops, and what it takes for a space, beside NFKC."""


def unigram(pieces: Sequence[str], scores: Sequence[float]) -> tokenizers.Tokenizer:
    """The library's tokenizer for a vocabulary.

    Args:
        pieces: In the order of their ids, the special tokens (:data:`ROLES`) among them.
        scores: The logarithm of each piece's probability; those of special tokens are not used.

    Raises:
        CheckpointError: a piece twice, or a special token missing.
        InvalidInputError: not as many scores as pieces.
    """
    if len(pieces) != len(scores):
        raise InvalidInputError(f"{len(pieces)} pieces but {len(scores)} scores")
    known = set(pieces)
    if len(known) != len(pieces):
        seen: set[str] = set()
        twice = next(piece for piece in pieces if piece in seen or seen.add(piece))
        raise CheckpointError(f"the vocabulary holds {twice!r} twice")
    missing = [token for token in ROLES if token not in known]
    if missing:
        raise CheckpointError(f"the vocabulary lacks {', '.join(missing)}")
    scored = [(piece, float(score)) for piece, score in zip(pieces, scores, strict=True)]
    _, unknown, *_, gap = ROLES
    inner = tokenizers.Tokenizer(Unigram(scored, unk_id=list(pieces).index(unknown)))
    inner.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(f"[{_DROPPED}]"), ""),
            normalizers.Replace(Regex(f"[{_SPACES}]"), " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    inner.pre_tokenizer = pre_tokenizers.Metaspace(replacement=WORD_START, prepend_scheme="always")
    inner.decoder = decoders.Metaspace(replacement=WORD_START, prepend_scheme="always")
    inner.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in ROLES if token != gap]
        + [AddedToken(gap, special=True, normalized=False, lstrip=True)]
    )
    return inner
