"""ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.peers.runtimes.base import PaddedRuntime, Setup, feeds
from experiments.peers.runtimes.onnx_graphs import make_graph
from squeezebert.batch import RaggedBatch


class OnnxRuntime(PaddedRuntime):
    """A session over one of the graphs."""

    def __init__(self, setup: Setup) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = setup.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session: Any = onnxruntime.InferenceSession(
            make_graph(setup, setup.graph), options, providers=["CPUExecutionProvider"]
        )

    def inputs(self, batch: RaggedBatch) -> dict[str, NDArray[np.int64]]:
        """See :class:`~runtimes.base.Runtime`."""
        return feeds(batch)

    def call(self, inputs: dict[str, NDArray[np.int64]]) -> Any:
        """See :class:`~runtimes.base.Runtime`."""
        return self.session.run(None, inputs)[0]


def load(setup: Setup) -> OnnxRuntime:
    """``graph`` is one of :mod:`runtimes.onnx_graphs`."""
    return OnnxRuntime(setup)


def prepare(setup: Setup) -> None:
    """Makes the graph."""
    make_graph(setup, setup.graph)
