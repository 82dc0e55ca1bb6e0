"""A model in the native engine: token ids in, NumPy arrays out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from squeezebert import checkpoint
from squeezebert.checkpoint.hub import resolve
from squeezebert.engine.precision import AUTO, Precision, precision_wishes
from squeezebert.errors import CheckpointError, InvalidInputError, MissingDependencyError

try:
    from squeezebert.engine import _native
except ImportError as error:
    # A file that is not there would be blamed on a circular import.
    absent = "cannot import name" in str(error)
    raise MissingDependencyError(
        f"the native engine cannot be loaded: {'it is not there' if absent else error}",
        hint="install squeezebert again for this Python, or choose the backend torch",
    ) from error

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
Number = TypeVar("Number", bound=np.integer[Any])


def available_isas() -> list[str]:
    """The instruction sets that run here, best first. The environment variable
    ``SQUEEZEBERT_ISA`` can choose another than the first for the models that are then loaded.

    >>> available_isas()[-1]
    'portable'
    """
    return _native.available_isas()


def usable_cores() -> int:
    """How many threads this process can keep busy: ``SQUEEZEBERT_THREADS`` where that is set, else
    the physical cores among those it may run on, but no more than its container's quota.

    >>> usable_cores() >= 1
    True
    """
    return _native.usable_cores()


class TopK(NamedTuple):
    """A masked LM's likeliest tokens, best first; of equals, the lower id comes first.

    Attributes:
        ids: (positions, k) int32.
        logits: (positions, k) float32.
        log_normalizers: (positions,) float32, the logarithm of the sum of the exponentials of
            all logits: ``logits - log_normalizers[:, None]`` are log-probabilities.
    """

    ids: Int32
    logits: Float32
    log_normalizers: Float32


class Engine:
    """A loaded model, made by :meth:`load`.

    Sequences lie end to end, without padding: ``input_ids`` is (tokens,), and sequence ``i`` is
    ``input_ids[cu_seqlens[i]:cu_seqlens[i + 1]]``. Arrays of any whole numbers do, whatever their
    byte order or strides. Each call copies them first, so that it computes what it has checked even
    if another thread writes to them. Every call gives new arrays.

    A sequence's results are the same, bit for bit, whatever else is in the batch and however many
    threads work. Calls release the GIL and may come from many threads at once; a forked process
    can go on with the engine of its parent.

    >>> import numpy as np
    >>> engine = Engine.load("squeezebert-mini-news", threads=1)
    >>> input_ids = np.array([2, 1712, 88, 3, 2, 93, 3], dtype=np.int32)
    >>> cu_seqlens = np.array([0, 4, 7], dtype=np.int32)
    >>> engine.encode(input_ids, cu_seqlens).shape
    (7, 256)
    >>> engine.head, engine.logits(input_ids, cu_seqlens).shape
    ('text_classification', (2, 6))
    """

    def __init__(self, directory: Path, precision: Precision, threads: int | None) -> None:
        """Prefer :meth:`load`, which takes names of models too."""
        self.config = checkpoint.read_config(directory)
        """The shape of the model."""
        names = precision_wishes(precision)
        self._model = _native.Model(os.fsencode(directory), names, threads or 0)
        self.precision: Mapping[str, str] = MappingProxyType(self._model.precisions)
        """The precision of each of
        :data:`~squeezebert.engine.precision.PROJECTION_KINDS`."""

    @classmethod
    def load(
        cls, path: str | Path, *, precision: Precision = AUTO, threads: int | None = None
    ) -> Engine:
        """Loads a model.

        Args:
            path: A model directory, the name of a shipped model, or one on the Hugging Face hub.
            precision: ``int8``, ``bf16`` or ``float32`` (the exact reference) for all products,
                or names by kind of product (see
                :data:`~squeezebert.engine.precision.PROJECTION_KINDS`; others are ``auto``).
                ``auto`` takes what the checkpoint records as good enough for its task.
            threads: How many threads a call may use; all usable cores where None.

        Raises:
            CheckpointError: no such model, a damaged one, or one without safetensors.
            ConfigError: a shape that cannot be.
            InvalidInputError: an unknown precision or kind of product, or ``threads`` below 1.
        """
        if threads is not None and threads < 1:
            raise InvalidInputError(
                f"threads is {threads}, expected 1 or more", hint="leave it out to use all cores"
            )
        directory = resolve(path)
        if not checkpoint.has_safetensors(directory):
            raise CheckpointError(
                f"there is no {checkpoint.WEIGHTS} in {directory}, and the engine reads no other "
                "weights",
                hint="with torch, old weights (pytorch_model.bin, or the files that "
                "pytorch_model.bin.index.json lists) are read as they are by the backend torch, "
                f"or once and for all: squeezebert quantize {path} --no-data --output NEW",
            )
        return cls(directory, precision, threads)

    @property
    def threads(self) -> int:
        """How many threads a call may use."""
        return self._model.threads

    @property
    def isa(self) -> str:
        """The instruction set that it runs on: the best of the processor, or what the environment
        variable ``SQUEEZEBERT_ISA`` said when it was loaded.
        """
        return self._model.isa

    @property
    def head(self) -> str | None:
        """``masked_lm``, ``text_classification``, ``token_classification``, ``question_answering``,
        ``multiple_choice``, or None for a bare encoder.
        """
        return None if self._model.head == "none" else self._model.head

    def encode(
        self, input_ids: ArrayLike, cu_seqlens: ArrayLike, token_type_ids: ArrayLike | None = None
    ) -> Float32:
        """The last hidden states.

        Args:
            input_ids: (tokens,) whole numbers from 0 to ``config.vocab_size - 1``.
            cu_seqlens: (sequences + 1,) the running sum of the lengths, from 0 to ``tokens``;
                each length from 1 to ``config.max_position_embeddings``.
            token_type_ids: (tokens,) from 0 to ``config.type_vocab_size - 1``; 0 where None.

        Returns:
            (tokens, hidden_size) float32.

        Raises:
            InvalidInputError: arrays of another kind or shape, or values out of range.
        """
        return self._model.encode(*_batch(input_ids, cu_seqlens, token_type_ids))

    def mean_pooled(
        self, input_ids: ArrayLike, cu_seqlens: ArrayLike, token_type_ids: ArrayLike | None = None
    ) -> Float32:
        """The mean of each sequence's last hidden states, (sequences, hidden_size) float32.
        Arguments and errors as for :meth:`encode`.
        """
        return self._model.mean_pooled(*_batch(input_ids, cu_seqlens, token_type_ids))

    def logits(
        self,
        input_ids: ArrayLike,
        cu_seqlens: ArrayLike,
        token_type_ids: ArrayLike | None = None,
        *,
        positions: ArrayLike | None = None,
    ) -> Float32:
        """What the head gives.

        Args:
            input_ids: As for :meth:`encode`.
            cu_seqlens: As for :meth:`encode`.
            token_type_ids: As for :meth:`encode`.
            positions: Masked LM only: indices into ``input_ids`` whose logits are wanted, in any
                order; all where None.

        Returns:
            float32. Text classification: (sequences, labels). Token classification: (tokens,
            labels). Masked LM: (positions, vocab_size). Question answering: (tokens, 2), start
            and end. Multiple choice: (sequences, 1), a sequence a choice.

        Raises:
            InvalidInputError: as for :meth:`encode`; no head; positions for another head than a
                masked LM's, or out of range.
        """
        if positions is not None and self.head is not None and self.head != "masked_lm":
            raise InvalidInputError(
                f"positions go with a masked_lm head, but the model's is {self.head}",
                hint="leave positions out",
            )
        batch = _batch(input_ids, cu_seqlens, token_type_ids)
        wanted = None if positions is None else _whole_numbers("positions", positions, np.int64)
        return self._model.logits(*batch, wanted)

    def top_k(
        self,
        input_ids: ArrayLike,
        cu_seqlens: ArrayLike,
        token_type_ids: ArrayLike | None = None,
        *,
        positions: ArrayLike,
        k: int,
    ) -> TopK:
        """A masked LM's ``k`` likeliest tokens at each position; all logits are never in memory at
        once.

        Args:
            input_ids: As for :meth:`encode`.
            cu_seqlens: As for :meth:`encode`.
            token_type_ids: As for :meth:`encode`.
            positions: (positions,) indices into ``input_ids``, in any order.
            k: From 1 to ``config.vocab_size``.

        Raises:
            InvalidInputError: as for :meth:`logits`; ``k`` out of range.
        """
        if not 1 <= k <= self.config.vocab_size:
            raise InvalidInputError(
                f"k is {k}, expected 1 to the vocabulary's size, {self.config.vocab_size}"
            )
        batch = _batch(input_ids, cu_seqlens, token_type_ids)
        return TopK(*self._model.top_k(*batch, _whole_numbers("positions", positions, np.int64), k))

    def profile(
        self, input_ids: ArrayLike, cu_seqlens: ArrayLike, token_type_ids: ArrayLike | None = None
    ) -> dict[str, float]:
        """Encodes a batch and tells the seconds that all threads together spent on each stage:
        ``embeddings``, ``query_key_value``, ``attention`` and so on. Arguments and errors as for
        :meth:`encode`.
        """
        return self._model.profile(*_batch(input_ids, cu_seqlens, token_type_ids))


def _batch(
    input_ids: ArrayLike, cu_seqlens: ArrayLike, token_type_ids: ArrayLike | None
) -> tuple[Int32, Int32, Int32 | None]:
    """The three arrays as the native module takes them; it checks their values."""
    return (
        _whole_numbers("input_ids", input_ids, np.int32),
        _whole_numbers("cu_seqlens", cu_seqlens, np.int32),
        None
        if token_type_ids is None
        else _whole_numbers("token_type_ids", token_type_ids, np.int32),
    )


def _whole_numbers(name: str, values: ArrayLike, kind: type[Number]) -> NDArray[Number]:
    """``values`` as a contiguous row of ``kind``: themselves if they are one, else a copy."""
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:  # such as rows of unequal length
        raise InvalidInputError(
            f"{name} cannot be read as an array: {error}", hint="whole numbers in a row are wanted"
        ) from error
    if array.size == 0 and array.ndim == 1:
        return np.zeros(0, dtype=kind)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidInputError(
            f"{name} is an array of {array.dtype} with shape {array.shape}, "
            "expected whole numbers in a row",
            hint="sequences lie end to end, and cu_seqlens says where each begins",
        )
    if array.dtype != kind:
        limits = np.iinfo(kind)
        low, high = int(array.min()), int(array.max())
        if low < limits.min or high > limits.max:
            raise InvalidInputError(
                f"{name} holds {low if low < limits.min else high}, "
                f"which {np.dtype(kind)} cannot hold"
            )
    return np.ascontiguousarray(array, dtype=kind)
