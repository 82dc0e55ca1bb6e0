"""The native engine as a backend: the default."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from squeezebert.backends.base import Float32
from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig
from squeezebert.engine import Engine, TopK, describe_precision
from squeezebert.engine.precision import AUTO, Precision
from squeezebert.errors import InvalidInputError

BATCH_TOKENS = 2048
"""Of 256 to 8192, on one thread and on two, by mini and base models alike, the least CPU time was
taken from 1024 on, within the noise; more costs memory."""


class EngineBackend:
    """Runs an :class:`~squeezebert.engine.Engine` on ragged batches.

    Args:
        engine: A model with a head.

    Raises:
        InvalidInputError: a model without one.
    """

    name = "engine"
    pads = False
    batch_tokens = BATCH_TOKENS

    def __init__(self, engine: Engine) -> None:
        if engine.head is None:
            raise InvalidInputError(
                "the model has no head, so it answers nothing",
                hint="fine-tune it: squeezebert train --help",
            )
        self.engine = engine

    @classmethod
    def open(
        cls, directory: Path, *, precision: Precision = AUTO, threads: int | None = None
    ) -> EngineBackend:
        """Loads the model in ``directory``; see :meth:`squeezebert.engine.Engine.load`.

        Raises:
            CheckpointError, ConfigError, InvalidInputError: As there; the checkpoint has no head.
        """
        return cls(Engine.load(directory, precision=precision, threads=threads))

    @property
    def config(self) -> EncoderConfig:
        """The shape of the model."""
        return self.engine.config

    @property
    def precision(self) -> str:
        """See :class:`~squeezebert.backends.base.Backend`."""
        return describe_precision(self.engine.precision)

    @property
    def instruction_set(self) -> str:
        """See :class:`~squeezebert.backends.base.Backend`."""
        return self.engine.isa

    @property
    def threads(self) -> int:
        """See :class:`~squeezebert.backends.base.Backend`."""
        return self.engine.threads

    def encode(self, batch: RaggedBatch) -> Float32:
        """See :class:`~squeezebert.backends.base.Backend`."""
        return self.engine.encode(batch.input_ids, batch.cu_seqlens, batch.token_type_ids)

    def logits(self, batch: RaggedBatch, positions: NDArray[np.int64] | None = None) -> Float32:
        """See :class:`~squeezebert.backends.base.Backend`."""
        return self.engine.logits(
            batch.input_ids, batch.cu_seqlens, batch.token_type_ids, positions=positions
        )

    def top_k(self, batch: RaggedBatch, positions: NDArray[np.int64], k: int) -> TopK:
        """A masked LM's ``k`` likeliest tokens at each position; see
        :meth:`squeezebert.engine.Engine.top_k`.
        """
        return self.engine.top_k(
            batch.input_ids, batch.cu_seqlens, batch.token_type_ids, positions=positions, k=k
        )
