"""The seam between tasks and whatever runs the model: one protocol, two calls. What a task asks of
it is :class:`squeezebert.tasks.base.Model`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.tasks.base import Model

Float32 = NDArray[np.float32]


class Backend(Model, Protocol):
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
    def threads(self) -> int:
        """How many threads a call may use."""
        ...

    def encode(self, batch: RaggedBatch) -> Float32:
        """The last hidden states, (tokens, hidden_size)."""
        ...
