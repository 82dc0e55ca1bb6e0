"""Word vectors from co-occurrence alone, as a yardstick that belongs to none of the models.

Positive pointwise mutual information of token pairs within a window, reduced by a truncated
singular value decomposition (Levy and Goldberg 2014; Levy et al. 2015, whose settings are the
defaults here: contexts smoothed by 0.75, vectors scaled by the square root of the singular
values).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds

from squeezebert.errors import InvalidInputError
from squeezebert.tasks.reference import ReferenceEmbeddings
from squeezebert.tokenizer import Tokenizer

CHUNK = 1 << 21
"""Tokens counted at a time; bounds the memory of a pass."""


def reference_embeddings(
    streams: Iterable[NDArray[np.integer[Any]]],
    tokenizer: Tokenizer,
    *,
    dimensions: int = 96,
    window: int = 4,
    smoothing: float = 0.75,
    seed: int = 0,
) -> ReferenceEmbeddings:
    """Vectors of a vocabulary's tokens by the company they keep.

    Args:
        streams: Texts as arrays (tokens,) of ids, such as the memory-mapped ones of
            :func:`squeezebert.training.pretraining.corpus.tokenize_source`. Special tokens are in
            no window.
        tokenizer: Whose ids they are.
        dimensions: Length of a vector.
        window: How far apart two tokens count as company.
        smoothing: The power that context counts are raised to; below 1 it tames rare contexts.
        seed: Of the decomposition's starting vector.

    Returns:
        Vectors of the tokens that occur at all.

    Raises:
        InvalidInputError: too little text for that many dimensions.
    """
    counts = count_pairs(streams, tokenizer, window=window)
    totals = np.asarray(counts.sum(axis=1)).ravel()
    kept = np.flatnonzero(totals)
    if len(kept) <= dimensions:
        raise InvalidInputError(
            f"the text holds {len(kept)} different tokens, expected more than {dimensions}",
            hint="give more text or fewer dimensions",
        )
    ppmi = positive_pmi(counts[kept][:, kept], smoothing)
    start = np.random.default_rng(seed).normal(size=len(kept))
    left, values, _ = svds(ppmi, k=dimensions, v0=start)
    vectors = left * np.sqrt(values)
    return ReferenceEmbeddings([tokenizer.token(int(row)) for row in kept], vectors)


def count_pairs(
    streams: Iterable[NDArray[np.integer[Any]]], tokenizer: Tokenizer, *, window: int
) -> sparse.csr_array:
    """(vocab_size, vocab_size) float32: how often two tokens stand within ``window`` of each other,
    a pair at distance d counted ``1 - (d - 1) / window`` times.
    """
    size = tokenizer.vocab_size
    counts = sparse.csr_array((size, size), dtype=np.float32)
    special = np.isin(np.arange(size), list(tokenizer.special_ids))
    for stream in streams:
        for start in range(0, len(stream), CHUNK):
            ids = np.asarray(stream[start : start + CHUNK + window], dtype=np.int32)
            counts = counts + _count_chunk(ids, special, window)
    return (counts + counts.T).tocsr()


def _count_chunk(ids: NDArray[np.int32], special: NDArray[np.bool_], window: int) -> Any:
    size = len(special)
    counts = sparse.csr_array((size, size), dtype=np.float32)
    ends = np.cumsum(special[ids])  # two tokens with as many special ones before are in one text
    for distance in range(1, window + 1):
        first, second = ids[:-distance], ids[distance:]
        together = (ends[:-distance] == ends[distance:]) & ~special[first]
        weight = np.float32(1 - (distance - 1) / window)
        pairs = (first[together], second[together])
        values = np.full(len(pairs[0]), weight, dtype=np.float32)
        counts = counts + sparse.coo_array((values, pairs), shape=(size, size)).tocsr()
    return counts


def positive_pmi(counts: sparse.csr_array, smoothing: float) -> sparse.csr_array:
    """Counts of pairs (n, n) as positive pointwise mutual information, stored sparsely."""
    coordinates = counts.tocoo()
    rows = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    contexts = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel() ** smoothing
    contexts /= contexts.sum()
    information = np.log(coordinates.data / (rows[coordinates.row] * contexts[coordinates.col]))
    kept = information > 0
    return sparse.coo_array(
        (
            information[kept].astype(np.float32),
            (coordinates.row[kept], coordinates.col[kept]),
        ),
        shape=counts.shape,
    ).tocsr()


def neighbors(table: ReferenceEmbeddings, token: str, count: int) -> Sequence[tuple[str, float]]:
    """The tokens nearest to ``token`` by cosine, for a look at what a table has learnt.

    Raises:
        InvalidInputError: the table lacks the token.
    """
    [row] = table.rows([token])
    if row < 0:
        raise InvalidInputError(f"the reference embeddings lack the token {token!r}")
    cosines = table.vectors @ table.vectors[row]
    cosines[row] = -np.inf  # a word is no neighbor of its own
    best = np.argsort(-cosines)[: min(count, len(table) - 1)]
    return [(table.tokens[index], float(cosines[index])) for index in best]
