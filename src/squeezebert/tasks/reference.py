"""One fixed table of word vectors, in which the guesses of all models are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from squeezebert import files
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.tokenizer import Tokenizer

FORMAT = "squeezebert reference embeddings 1"


class ReferenceEmbeddings:
    """Vectors of tokens, centred on their mean and of length one, so that a dot product is a
    cosine.

    A model's own embedding table cannot serve: its vectors share a large common part, so any two
    tokens look alike, and each model's table has an angle of its own.

    Args:
        tokens: (n,) distinct strings, pieces inside a word written with ``##``.
        vectors: (n, d) finite numbers, one row a token.
        centred: Whether the mean was taken off before.

    Raises:
        InvalidInputError: shapes that do not fit, a token twice or with a line break, numbers
            that are not finite.

    >>> table = ReferenceEmbeddings(["hot", "warm", "cold"], [[2.0, 0], [1.9, 0.1], [0, 2.0]])
    >>> hot, warm, cold = table.rows(["hot", "warm", "cold"])
    >>> bool(table.vectors[hot] @ table.vectors[warm] > table.vectors[hot] @ table.vectors[cold])
    True
    """

    def __init__(
        self,
        tokens: Sequence[str],
        vectors: NDArray[np.floating[Any]] | Sequence[Sequence[float]],
        *,
        centred: bool = False,
    ) -> None:
        # In row order: safetensors writes the bytes as they lie.
        table = np.array(vectors, dtype=np.float32, order="C")
        if table.ndim != 2 or len(table) != len(tokens) or table.size == 0:
            raise InvalidInputError(
                f"{len(tokens)} tokens and vectors of shape {table.shape}, expected (tokens, d)"
            )
        if not np.isfinite(table).all():
            raise InvalidInputError("the vectors hold numbers that are not finite")
        self.tokens = tuple(tokens)
        self._rows = {token: row for row, token in enumerate(self.tokens)}
        if len(self._rows) != len(self.tokens):
            raise InvalidInputError("the reference embeddings hold a token twice")
        if any("\n" in token for token in self.tokens):
            raise InvalidInputError("a token of the reference embeddings holds a line break")
        if not centred:
            table -= table.mean(axis=0, dtype=np.float64).astype(np.float32)
        lengths = np.linalg.norm(table, axis=1, keepdims=True)
        # A vector of zeros stays one: its cosine with anything is 0.
        self.vectors: NDArray[np.float32] = np.divide(
            table, lengths, out=np.zeros_like(table), where=lengths > 0
        )
        """(n, d) float32, rows of length one."""

    @classmethod
    def from_embeddings(
        cls, tokenizer: Tokenizer, table: NDArray[np.floating[Any]]
    ) -> ReferenceEmbeddings:
        """The word-embedding table of a model, (vocab_size, d); special and ``[unused…]`` tokens
        are left out.

        Raises:
            InvalidInputError: a table with another number of rows than the vocabulary has.
        """
        if table.ndim != 2 or len(table) < tokenizer.vocab_size:
            raise InvalidInputError(
                f"the table has shape {table.shape}, expected ({tokenizer.vocab_size}, d)"
            )
        kept = [
            (row, token)
            for row, token in enumerate(tokenizer.tokens)
            if row not in tokenizer.special_ids and not token.startswith("[unused")
        ]
        return cls([token for _, token in kept], table[[row for row, _ in kept]])

    @classmethod
    def load(cls, path: str | Path) -> ReferenceEmbeddings:
        """Reads what :meth:`save` wrote.

        Raises:
            CheckpointError: no such file, or not one of reference embeddings.
        """
        path = Path(path)
        try:
            with safe_open(str(path), framework="numpy") as file:
                metadata: dict[str, str] = file.metadata() or {}
                names: list[str] = list(file.keys())
                stored = file.get_tensor("vectors") if "vectors" in names else None
        except FileNotFoundError as error:
            raise CheckpointError(f"no reference embeddings at {path}") from error
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path} cannot be read as safetensors: {error}") from error
        if metadata.get("format") != FORMAT or stored is None:
            raise CheckpointError(
                f"{path} does not hold reference embeddings "
                f"(its format is {metadata.get('format')!r}, expected {FORMAT!r})"
            )
        try:
            return cls(metadata["tokens"].split("\n"), stored.astype(np.float32), centred=True)
        except (InvalidInputError, KeyError) as error:
            raise CheckpointError(f"{path} is damaged: {error}") from error

    def save(self, path: str | Path) -> None:
        """Writes one safetensors file: ``vectors`` as int8 rows, each scaled to the full range
        (their lengths are known to be one, so no scale is kept), the tokens in its metadata.
        """
        path = Path(path)
        largest = np.abs(self.vectors).max(axis=1, keepdims=True)
        scaled = np.divide(
            self.vectors * 127.0, largest, out=np.zeros_like(self.vectors), where=largest > 0
        )
        metadata = {"format": FORMAT, "tokens": "\n".join(self.tokens)}
        with files.replacing(path) as temporary:
            save_file({"vectors": np.rint(scaled).astype(np.int8)}, str(temporary), metadata)

    def __len__(self) -> int:
        """The number of tokens."""
        return len(self.tokens)

    def rows(self, tokens: Iterable[str]) -> NDArray[np.int64]:
        """(tokens,) the row of each token, or of its lower-case form; -1 for one that the table
        lacks.
        """
        find = self._rows.get
        return np.array([find(token, find(token.lower(), -1)) for token in tokens], dtype=np.int64)

    def cosines(
        self, first: NDArray[np.integer[Any]], second: NDArray[np.integer[Any]]
    ) -> NDArray[np.float32]:
        """(pairs,) the cosine of each pair of rows; 0 where either row is -1."""
        known = (first >= 0) & (second >= 0)
        values = np.einsum("nd,nd->n", self.vectors[first], self.vectors[second])
        return np.where(known, values, np.float32(0.0))

    def similarity_scores(
        self, true: NDArray[np.integer[Any]], guessed: NDArray[np.integer[Any]]
    ) -> dict[str, float]:
        """The average cosine similarity of guesses with the truth, and what blind guesses get.

        True tokens that the table lacks are left out; a guess that it lacks counts as 0, so that
        all models are averaged over the same tokens.

        Args:
            true: (guesses,) rows of the true tokens, -1 for one that the table lacks.
            guessed: (guesses,) rows of the guessed tokens, likewise.

        Returns:
            ``average_cosine_similarity``; ``random_pair_cosine``, of the true tokens with each
            other, which is what guessing by their frequencies gets; ``most_frequent_cosine``, of
            always guessing the most frequent true token; ``cosine_coverage``, the share of true
            tokens in the table. Where fewer than two are, the coverage only.

        >>> table = ReferenceEmbeddings(["a", "b"], [[1.0], [-1.0]])
        >>> table.similarity_scores(np.array([0, 0, 1]), np.array([0, 1, -1]))
        {'cosine_coverage': 1.0, 'average_cosine_similarity': 0.0,
         'random_pair_cosine': -0.3333333333333333, 'most_frequent_cosine': 0.3333333333333333}
        """
        known = true >= 0
        scores = {"cosine_coverage": float(known.mean()) if len(known) else 0.0}
        true, guessed = true[known], guessed[known]
        if len(true) < 2:
            return scores
        # The squared length of the vectors' sum holds every pair twice and each with itself.
        vectors = self.vectors[true].astype(np.float64)
        total = vectors.sum(axis=0)
        pairs = len(true) * (len(true) - 1)
        frequent = np.full(len(true), np.bincount(true).argmax())
        return scores | {
            "average_cosine_similarity": float(self.cosines(guessed, true).mean(dtype=np.float64)),
            "random_pair_cosine": float((total @ total - (vectors**2).sum()) / pairs),
            "most_frequent_cosine": float(self.cosines(frequent, true).mean(dtype=np.float64)),
        }
