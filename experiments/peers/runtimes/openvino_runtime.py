"""OpenVINO, float32, bf16 by its precision hint, and int8 by NNCF's static quantization."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.peers.runtimes.base import PaddedRuntime, Setup, feeds
from experiments.peers.runtimes.onnx_graphs import make_graph, random_batches
from squeezebert.batch import RaggedBatch

CALIBRATION_BATCHES, CALIBRATION_LENGTH = 64, 128

HINTS = {"float32": "f32", "bf16": "bf16", "int8": "f32"}
"""What is not quantized stays float32 in an int8 model."""


class OpenVinoRuntime(PaddedRuntime):
    """A compiled model, one stream, dynamic shapes."""

    def __init__(self, setup: Setup) -> None:
        import openvino

        core = openvino.Core()
        options = {
            "INFERENCE_NUM_THREADS": setup.threads,
            "INFERENCE_PRECISION_HINT": HINTS[setup.precision],
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self.compiled: Any = core.compile_model(make_model(setup), "CPU", options)
        self.request: Any = self.compiled.create_infer_request()

    def inputs(self, batch: RaggedBatch) -> dict[str, NDArray[np.int64]]:
        """See :class:`~runtimes.base.Runtime`."""
        return feeds(batch)

    def call(self, inputs: dict[str, NDArray[np.int64]]) -> Any:
        """The output shares the request's memory, so that nothing is copied."""
        return self.request.infer(inputs, share_inputs=True, share_outputs=True)[0]


def make_model(setup: Setup) -> Path:
    """The file to compile: made once, kept."""
    int8 = setup.precision == "int8"
    path = setup.cache / f"openvino-{setup.graph}{'-int8' if int8 else ''}.xml"
    if path.is_file():
        return path
    import openvino

    setup.cache.mkdir(parents=True, exist_ok=True)
    model: Any = openvino.convert_model(make_graph(setup, setup.graph))
    if int8:
        import nncf
        from nncf.quantization.advanced_parameters import AdvancedSmoothQuantParameters

        batches = random_batches(setup, CALIBRATION_BATCHES, CALIBRATION_LENGTH)
        model = nncf.quantize(
            model,
            nncf.Dataset([feeds(batch) for batch in batches]),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=CALIBRATION_BATCHES,
            # Without it, it is both faster and closer to float32 here.
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=-1.0, convolution=-1.0)
            ),
        )
    openvino.save_model(model, path, compress_to_fp16=False)
    return path


def load(setup: Setup) -> OpenVinoRuntime:
    """``graph`` is one of :mod:`runtimes.onnx_graphs`."""
    return OpenVinoRuntime(setup)


def prepare(setup: Setup) -> None:
    """Makes the model file."""
    make_model(setup)
