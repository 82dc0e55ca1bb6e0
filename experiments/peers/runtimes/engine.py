"""Our engine: ragged batches, no padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.peers.runtimes.base import Float32, Setup
from squeezebert.batch import RaggedBatch

Int32 = NDArray[np.int32]


class EngineRuntime:
    """``squeezebert.engine`` on ids and running sums of lengths."""

    padded = False

    def __init__(self, setup: Setup) -> None:
        from squeezebert.engine import Engine

        path = setup.compact if setup.precision == "int8" else setup.checkpoint
        self.engine = Engine.load(path, precision=setup.precision, threads=setup.threads)
        self.isa = str(self.engine.isa)

    def many_shapes(self) -> None:
        """See :class:`~runtimes.base.Runtime`; every call may have any lengths anyway."""

    def inputs(self, batch: RaggedBatch) -> tuple[Int32, Int32]:
        """See :class:`~runtimes.base.Runtime`."""
        return batch.input_ids, batch.cu_seqlens

    def call(self, inputs: tuple[Int32, Int32]) -> Float32:
        """See :class:`~runtimes.base.Runtime`."""
        return self.engine.encode(*inputs)

    def hidden(self, outputs: Float32, batch: RaggedBatch) -> Float32:
        """See :class:`~runtimes.base.Runtime`."""
        del batch
        return outputs

    def first(self, outputs: Float32, batch: RaggedBatch) -> Float32:
        """See :class:`~runtimes.base.Runtime`."""
        return outputs[batch.cu_seqlens[:-1]]


def load(setup: Setup) -> EngineRuntime:
    """Int8 reads the compact file, the others the float32 checkpoint."""
    return EngineRuntime(setup)


def prepare(setup: Setup) -> None:
    """Nothing to make."""
    del setup
