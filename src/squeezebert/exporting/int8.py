"""Projections and tables in int8: weights with one scale an output, inputs rounded on the fly.

DynamicQuantizeLinear has one scale for a whole batch, padding included, and a few large numbers
that trained models have in some tokens leave nothing of the others. So each token's numbers of a
group are divided by the largest of them before, and what comes out multiplied by it: then that one
scale suits all, and what a text gives hardly depends on its neighbors. docs/export.md has what it
costs and what it gains.

MatMulInteger, Cast and Mul by two scales is what ONNX Runtime makes one operator of.

Heads stay float32, as in our engine: they cost little, and the layer before a masked LM's decoder
takes rounding badly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from squeezebert.checkpoint.directory import quantize_rows
from squeezebert.exporting.float32 import Float32Products, decoder_table, join, split
from squeezebert.exporting.graph import Graph
from squeezebert.exporting.parameters import Layer, Parameters

Float32 = NDArray[np.float32]

SMALLEST = 64 * 64
"""Numbers of a weight from which on it is rounded: two token types stay as they are."""

LEAST = 1e-20
"""What a token's numbers are divided by at least, so that zeros stay zeros."""


class Int8Products:
    """See :class:`~squeezebert.exporting.encoder.Products`."""

    def __init__(self) -> None:
        self._exact = Float32Products()

    def project(self, graph: Graph, x: str, layer: Layer) -> str:
        """``x`` (…, in) through ``layer``, (…, out)."""
        if layer.weight.size < SMALLEST or not _is_in_encoder(layer.name):
            return self._exact.project(graph, x, layer)
        weights: list[tuple[str, Float32]] = []
        for group, weight in enumerate(layer.weight):
            columns, scale = quantize_rows(weight.T)
            weights.append((graph.constant(f"{layer.name}.weight.{group}", columns.T), scale))
        return _project(graph, x, weights, layer.weight.shape[1], layer.bias, layer.name)

    def look_up(self, graph: Graph, table: str, ids: str, parameters: Parameters) -> str:
        """The rows ``ids`` of an embedding table."""
        if parameters.vector(f"{table}.weight").size < SMALLEST:
            return self._exact.look_up(graph, table, ids, parameters)
        weight, scale = _table(graph, table, parameters)
        rows = graph.add("Gather", [weight, ids], f"{table}.rows")
        rows = graph.add("Cast", [rows], f"{table}.numbers", {"to": TensorProto.FLOAT})
        column = graph.constant(f"{table}.scale_column", scale[:, None])
        scales = graph.add("Gather", [column, ids], f"{table}.row_scales")
        return graph.add("Mul", [rows, scales], f"{table}.scaled")

    def decode(self, graph: Graph, x: str, parameters: Parameters) -> str:
        """The logits of a masked LM; a tied table stands once in the file."""
        table = decoder_table(parameters)
        if parameters.vector(f"{table}.weight").size < SMALLEST:
            return self._exact.decode(graph, x, parameters)
        weight, scale = _table(graph, table, parameters)
        columns = graph.add("Transpose", [weight], "head.decoder.columns", {"perm": [1, 0]})
        bias = parameters.vector("head.decoder.bias")
        size = parameters.config.embedding_size
        return _project(graph, x, [(columns, scale)], size, bias, "head.decoder")


def _is_in_encoder(name: str) -> bool:
    return name.startswith("encoder.") and name != "encoder.pooler.dense"


def _table(graph: Graph, name: str, parameters: Parameters) -> tuple[str, Float32]:
    rows, scale = quantize_rows(parameters.vector(f"{name}.weight"))
    return graph.constant(f"{name}.weight", rows), scale


def _project(
    graph: Graph,
    x: str,
    weights: list[tuple[str, Float32]],
    width: int,
    bias: Float32,
    name: str,
) -> str:
    """``x`` times weights of whole numbers, one (width, out / groups) a group, each with a scale an
    output.
    """
    groups = len(weights)
    even, largest = graph.once(lambda: _even(graph, x, groups), "even", x, str(groups))
    rounded, x_scale, zero = graph.once(
        lambda: graph.add_many(
            "DynamicQuantizeLinear", [even], [f"{even}.rounded", f"{even}.scale", f"{even}.zero"]
        ),
        "rounded",
        even,
    )
    parts: list[str] = []
    for group, part in enumerate(split(graph, rounded, groups, width)):
        weight, scale = weights[group]
        which = f"{name}.{group}"
        y = graph.add("MatMulInteger", [part, weight, zero], f"{which}.whole")
        y = graph.add("Cast", [y], f"{which}.number", {"to": TensorProto.FLOAT})
        scale = graph.constant(f"{which}.scale", scale)
        scales = graph.add("Mul", [x_scale, scale], f"{which}.scales")
        parts.append(graph.add("Mul", [y, scales], f"{which}.scaled"))
    y = _by_group(graph, join(graph, parts, name), groups, name)
    y = graph.add("Mul", [y, largest], f"{name}.uneven")
    y = _flat(graph, y, groups, len(bias), name)
    return graph.add("Add", [y, graph.constant(f"{name}.bias", bias)], f"{name}.sum")


def _even(graph: Graph, x: str, groups: int) -> tuple[str, str]:
    """``x`` (…, in) with each token's numbers of a group divided by the largest of them; and these,
    (…, groups, 1), or (…, 1) for one group.
    """
    rows = _by_group(graph, x, groups, x)
    sizes = graph.add("Abs", [rows], f"{x}.sizes")
    largest = graph.add("ReduceMax", [sizes], f"{x}.largest", {"axes": [-1], "keepdims": 1})
    least = graph.constant("least", np.float32(LEAST))
    largest = graph.add("Max", [largest, least], f"{x}.divisor")
    even = graph.add("Div", [rows, largest], f"{x}.even")
    return _flat(graph, even, groups, -1, f"{x}.even"), largest


def _by_group(graph: Graph, x: str, groups: int, name: str) -> str:
    """(B, S, numbers) as (B, S, groups, numbers / groups)."""
    if groups == 1:
        return x
    return graph.add("Reshape", [x, graph.whole_numbers(0, 0, groups, -1)], f"{name}.by_group")


def _flat(graph: Graph, x: str, groups: int, width: int, name: str) -> str:
    """And back; ``width`` numbers a token."""
    if groups == 1:
        return x
    return graph.add("Reshape", [x, graph.whole_numbers(0, 0, width)], f"{name}.flat")
