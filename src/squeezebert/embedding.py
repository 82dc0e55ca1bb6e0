"""Texts as vectors: the mean of a model's last hidden states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from squeezebert import checkpoint
from squeezebert.backends.engine_backend import BATCH_TOKENS
from squeezebert.batch import RaggedBatch, plan_batches
from squeezebert.checkpoint.pooling import check_pooling, trained_length
from squeezebert.engine import Engine, describe_precision
from squeezebert.engine.precision import AUTO, Precision
from squeezebert.errors import InvalidInputError
from squeezebert.loading import Origin
from squeezebert.tasks.inputs import check_text
from squeezebert.tokenizer import Tokenizer

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]

CHUNK_TEXTS = 512
"""Texts that are made into tokens and batched by length together."""


class TextInput(NamedTuple):
    """A text as an input of the model.

    Args:
        input_ids: (length,) int32, special tokens included.
        truncated_tokens: How many tokens of the text were beyond the longest input and are left
            out.
    """

    input_ids: Int32
    truncated_tokens: int


class TextEncoder:
    """A model and its tokenizer that make vectors of texts; made by :meth:`load`.

    Any model will do, whatever its head; good vectors come from those that were trained for it,
    such as all-MiniLM-L6-v2. A loaded encoder can be pickled: where it came from and its settings
    travel, not its weights, and it is loaded anew on the other side. Copies share the model.

    Args:
        engine: The model.
        tokenizer: Its tokenizer.
        max_length: The most tokens of a text, special ones included; the rest is cut off.
        origin: Where it can be loaded from again; None for one that cannot be pickled.

    Raises:
        InvalidInputError: ``max_length`` below 2, or more than the model has positions for.

    >>> encoder = TextEncoder.load("squeezebert-mini-mlm", threads=1)
    >>> vectors = encoder(["The striker scored twice.", "Two goals decided the match."])
    >>> vectors.shape, bool(vectors[0] @ vectors[1] > 0.5)
    ((2, 256), True)
    """

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        *,
        max_length: int,
        origin: Origin | None = None,
    ) -> None:
        positions = engine.config.max_position_embeddings
        if not 2 <= max_length <= positions:
            raise InvalidInputError(
                f"max_length is {max_length}, expected 2 to the model's positions, {positions}"
            )
        self.engine = engine
        self.tokenizer = tokenizer
        self.max_length = max_length
        self._origin = origin

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
        origin = Origin.find(name_or_directory, precision=precision, threads=threads)
        return _load(origin, max_length)

    def __repr__(self) -> str:
        by = self.engine
        name = "a model" if self._origin is None else repr(self._origin.source.name)
        return (
            f"<TextEncoder {name}: {by.config.hidden_size} numbers a text, in "
            f"{describe_precision(by.precision)} on {by.isa}, "
            f"{by.threads} thread{'s' if by.threads != 1 else ''}>"
        )

    def __copy__(self) -> TextEncoder:
        return TextEncoder(
            self.engine, self.tokenizer, max_length=self.max_length, origin=self._origin
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> TextEncoder:
        return self.__copy__()

    def __reduce__(self) -> tuple[Callable[..., TextEncoder], tuple[object, ...]]:
        if self._origin is None:
            raise InvalidInputError(
                "the encoder was put together by hand: there is no model directory that another "
                "process could load it from",
                hint="make it with TextEncoder.load, or in each process",
            )
        return _load, (self._origin, self.max_length)

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
        # All are looked at before any is encoded: a wrong one costs no waiting.
        for at, text in enumerate(texts):
            check_text(text, f"text {at}")
        vectors = np.empty((len(texts), self.engine.config.hidden_size), dtype=np.float32)
        for start in range(0, len(texts), CHUNK_TEXTS):
            chunk = slice(start, start + CHUNK_TEXTS)
            self._encode(texts[chunk], vectors[chunk])
        return unit_length(vectors) if normalize else vectors

    def inputs(self, texts: Sequence[str]) -> list[TextInput]:
        """Texts as inputs of the model, in order; what is beyond ``max_length`` is cut off.

        Raises:
            InvalidInputError: something that is not a string, or holds a lone surrogate.
        """
        tokenizer, most = self.tokenizer, self.max_length - 2
        first, last = (np.array([at], np.int32) for at in (tokenizer.cls_id, tokenizer.sep_id))
        return [
            TextInput(
                np.concatenate([first, encoded.ids[:most], last]), max(0, len(encoded) - most)
            )
            for encoded in tokenizer.encode(texts)
        ]

    def pool(self, inputs: Sequence[Int32]) -> Float32:
        """The vectors of some inputs (``TextInput.input_ids``), run as one batch.

        Returns:
            (inputs, hidden_size) float32, not normalized.
        """
        batch = RaggedBatch.of(inputs)
        return self.engine.mean_pooled(batch.input_ids, batch.cu_seqlens)

    def _encode(self, texts: Sequence[str], vectors: Float32) -> None:
        inputs = [item.input_ids for item in self.inputs(texts)]
        for rows in plan_batches([len(ids) for ids in inputs], BATCH_TOKENS, pads=False):
            vectors[rows] = self.pool([inputs[row] for row in rows])


def unit_length(vectors: Float32) -> Float32:
    """Vectors of length 1 in the same directions; a zero vector stays one.

    Args:
        vectors: (vectors, numbers).

    >>> unit_length(np.array([[3.0, 4.0]], dtype=np.float32)).round(2)
    array([[0.6, 0.8]], dtype=float32)
    """
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _load(origin: Origin, max_length: int | None) -> TextEncoder:
    source = origin.source.find_again()
    check_pooling(source.directory)
    engine, tokenizer = source.open(
        lambda directory: Engine.load(directory, precision=origin.precision, threads=origin.threads)
    )
    if max_length is None:
        max_length = min(_made_for(source.directory), engine.config.max_position_embeddings)
    return TextEncoder(engine, tokenizer, max_length=max_length, origin=origin)


def _made_for(directory: Path) -> int:
    """The length that a model was trained for, in tokens."""
    length = trained_length(directory)
    if length is not None:
        return length
    spec = checkpoint.read_spec(directory)
    if spec is None:
        return checkpoint.read_config(directory).max_position_embeddings
    return spec.max_length
