"""Ways to lay a grouped projection down in an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from squeezebert.exporting.graph import Graph
from squeezebert.exporting.parameters import Layer, Parameters


def block_diagonal(layer: Layer) -> NDArray[np.float32]:
    """(in, out), zeros beside the groups."""
    groups, inner, outer = layer.weight.shape
    dense = np.zeros((groups * inner, groups * outer), np.float32)
    for g in range(groups):
        dense[g * inner : (g + 1) * inner, g * outer : (g + 1) * outer] = layer.weight[g]
    return dense


def f_conv(graph: Graph, x: str, layer: Layer) -> str:
    g, i, o = layer.weight.shape
    w = graph.constant(f"{layer.name}.weight", layer.weight.transpose(0, 2, 1).reshape(g * o, i, 1))
    t = graph.add("Transpose", [x], f"{layer.name}.t", {"perm": [0, 2, 1]})
    y = graph.add("Conv", [t, w, graph.constant(f"{layer.name}.bias", layer.bias)], layer.name, {"group": g, "kernel_shape": [1]})
    return graph.add("Transpose", [y], f"{layer.name}.t2", {"perm": [0, 2, 1]})


def f_dense(graph: Graph, x: str, layer: Layer) -> str:
    y = graph.add("MatMul", [x, graph.constant(f"{layer.name}.weight", block_diagonal(layer))], layer.name)
    return graph.add("Add", [y, graph.constant(f"{layer.name}.bias", layer.bias)], f"{layer.name}.sum")


def f_batched(graph: Graph, x: str, layer: Layer) -> str:
    g, i, o = layer.weight.shape
    r = graph.add("Reshape", [x, graph.whole_numbers(0, 0, g, i)], f"{layer.name}.r")
    r = graph.add("Transpose", [r], f"{layer.name}.t", {"perm": [0, 2, 1, 3]})
    y = graph.add("MatMul", [r, graph.constant(f"{layer.name}.weight", layer.weight)], layer.name)
    y = graph.add("Transpose", [y], f"{layer.name}.t2", {"perm": [0, 2, 1, 3]})
    y = graph.add("Reshape", [y, graph.whole_numbers(0, 0, g * o)], f"{layer.name}.r2")
    return graph.add("Add", [y, graph.constant(f"{layer.name}.bias", layer.bias)], f"{layer.name}.sum")


def split(graph: Graph, x: str, groups: int) -> list[str]:
    return graph.once(lambda: graph.add_many("Split", [x], [f"{x}.g{i}" for i in range(groups)], {"axis": -1}), "split", x, str(groups))


def f_by_group(graph: Graph, x: str, layer: Layer) -> str:
    g = layer.groups
    o = layer.width // g
    parts = []
    for k, p in enumerate(split(graph, x, g)):
        y = graph.add("MatMul", [p, graph.constant(f"{layer.name}.weight{k}", layer.weight[k])], f"{layer.name}.{k}")
        parts.append(graph.add("Add", [y, graph.constant(f"{layer.name}.bias{k}", layer.bias[k * o : (k + 1) * o])], f"{layer.name}.sum{k}"))
    return graph.add("Concat", parts, layer.name, {"axis": -1})


def f_by_group_late(graph: Graph, x: str, layer: Layer) -> str:
    g = layer.groups
    parts = [
        graph.add("MatMul", [p, graph.constant(f"{layer.name}.weight{k}", layer.weight[k])], f"{layer.name}.{k}")
        for k, p in enumerate(split(graph, x, g))
    ]
    y = graph.add("Concat", parts, layer.name, {"axis": -1})
    return graph.add("Add", [y, graph.constant(f"{layer.name}.bias", layer.bias)], f"{layer.name}.sum")


class Lowered:
    def __init__(self, grouped: Callable[[Graph, str, Layer], str], dense: Callable[[Graph, str, Layer], str] = f_dense) -> None:
        self.grouped, self.dense = grouped, dense

    def project(self, graph: Graph, x: str, layer: Layer) -> str:
        return (self.dense if layer.groups == 1 else self.grouped)(graph, x, layer)

    def look_up(self, graph: Graph, table: str, ids: str, parameters: Parameters) -> str:
        t = graph.constant(f"{table}.weight", parameters.vector(f"{table}.weight"))
        return graph.add("Gather", [t, ids], f"{table}.rows")

    def decode(self, graph: Graph, x: str, parameters: Parameters) -> str:
        raise NotImplementedError


# int8

def rows8(w: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """w (..., i, o): scale per output (..., o)."""
    largest = np.abs(w).max(axis=-2)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.clip(np.rint(w / scale[..., None, :]), -127, 127).astype(np.int8), scale


def quantize(graph: Graph, x: str) -> list[str]:
    return graph.once(lambda: graph.add_many("DynamicQuantizeLinear", [x], [f"{x}.q", f"{x}.scale", f"{x}.zero"]), "quantize", x)


def integer_product(graph: Graph, q: str, scale: str, zero: str, w8: NDArray[np.int8], ws: NDArray[np.float32], bias: NDArray[np.float32], name: str) -> str:
    y = graph.add("MatMulInteger", [q, graph.constant(f"{name}.weight", w8), zero], f"{name}.integer")
    y = graph.add("Cast", [y], f"{name}.cast", {"to": 1})
    s = graph.add("Mul", [scale, graph.constant(f"{name}.scale", ws)], f"{name}.scales")
    y = graph.add("Mul", [y, s], f"{name}.scaled")
    return graph.add("Add", [y, graph.constant(f"{name}.bias", bias)], f"{name}.sum")


def q_dense(graph: Graph, x: str, layer: Layer) -> str:
    q, s, z = quantize(graph, x)
    w8, ws = rows8(block_diagonal(layer))
    return integer_product(graph, q, s, z, w8, ws, layer.bias, layer.name)


def q_by_group(graph: Graph, x: str, layer: Layer) -> str:
    q, s, z = quantize(graph, x)
    o = layer.width // layer.groups
    parts = []
    for k, p in enumerate(split(graph, q, layer.groups)):
        w8, ws = rows8(layer.weight[k])
        parts.append(integer_product(graph, p, s, z, w8, ws, layer.bias[k * o : (k + 1) * o], f"{layer.name}.{k}"))
    return graph.add("Concat", parts, layer.name, {"axis": -1})


def q_by_group_own(graph: Graph, x: str, layer: Layer) -> str:
    """A scale a group: quantized after the split."""
    o = layer.width // layer.groups
    parts = []
    for k, p in enumerate(split(graph, x, layer.groups)):
        q, s, z = quantize(graph, p)
        w8, ws = rows8(layer.weight[k])
        parts.append(integer_product(graph, q, s, z, w8, ws, layer.bias[k * o : (k + 1) * o], f"{layer.name}.{k}"))
    return graph.add("Concat", parts, layer.name, {"axis": -1})


def q_by_group_late(graph: Graph, x: str, layer: Layer) -> str:
    """Concatenated as whole numbers."""
    q, s, z = quantize(graph, x)
    parts, scales = [], []
    for k, p in enumerate(split(graph, q, layer.groups)):
        w8, ws = rows8(layer.weight[k])
        scales.append(ws)
        parts.append(graph.add("MatMulInteger", [p, graph.constant(f"{layer.name}.weight{k}", w8), z], f"{layer.name}.{k}"))
    y = graph.add("Concat", parts, layer.name, {"axis": -1})
    y = graph.add("Cast", [y], f"{layer.name}.cast", {"to": 1})
    m = graph.add("Mul", [s, graph.constant(f"{layer.name}.scale", np.concatenate(scales))], f"{layer.name}.scales")
    y = graph.add("Mul", [y, m], f"{layer.name}.scaled")
    return graph.add("Add", [y, graph.constant(f"{layer.name}.bias", layer.bias)], f"{layer.name}.sum")


def q_batched(graph: Graph, x: str, layer: Layer) -> str:
    q, s, z = quantize(graph, x)
    g, i, o = layer.weight.shape
    w8, ws = rows8(layer.weight)
    r = graph.once(
        lambda: graph.add(
            "Transpose",
            [graph.add("Reshape", [q, graph.whole_numbers(0, 0, g, i)], f"{layer.name}.r")],
            f"{layer.name}.t",
            {"perm": [0, 2, 1, 3]},
        ),
        "batched", q, str(g),
    )
    y = graph.add("MatMulInteger", [r, graph.constant(f"{layer.name}.weight", w8), z], layer.name)
    y = graph.add("Transpose", [y], f"{layer.name}.t2", {"perm": [0, 2, 1, 3]})
    y = graph.add("Reshape", [y, graph.whole_numbers(0, 0, g * o)], f"{layer.name}.r2")
    y = graph.add("Cast", [y], f"{layer.name}.cast", {"to": 1})
    m = graph.add("Mul", [s, graph.constant(f"{layer.name}.scale", ws.reshape(-1))], f"{layer.name}.scales")
    y = graph.add("Mul", [y, m], f"{layer.name}.scaled")
    return graph.add("Add", [y, graph.constant(f"{layer.name}.bias", layer.bias)], f"{layer.name}.sum")


def q_conv(graph: Graph, x: str, layer: Layer) -> str:
    q, s, z = quantize(graph, x)
    g, i, o = layer.weight.shape
    w8, ws = rows8(layer.weight)
    w = graph.constant(f"{layer.name}.weight", w8.transpose(0, 2, 1).reshape(g * o, i, 1))
    t = graph.once(lambda: graph.add("Transpose", [q], f"{layer.name}.t", {"perm": [0, 2, 1]}), "conv", q)
    y = graph.add("ConvInteger", [t, w, z], layer.name, {"group": g, "kernel_shape": [1]})
    y = graph.add("Transpose", [y], f"{layer.name}.t2", {"perm": [0, 2, 1]})
    y = graph.add("Cast", [y], f"{layer.name}.cast", {"to": 1})
    m = graph.add("Mul", [s, graph.constant(f"{layer.name}.scale", ws.reshape(-1))], f"{layer.name}.scales")
    y = graph.add("Mul", [y, m], f"{layer.name}.scaled")
    return graph.add("Add", [y, graph.constant(f"{layer.name}.bias", layer.bias)], f"{layer.name}.sum")


def even(graph: Graph, x: str, groups: int, inner: int) -> tuple[str, str]:
    """Rows of each group divided by their largest number: (…, in), and these (…, groups, 1)."""
    def make() -> tuple[str, str]:
        rows = x if groups == 1 else graph.add("Reshape", [x, graph.whole_numbers(0, 0, groups, inner)], f"{x}.rows")
        a = graph.add("Abs", [rows], f"{x}.abs")
        m = graph.add("ReduceMax", [a], f"{x}.largest", {"axes": [-1], "keepdims": 1})
        m = graph.add("Max", [m, graph.constant("tiny", np.float32(1e-20))], f"{x}.largest")
        e = graph.add("Div", [rows, m], f"{x}.even")
        if groups > 1:
            e = graph.add("Reshape", [e, graph.whole_numbers(0, 0, groups * inner)], f"{x}.even_flat")
        return e, m
    return graph.once(make, "even", x, str(groups))


def plain_product(graph: Graph, q: str, scale: str, zero: str, w8: NDArray[np.int8], ws: NDArray[np.float32], name: str) -> str:
    y = graph.add("MatMulInteger", [q, graph.constant(f"{name}.weight", w8), zero], f"{name}.integer")
    y = graph.add("Cast", [y], f"{name}.cast", {"to": 1})
    s = graph.add("Mul", [scale, graph.constant(f"{name}.scale", ws)], f"{name}.scales")
    return graph.add("Mul", [y, s], f"{name}.scaled")


def q_token(graph: Graph, x: str, layer: Layer, own: bool = False) -> str:
    g, i, o = layer.weight.shape
    e, m = even(graph, x, g, i)
    parts = []
    if own:
        pieces = [quantize(graph, p) for p in split(graph, e, g)]
    else:
        q, s, z = quantize(graph, e)
        pieces = [(p, s, z) for p in (split(graph, q, g) if g > 1 else [q])]
    for k, (q, s, z) in enumerate(pieces):
        w8, ws = rows8(layer.weight[k])
        parts.append(plain_product(graph, q, s, z, w8, ws, f"{layer.name}.{k}"))
    if g == 1:
        y = graph.add("Mul", [parts[0], m], f"{layer.name}.even")
    else:
        y = graph.add("Concat", parts, layer.name, {"axis": -1})
        y = graph.add("Reshape", [y, graph.whole_numbers(0, 0, g, o)], f"{layer.name}.groups")
        y = graph.add("Mul", [y, m], f"{layer.name}.even")
        y = graph.add("Reshape", [y, graph.whole_numbers(0, 0, g * o)], f"{layer.name}.flat")
    return graph.add("Add", [y, graph.constant(f"{layer.name}.bias", layer.bias)], f"{layer.name}.sum")


def q_token_own(graph: Graph, x: str, layer: Layer) -> str:
    return q_token(graph, x, layer, own=True)


def nbits(graph: Graph, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32], name: str, block: int = 64) -> str:
    i, o = weight.shape
    w = weight.T.reshape(o, i // block, block)
    largest = np.abs(w).max(axis=-1)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    w8 = (np.clip(np.rint(w / scale[..., None]), -127, 127) + 128).astype(np.uint8)
    y = graph.add("MatMulNBits", [x, graph.constant(f"{name}.weight", w8), graph.constant(f"{name}.scale", scale.reshape(-1))], name,
        {"domain": "com.microsoft", "K": i, "N": o, "bits": 8, "block_size": block, "accuracy_level": 4})
    return graph.add("Add", [y, graph.constant(f"{name}.bias", bias)], f"{name}.sum")


def n_dense(graph: Graph, x: str, layer: Layer) -> str:
    return nbits(graph, x, block_diagonal(layer), layer.bias, layer.name)


def n_by_group(graph: Graph, x: str, layer: Layer) -> str:
    o = layer.width // layer.groups
    parts = [
        nbits(graph, p, layer.weight[k], layer.bias[k * o : (k + 1) * o], f"{layer.name}.{k}")
        for k, p in enumerate(split(graph, x, layer.groups))
    ]
    return graph.add("Concat", parts, layer.name, {"axis": -1})


FLOAT32 = {"conv": f_conv, "batched": f_batched, "dense": f_dense, "by group": f_by_group, "by group, one bias": f_by_group_late}
INT8 = {"token": q_token, "token own": q_token_own, "blocks": n_by_group, "conv": q_conv, "batched": q_batched, "dense": q_dense, "by group": q_by_group, "by group, own scales": q_by_group_own, "by group, one scaling": q_by_group_late}
