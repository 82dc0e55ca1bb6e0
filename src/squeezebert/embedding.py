"""Texts as vectors: the mean of a model's last hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from squeezebert import checkpoint
from squeezebert.backends.engine_backend import BATCH_TOKENS
from squeezebert.batch import RaggedBatch
from squeezebert.checkpoint.hub import resolve
from squeezebert.engine import Engine
from squeezebert.engine.precision import AUTO, Precision
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.pipeline import plan_batches
from squeezebert.tokenizer import Tokenizer

Float32 = NDArray[np.float32]

CHUNK_TEXTS = 512
"""Texts that are made into tokens and batched by length together."""


class TextEncoder:
    """A model and its tokenizer that make vectors of texts; made by :meth:`load`.

    Any model will do, whatever its head; good vectors come from those that were trained for it,
    such as all-MiniLM-L6-v2.

    Args:
        engine: The model.
        tokenizer: Its tokenizer.
        max_length: The most tokens of a text, special ones included; the rest is cut off.

    Raises:
        InvalidInputError: ``max_length`` below 2, or more than the model has positions for.

    >>> encoder = TextEncoder.load("squeezebert-mini-mlm", threads=1)
    >>> vectors = encoder(["The striker scored twice.", "Two goals decided the match."])
    >>> vectors.shape, bool(vectors[0] @ vectors[1] > 0.5)
    ((2, 256), True)
    """

    def __init__(self, engine: Engine, tokenizer: Tokenizer, *, max_length: int) -> None:
        positions = engine.config.max_position_embeddings
        if not 2 <= max_length <= positions:
            raise InvalidInputError(
                f"max_length is {max_length}, expected 2 to the model's positions, {positions}"
            )
        self.engine = engine
        self.tokenizer = tokenizer
        self.max_length = max_length

    @classmethod
    def load(
        cls,
        name_or_directory: str | Path,
        *,
        precision: Precision = AUTO,
        threads: int | None = None,
        max_length: int | None = None,
    ) -> TextEncoder:
        """Loads a model.

        Args:
            name_or_directory: A model directory (one of ``sentence-transformers`` too), the name
                of a shipped model, or one on the Hugging Face hub.
            precision: As for :meth:`squeezebert.engine.Engine.load`.
            threads: How many threads a call may use; all usable cores where None.
            max_length: What the model was made for where None.

        Raises:
            CheckpointError: no such model, a damaged one, or one that was trained for another
                way of pooling than the mean.
            ConfigError, InvalidInputError: as for :meth:`squeezebert.engine.Engine.load`.
        """
        directory = resolve(name_or_directory)
        _check_pooling(directory)
        engine = Engine.load(directory, precision=precision, threads=threads)
        tokenizer = Tokenizer.load(directory)
        if tokenizer.vocab_size > engine.config.vocab_size:
            raise CheckpointError(
                f"{directory}: the tokenizer has {tokenizer.vocab_size} tokens, but the model "
                f"embeddings for {engine.config.vocab_size}",
                hint="the tokenizer of another model lies in the directory",
            )
        if max_length is None:
            max_length = min(_made_for(directory), engine.config.max_position_embeddings)
        return cls(engine, tokenizer, max_length=max_length)

    @overload
    def __call__(self, texts: str, *, normalize: bool = True) -> Float32: ...

    @overload
    def __call__(self, texts: Sequence[str], *, normalize: bool = True) -> Float32: ...

    def __call__(self, texts: str | Sequence[str], *, normalize: bool = True) -> Float32:
        """The vectors of texts, in order.

        Args:
            texts: One text, or several.
            normalize: Whether vectors are made to have length 1, so that the product of two is
                the cosine of their angle.

        Returns:
            (hidden_size,) float32 for one text, (texts, hidden_size) for several.

        Raises:
            InvalidInputError: something that is not a string, or holds a lone surrogate.
        """
        if isinstance(texts, str):
            return self([texts], normalize=normalize)[0]
        vectors = np.empty((len(texts), self.engine.config.hidden_size), dtype=np.float32)
        for start in range(0, len(texts), CHUNK_TEXTS):
            chunk = slice(start, start + CHUNK_TEXTS)
            self._encode(texts[chunk], vectors[chunk])
        if normalize:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors

    def _encode(self, texts: Sequence[str], vectors: Float32) -> None:
        tokenizer = self.tokenizer
        first, last = (np.array([at], np.int32) for at in (tokenizer.cls_id, tokenizer.sep_id))
        inputs = [
            np.concatenate([first, encoded.ids[: self.max_length - 2], last])
            for encoded in tokenizer.encode(texts)
        ]
        for rows in plan_batches([len(ids) for ids in inputs], BATCH_TOKENS, pads=False):
            batch = RaggedBatch.of([inputs[row] for row in rows])
            vectors[rows] = self.engine.mean_pooled(batch.input_ids, batch.cu_seqlens)


def _check_pooling(directory: Path) -> None:
    """Refuses a model of ``sentence-transformers`` that does not take the mean."""
    path = directory / "1_Pooling" / checkpoint.CONFIG
    if not path.is_file():
        return
    values = checkpoint.read_json(path)
    modes = [name for name, value in values.items() if "pooling_mode" in name and value]
    if modes not in (["pooling_mode_mean_tokens"], ["pooling_mode"]) or (
        values.get("pooling_mode", "mean") != "mean"
    ):
        raise CheckpointError(
            f"{path} asks for {', '.join(modes) or 'no pooling'}, expected the mean of the tokens"
        )


def _made_for(directory: Path) -> int:
    """The length that a model was trained for, in tokens."""
    path = directory / "sentence_bert_config.json"
    length = checkpoint.read_json(path).get("max_seq_length") if path.is_file() else None
    if isinstance(length, int):
        return length
    spec = checkpoint.read_spec(directory)
    return (
        checkpoint.read_config(directory).max_position_embeddings
        if spec is None
        else (spec.max_length)
    )
