"""BERT's vocabulary, as the ``tokenizers`` library builds and learns it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import tokenizers
from tokenizers import decoders, trainers
from tokenizers.models import WordPiece

from squeezebert.errors import InvalidInputError
from squeezebert.tokenizer_files import Normalization, set_normalization

PAD, UNK, CLS, SEP, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL_TOKENS = (PAD, UNK, CLS, SEP, MASK)

MAX_LETTERS = 1000
"""Of the alphabet that a vocabulary is learned with; what is left out becomes ``[UNK]``."""

MAX_WORD_LENGTH = 100
"""A longer word becomes one [UNK], as in BERT's own tokenizer."""


def bare(model: WordPiece, normalization: Normalization) -> tokenizers.Tokenizer:
    """A WordPiece model with what stands before and after it in BERT, without added tokens."""
    inner = tokenizers.Tokenizer(model)
    set_normalization(inner, normalization)
    inner.decoder = decoders.WordPiece(prefix="##")
    return inner


def wrap(model: WordPiece, normalization: Normalization) -> tokenizers.Tokenizer:
    """The same with BERT's own special tokens."""
    inner = bare(model, normalization)
    known = [token for token in SPECIAL_TOKENS if inner.token_to_id(token) is not None]
    inner.add_special_tokens(known)
    return inner


def alphabet(
    texts: Iterable[str], inner: tokenizers.Tokenizer, normalization: Normalization
) -> tuple[list[str], list[str]]:
    """The letters of ``texts``, the most frequent ones, and in what form they stand within words
    (``##e``); each sorted.
    """
    counts: Counter[str] = Counter()
    model = WordPiece(unk_token=UNK, max_input_chars_per_word=MAX_WORD_LENGTH)
    first = wrap(model, normalization)
    # Not that of the one in training, which is locked.
    normalizer = inner.normalizer

    def counted() -> Iterator[str]:
        for text in texts:
            counts.update(normalizer.normalize_str(text))
            yield text

    first.train_from_iterator(
        counted(), trainers.WordPieceTrainer(vocab_size=1, special_tokens=[], show_progress=False)
    )
    seen = first.get_vocab()
    letters = sorted((one for one in counts if one in seen), key=lambda one: (-counts[one], one))
    letters = sorted(letters[:MAX_LETTERS])
    return letters, [f"##{one}" for one in letters if f"##{one}" in seen]


def learned(
    texts: Iterable[str], *, vocab_size: int, lowercase: bool, min_frequency: int
) -> list[str]:
    """A vocabulary learned from texts, as :meth:`squeezebert.tokenizer.Tokenizer.train` says.

    Raises:
        InvalidInputError: ``vocab_size`` leaves no room beside the special tokens.
    """
    if vocab_size <= len(SPECIAL_TOKENS):
        raise InvalidInputError(
            f"vocab_size is {vocab_size}, expected more than {len(SPECIAL_TOKENS)}"
        )
    if isinstance(texts, Iterator):
        texts = list(texts)
    normalization = Normalization(do_lower_case=lowercase)
    inner = wrap(WordPiece(unk_token=UNK, max_input_chars_per_word=MAX_WORD_LENGTH), normalization)
    letters, inside = alphabet(texts, inner, normalization)
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        # The library numbers letters within words in the order of a hash table, another in each
        # process, and of equal pairs it joins those of lower numbers first. So they are given.
        special_tokens=[*SPECIAL_TOKENS, *inside],
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    trained: dict[str, int] = inner.get_vocab()
    return sorted(trained, key=trained.__getitem__)
