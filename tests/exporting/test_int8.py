"""Rounded projections, each by itself."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from squeezebert.exporting.graph import OPSET, Graph
from squeezebert.exporting.int8 import Int8Products
from squeezebert.exporting.parameters import Layer
from squeezebert.exporting.session import session_options


def project(layer: Layer, x: np.ndarray) -> np.ndarray:
    graph = Graph()
    graph.add("Identity", [Int8Products().project(graph, "x", layer)], "y")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None, None]) for name in "xy"
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "one", ends[:1], ends[1:], list(graph.constants.values())),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    assert any(node.op_type == "MatMulInteger" for node in graph.nodes)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(1), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("groups", [1, 4])
def test_large_numbers_of_one_token_do_not_coarsen_the_others(groups: int) -> None:
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(groups, 256 // groups, 128)).astype(np.float32)
    bias = generator.normal(size=groups * 128).astype(np.float32)
    layer = Layer(name="encoder.blocks.0.output", weight=weight, bias=bias)
    x = generator.normal(size=(2, 5, 256)).astype(np.float32)
    x[0, 0] *= 1e4
    x[1, 1] = 0.0
    slices = x.reshape(2, 5, groups, -1)
    exact = np.einsum("bsgi,gio->bsgo", slices, weight).reshape(2, 5, -1) + bias
    given = project(layer, x)
    error = np.abs(given - exact).max(axis=-1) / np.abs(exact).max(axis=-1)
    assert error.max() < 0.02
    assert (given[1, 1] == bias).all()
