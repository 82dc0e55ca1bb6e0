"""The seam between tasks and whatever runs the model: one protocol, three calls."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]


class Backend(Protocol):
    """A loaded model, ready to answer. Results do not depend on what else is in the batch beyond
    rounding.
    """

    @property
    def name(self) -> str:
        """The name it is chosen by: ``engine``, ``torch``, ``transformers``."""
        ...

    @property
    def pads(self) -> bool:
        """Whether a batch costs its longest sequence times their number, or its tokens alone."""
        ...

    @property
    def batch_tokens(self) -> int:
        """How many tokens a batch should have at most, padding included if it ``pads``, for the
        least CPU time.
        """
        ...

    @property
    def precision(self) -> str:
        """In what it computes, as a person says it: ``float32``, ``int8, query bf16``."""
        ...

    @property
    def instruction_set(self) -> str:
        """What of the processor it uses, by its own name for it: ``avx2``, ``AVX512``."""
        ...

    @property
    def config(self) -> EncoderConfig:
        """The shape of the model."""
        ...

    def encode(self, batch: RaggedBatch) -> Float32:
        """The last hidden states, (tokens, hidden_size)."""
        ...

    def logits(self, batch: RaggedBatch, positions: NDArray[np.int64] | None = None) -> Float32:
        """What the head gives.

        Args:
            batch: The sequences.
            positions: Masked LM only: indices into the batch's tokens whose logits are wanted;
                all where None. Other heads take None.

        Returns:
            Masked LM: (positions, vocab_size). Token classification: (tokens, labels).
            Text classification: (sequences, labels).
        """
        ...


@runtime_checkable
class RanksTokens(Protocol):
    """A backend that finds a masked LM's likeliest tokens without making all logits."""

    def top_k(
        self, batch: RaggedBatch, positions: NDArray[np.int64], k: int
    ) -> tuple[Int32, Float32, Float32]:
        """The ``k`` likeliest tokens at each position, best first.

        Returns:
            ``(ids, logits, log_normalizers)``, (positions, k) twice and (positions,):
            ``logits - log_normalizers[:, None]`` are log-probabilities among all tokens.
        """
        ...
