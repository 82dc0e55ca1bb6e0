"""The computation of :mod:`squeezebert.model.encoder` and its heads as nodes of ONNX.

Axes: ``B`` texts, ``S`` tokens of the longest, ``H`` hidden_size, ``A`` num_attention_heads, ``D``
= H / A.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from squeezebert.exporting.graph import Graph
from squeezebert.exporting.parameters import Layer, Parameters

HIDDEN = -1.0e30
"""What is added to the score of a token that is padding: finite, so that a row without any token
is uniform and not NaN.
"""


class Products(Protocol):
    """How projections and tables are laid down in a graph."""

    def project(self, graph: Graph, x: str, layer: Layer) -> str:
        """``x`` (…, in) through ``layer``, (…, out)."""
        ...

    def look_up(self, graph: Graph, table: str, ids: str, parameters: Parameters) -> str:
        """The rows ``ids`` of an embedding table."""
        ...

    def decode(self, graph: Graph, x: str, parameters: Parameters) -> str:
        """The logits of a masked LM from ``x`` (B, S, embedding_size): (B, S, vocab_size)."""
        ...


def add_encoder(graph: Graph, parameters: Parameters, products: Products) -> str:
    """From ``input_ids``, ``attention_mask`` and ``token_type_ids``, (B, S) each, to the last
    hidden states, (B, S, H).
    """
    mask = _mask(graph)
    x = _embeddings(graph, parameters, products)
    for index in range(parameters.config.num_hidden_layers):
        x = _block(graph, parameters, products, f"encoder.blocks.{index}", x, mask)
    return x


def add_head(graph: Graph, parameters: Parameters, products: Products, hidden: str) -> str:
    """From the last hidden states to the logits of the model's task: (B, labels), (B, S, labels) or
    (B, S, vocab_size); the states themselves where it has none.
    """
    spec = parameters.spec
    if spec is None:
        return hidden
    if spec.task == "masked_lm":
        x = products.project(graph, hidden, parameters.layer("head.transform"))
        x = _activation(graph, x, parameters.config.hidden_act, "head")
        x = layer_norm(graph, parameters, "head.layer_norm", x)
        return products.decode(graph, x, parameters)
    if spec.task == "text_classification":
        first = graph.add("Gather", [hidden, graph.whole_numbers(0)], "first", {"axis": 1})
        first = graph.add("Squeeze", [first, graph.whole_numbers(1)], "first_token")
        pooled = products.project(graph, first, parameters.layer("encoder.pooler.dense"))
        hidden = graph.add("Tanh", [pooled], "pooled")
    return products.project(graph, hidden, parameters.layer("head.classifier"))


def _mask(graph: Graph) -> str:
    """(B, 1, 1, S), what is added to attention's scores."""
    present = graph.add("Cast", ["attention_mask"], "mask_numbers", {"to": 1})
    one = graph.constant("one", np.float32(1))
    absent = graph.add("Sub", [one, present], "mask_absent")
    scores = graph.add("Mul", [absent, graph.constant("hidden", np.float32(HIDDEN))], "mask_scores")
    return graph.add("Unsqueeze", [scores, graph.whole_numbers(1, 2)], "mask")


def _embeddings(graph: Graph, parameters: Parameters, products: Products) -> str:
    table = "encoder.embeddings.position.weight"
    shape = graph.add("Shape", ["input_ids"], "shape", {"start": 1, "end": 2})
    positions = graph.add(
        "Slice",
        [graph.constant(table, parameters.vector(table)), graph.whole_numbers(0), shape],
        "positions",
    )
    word = products.look_up(graph, "encoder.embeddings.word", "input_ids", parameters)
    kind = products.look_up(graph, "encoder.embeddings.token_type", "token_type_ids", parameters)
    x = graph.add("Add", [graph.add("Add", [word, kind], "embedded"), positions], "embedded")
    x = layer_norm(graph, parameters, "encoder.embeddings.layer_norm", x)
    if parameters.config.has_bottleneck:
        x = products.project(graph, x, parameters.layer("encoder.embeddings.projection"))
    return x


def _block(
    graph: Graph, parameters: Parameters, products: Products, name: str, x: str, mask: str
) -> str:
    context = _attention(graph, parameters, products, f"{name}.attention", x, mask)
    mixed = products.project(graph, context, parameters.layer(f"{name}.post_attention"))
    x = graph.add("Add", [mixed, x], f"{name}.attention_sum")
    x = layer_norm(graph, parameters, f"{name}.attention_layer_norm", x)
    wide = products.project(graph, x, parameters.layer(f"{name}.intermediate"))
    wide = _activation(graph, wide, parameters.config.hidden_act, name)
    narrow = products.project(graph, wide, parameters.layer(f"{name}.output"))
    x = graph.add("Add", [narrow, x], f"{name}.output_sum")
    return layer_norm(graph, parameters, f"{name}.output_layer_norm", x)


