"""A model as one ONNX file."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from squeezebert import __version__
from squeezebert.exporting.encoder import Products, add_encoder, add_head
from squeezebert.exporting.graph import IR_VERSION, OPSET, Graph
from squeezebert.exporting.parameters import Parameters

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""int64, (batch, sequence) each; names and order are those of Hugging Face's exports."""


def build(parameters: Parameters, products: Products) -> onnx.ModelProto:
    """The graph of a model: ``logits``, or ``last_hidden_state`` of a bare encoder.

    Args:
        parameters: Weights and shape.
        products: How projections are laid down.
    """
    graph = Graph()
    hidden = add_encoder(graph, parameters, products)
    result = add_head(graph, parameters, products, hidden)
    name = "last_hidden_state" if parameters.spec is None else "logits"
    graph.add("Identity", [result], name)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
        for name in INPUTS
    ]
    output = helper.make_tensor_value_info(name, TensorProto.FLOAT, _axes(parameters))
    made = helper.make_graph(
        graph.nodes, "squeezebert", inputs, [output], list(graph.constants.values())
    )
    return helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="squeezebert",
        producer_version=__version__,
    )


def _axes(parameters: Parameters) -> list[str | int]:
    spec, config = parameters.spec, parameters.config
    if spec is None:
        return ["batch", "sequence", config.hidden_size]
    if spec.task == "masked_lm":
        return ["batch", "sequence", config.vocab_size]
    if spec.task == "token_classification":
        return ["batch", "sequence", len(spec.labels)]
    return ["batch", len(spec.labels)]
