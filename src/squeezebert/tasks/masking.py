"""Which tokens a masked language model has to guess, in training and in evaluation."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.errors import ConfigError
from squeezebert.tasks.base import IGNORE_INDEX
from squeezebert.tokenizer import Tokenizer

MASK_SHARE, RANDOM_SHARE = 0.8, 0.1
"""In training (Devlin et al. 2019): of the chosen tokens, the share that becomes [MASK] and the
share that becomes another token. The rest stays as it is.
"""


def mask_tokens(
    input_ids: NDArray[np.integer[Any]],
    tokenizer: Tokenizer,
    generator: np.random.Generator,
    *,
    probability: float = 0.15,
    whole_words: bool = False,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Fresh masks for training, of any number of inputs at once.

    Special tokens ([UNK] and padding are such) are never chosen. Tokens put at random are drawn
    evenly from all others.

    Args:
        input_ids: Any shape; tokens that follow each other stand along the last axis.
        tokenizer: Says which ids are special, and which go on with a word (``##``).
        generator: Where the chance comes from; it moves on.
        probability: The share of tokens to be guessed.
        whole_words: Choose the pieces of a word together or not at all, as BERT's later
            checkpoints do (Cui et al. 2021, section 3.1); the share of tokens stays as it is.

    Returns:
        The ids with masks put in, int32, and the labels, int64: the true id where one is to be
        guessed, :data:`~squeezebert.tasks.base.IGNORE_INDEX` elsewhere. Both shaped as given.

    Raises:
        ConfigError: a probability outside 0 to 1.

    >>> tokenizer = Tokenizer.from_vocabulary(
    ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"], lowercase=True
    ... )
    >>> ids, labels = mask_tokens(
    ...     np.array([[2, 5, 6, 3]]), tokenizer, np.random.default_rng(0), probability=1.0
    ... )
    >>> labels.tolist()
    [[-100, 5, 6, -100]]
    """
    check_probability(probability)
    ordinary = ordinary_ids(tokenizer)
    keys = generator.random(input_ids.shape)
    if whole_words and input_ids.size:
        keys = keys.ravel()[_first_pieces(input_ids, tokenizer)]
    chosen = ordinary[input_ids] & (keys < probability)
    labels = np.where(chosen, input_ids, IGNORE_INDEX).astype(np.int64)
    fate = generator.random(input_ids.shape)
    at_random = chosen & (fate >= MASK_SHARE) & (fate < MASK_SHARE + RANDOM_SHARE)
    masked = np.where(chosen & (fate < MASK_SHARE), tokenizer.mask_id, input_ids).astype(np.int32)
    # As many draws as tokens, whatever was chosen: the generator moves on by the shape alone.
    others = np.flatnonzero(ordinary)
    if len(others):
        drawn = others[generator.integers(len(others), size=input_ids.shape)]
        masked = np.where(at_random, drawn, masked).astype(np.int32)
    return masked, labels


def _first_pieces(
    input_ids: NDArray[np.integer[Any]], tokenizer: Tokenizer
) -> NDArray[np.integer[Any]]:
    """Shaped as given: where in the flattened ids the word of each token begins."""
    begins = ~_continuations(tokenizer)[input_ids]
    begins[..., 0] = True  # no word goes on from one input to the next
    places = np.arange(input_ids.size).reshape(input_ids.shape)
    return np.maximum.accumulate(np.where(begins, places, 0), axis=-1)


@functools.lru_cache(maxsize=4)  # asked for by every batch
def _continuations(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """(vocab_size,) which tokens go on with a word."""
    return np.array([token.startswith("##") for token in tokenizer.tokens], dtype=np.bool_)


def evaluation_keys(document_ids: NDArray[np.int32], seed: int) -> NDArray[np.float64]:
    """(tokens,) numbers in [0, 1), one a token of a document: those below the masking probability
    are masked. They depend on the seed and on the document's token ids, so that every model with
    this vocabulary is asked the same, wherever the document stands in the data and however it is
    cut into inputs.

    Args:
        document_ids: (tokens,) all ids of one document, without special tokens around the turns.
        seed: Another seed gives other masks.
    """
    content = np.ascontiguousarray(document_ids, dtype="<i4").tobytes()
    digest = hashlib.blake2b(content, digest_size=16, person=b"squeezebert mask").digest()
    entropy = [int.from_bytes(digest, "little"), seed]
    return np.random.Generator(np.random.PCG64(entropy)).random(len(document_ids))


def ordinary_ids(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """(vocab_size,) which ids are not special, and so may be masked or put at random."""
    ordinary = np.ones(tokenizer.vocab_size, dtype=np.bool_)
    ordinary[list(tokenizer.special_ids)] = False
    return ordinary


def check_probability(probability: float) -> None:
    """Refuses a masking probability that is none.

    Raises:
        ConfigError: not above 0 and at most 1.
    """
    if not 0.0 < probability <= 1.0:
        raise ConfigError(f"mask_probability is {probability}, expected above 0 and at most 1")