def _attention(
    graph: Graph, parameters: Parameters, products: Products, name: str, x: str, mask: str
) -> str:
    config = parameters.config
    layers = {which: parameters.layer(f"{name}.{which}") for which in ("query", "key", "value")}
    query = layers["query"]
    scale = np.float32(config.head_size**-0.5)  # here once, and not in each score
    layers["query"] = replace(query, weight=query.weight * scale, bias=query.bias * scale)
    joined = join_by_head(f"{name}.query_key_value", list(layers.values()), config.head_size)
    if joined is None:
        rows = [products.project(graph, x, layer) for layer in layers.values()]
        parts = [_by_head(graph, row, config.num_attention_heads) for row in rows]
    else:
        y = _by_head(graph, products.project(graph, x, joined), config.num_attention_heads)
        parts = graph.add_many(
            "Split", [y], [f"{name}.{which}.heads" for which in layers], {"axis": -1}
        )
    columns = graph.add("Transpose", [parts[1]], f"{name}.key.columns", {"perm": [0, 1, 3, 2]})
    scores = graph.add("MatMul", [parts[0], columns], f"{name}.scores")
    scores = graph.add("Add", [scores, mask], f"{name}.masked")
    shares = graph.add("Softmax", [scores], f"{name}.probabilities", {"axis": -1})
    context = graph.add("MatMul", [shares, parts[2]], f"{name}.context")
    context = graph.add("Transpose", [context], f"{name}.context_rows", {"perm": [0, 2, 1, 3]})
    flat = graph.whole_numbers(0, 0, config.hidden_size)
    return graph.add("Reshape", [context, flat], f"{name}.context_flat")


def _by_head(graph: Graph, x: str, heads: int) -> str:
    """(B, S, numbers) as (B, A, S, numbers / A)."""
    x = graph.add("Reshape", [x, graph.whole_numbers(0, 0, heads, -1)], f"{x}.by_head")
    return graph.add("Transpose", [x], f"{x}.heads", {"perm": [0, 2, 1, 3]})


def join_by_head(name: str, layers: list[Layer], head_size: int) -> Layer | None:
    """Layers over the same input as one, whose output is head by head what each of them gives for
    the head; None where they are grouped differently, or a head lies in two groups.

    Args:
        name: Of the new layer.
        layers: Of one width, a multiple of ``head_size``.
        head_size: Numbers of a head.
    """
    first = layers[0]
    groups, inner, outer = first.weight.shape
    if any(layer.groups != groups for layer in layers) or outer % head_size:
        return None
    weight = np.stack([layer.weight.reshape(groups, inner, -1, head_size) for layer in layers], 3)
    bias = np.stack([layer.bias.reshape(-1, head_size) for layer in layers], 1)
    return Layer(name=name, weight=weight.reshape(groups, inner, -1), bias=bias.reshape(-1))


def layer_norm(graph: Graph, parameters: Parameters, name: str, x: str) -> str:
    """LayerNorm over the last axis."""
    weight, bias = (
        graph.constant(f"{name}.{part}", parameters.vector(f"{name}.{part}"))
        for part in ("weight", "bias")
    )
    attributes = {"axis": -1, "epsilon": parameters.config.layer_norm_eps}
    return graph.add("LayerNormalization", [x, weight, bias], name, attributes)


def _activation(graph: Graph, x: str, kind: str, name: str) -> str:
    name = f"{name}.activation"
    match kind:
        case "relu":
            return graph.add("Relu", [x], name)
        case "silu":
            return graph.add("Mul", [x, graph.add("Sigmoid", [x], f"{name}_share")], name)
        case "gelu_new":
            return _gelu_tanh(graph, x, name)
        case _:
            return _gelu(graph, x, name)


def _gelu(graph: Graph, x: str, name: str) -> str:
    """``x * 0.5 * (1 + erf(x / sqrt 2))``, in the order that run-times know as one operator."""
    root = graph.constant("root_of_two", np.float32(2**0.5))
    one, half = graph.constant("one", np.float32(1)), graph.constant("half", np.float32(0.5))
    share = graph.add("Erf", [graph.add("Div", [x, root], f"{name}_scaled")], f"{name}_erf")
    share = graph.add("Add", [share, one], f"{name}_share")
    return graph.add("Mul", [graph.add("Mul", [x, share], f"{name}_twice"), half], name)


def _gelu_tanh(graph: Graph, x: str, name: str) -> str:
    """``x * 0.5 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x³)))``."""
    factor = graph.constant("root_of_two_over_pi", np.float32((2 / np.pi) ** 0.5))
    cubic = graph.constant("cubic", np.float32(0.044715))
    one, half = graph.constant("one", np.float32(1)), graph.constant("half", np.float32(0.5))
    cube = graph.add("Mul", [graph.add("Mul", [x, x], f"{name}_square"), x], f"{name}_cube")
    bent = graph.add("Add", [x, graph.add("Mul", [cube, cubic], f"{name}_cubic")], f"{name}_bent")
    share = graph.add("Tanh", [graph.add("Mul", [bent, factor], f"{name}_scaled")], f"{name}_tanh")
    share = graph.add("Add", [share, one], f"{name}_share")
    return graph.add("Mul", [graph.add("Mul", [x, share], f"{name}_twice"), half], name)
