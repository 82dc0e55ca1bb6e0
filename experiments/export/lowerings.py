"""Ways to lay the grouped projections of a model down in an ONNX graph, timed in turn.

``python -m experiments.export.lowerings squeezebert-base --shapes 1x32 1x128 8x128`` builds a model
of random weights (or takes a model directory, or a shipped model) in every way, checks that all
give the same, and measures the CPU time of ONNX Runtime on one thread: a round is a turn for each,
and the least time of each is told. It ends in the Markdown table of docs/export.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from squeezebert.batch import RaggedBatch
from squeezebert.benchmark.cpu_time import least_cpu_ms
from squeezebert.checkpoint.directory import quantize_rows
from squeezebert.checkpoint.hub import resolve
from squeezebert.config import PRESETS
from squeezebert.exporting.encoder import Products
from squeezebert.exporting.float32 import Float32Products, join, split
from squeezebert.exporting.graph import Graph
from squeezebert.exporting.int8 import Int8Products
from squeezebert.exporting.model import build
from squeezebert.exporting.parameters import Layer, Parameters, shapes
from squeezebert.exporting.session import OnnxModel
from squeezebert.exporting.verify import questions
from squeezebert.machine import describe_sentence
from squeezebert.tokenizer import Tokenizer

Float32 = NDArray[np.float32]
Project = Callable[[Graph, str, Layer], str]

BLOCK = 32
"""Inputs that share a scale in MatMulNBits."""

FLOAT = 1
"""The code of float32 in ONNX."""


def biased(graph: Graph, y: str, layer: Layer) -> str:
    """With the layer's bias."""
    return graph.add(
        "Add", [y, graph.constant(f"{layer.name}.bias", layer.bias)], f"{layer.name}.+"
    )


def as_one_group(layer: Layer) -> Layer:
    """The dense layer with zeros beside the groups."""
    groups, inner, outer = layer.weight.shape
    dense = np.zeros((groups * inner, groups * outer), np.float32)
    for group, weight in enumerate(layer.weight):
        dense[group * inner : (group + 1) * inner, group * outer : (group + 1) * outer] = weight
    return replace(layer, weight=dense[None])


def exact(graph: Graph, x: str, layer: Layer) -> str:
    """As exported."""
    return Float32Products().project(graph, x, layer)


def convolution(graph: Graph, x: str, layer: Layer) -> str:
    """One grouped Conv between transpositions, as transformers' SqueezeBERT has it."""
    groups, inner, outer = layer.weight.shape
    kernel = layer.weight.transpose(0, 2, 1).reshape(groups * outer, inner, 1)
    columns = graph.add("Transpose", [x], f"{layer.name}.columns", {"perm": [0, 2, 1]})
    y = graph.add(
        "Conv",
        [columns, graph.constant(f"{layer.name}.kernel", kernel)],
        layer.name,
        {"group": groups, "kernel_shape": [1]},
    )
    return biased(graph, graph.add("Transpose", [y], f"{y}.rows", {"perm": [0, 2, 1]}), layer)


def batched(graph: Graph, x: str, layer: Layer) -> str:
    """One MatMul with a matrix a group."""
    groups, inner, outer = layer.weight.shape
    rows = graph.add("Reshape", [x, graph.whole_numbers(0, 0, groups, inner)], f"{layer.name}.in")
    rows = graph.add("Transpose", [rows], f"{layer.name}.groups", {"perm": [0, 2, 1, 3]})
    weight = graph.constant(f"{layer.name}.weight", layer.weight)
    y = graph.add("MatMul", [rows, weight], layer.name)
    y = graph.add("Transpose", [y], f"{layer.name}.rows", {"perm": [0, 2, 1, 3]})
    y = graph.add("Reshape", [y, graph.whole_numbers(0, 0, groups * outer)], f"{layer.name}.flat")
    return biased(graph, y, layer)


def block_diagonal(graph: Graph, x: str, layer: Layer) -> str:
    """A dense MatMul."""
    return exact(graph, x, as_one_group(layer))


# int8: one scale for a whole input, but where it is said


def rounded(graph: Graph, x: str) -> list[str]:
    """``x`` as whole numbers, their scale and their zero."""
    names = [f"{x}.rounded", f"{x}.scale", f"{x}.zero"]
    return graph.once(lambda: graph.add_many("DynamicQuantizeLinear", [x], names), "rounded", x)


def scaled(graph: Graph, y: str, x_scale: str, scale: Float32, name: str) -> str:
    """Whole numbers as what they stand for."""
    y = graph.add("Cast", [y], f"{name}.number", {"to": FLOAT})
    scales = graph.add("Mul", [x_scale, graph.constant(f"{name}.scale", scale)], f"{name}.scales")
    return graph.add("Mul", [y, scales], f"{name}.scaled")


def rounded_weight(layer: Layer) -> tuple[NDArray[np.int8], Float32]:
    """(groups, in / groups, out / groups) and (out,)."""
    parts = [quantize_rows(weight.T) for weight in layer.weight]
    return np.stack([part.T for part, _ in parts]), np.concatenate([scale for _, scale in parts])


def integer_convolution(graph: Graph, x: str, layer: Layer) -> str:
    """ConvInteger: what quantize_dynamic makes of transformers' SqueezeBERT."""
    weight, scale = rounded_weight(layer)
    groups, inner, outer = weight.shape
    kernel = weight.transpose(0, 2, 1).reshape(groups * outer, inner, 1)
    numbers, x_scale, zero = rounded(graph, x)
    columns = graph.add("Transpose", [numbers], f"{layer.name}.columns", {"perm": [0, 2, 1]})
    y = graph.add(
        "ConvInteger",
        [columns, graph.constant(f"{layer.name}.kernel", kernel), zero],
        layer.name,
        {"group": groups, "kernel_shape": [1]},
    )
    y = graph.add("Transpose", [y], f"{layer.name}.rows", {"perm": [0, 2, 1]})
    return biased(graph, scaled(graph, y, x_scale, scale, layer.name), layer)


def integer_batched(graph: Graph, x: str, layer: Layer) -> str:
    """One MatMulInteger with a matrix a group."""
    weight, scale = rounded_weight(layer)
    groups, inner, outer = weight.shape
    numbers, x_scale, zero = rounded(graph, x)
    split_up = graph.whole_numbers(0, 0, groups, inner)
    rows = graph.add("Reshape", [numbers, split_up], f"{layer.name}.in")
    rows = graph.add("Transpose", [rows], f"{layer.name}.groups", {"perm": [0, 2, 1, 3]})
    product = [rows, graph.constant(f"{layer.name}.weight", weight), zero]
    y = graph.add("MatMulInteger", product, layer.name)
    y = graph.add("Transpose", [y], f"{layer.name}.rows", {"perm": [0, 2, 1, 3]})
    y = graph.add("Reshape", [y, graph.whole_numbers(0, 0, groups * outer)], f"{layer.name}.flat")
    return biased(graph, scaled(graph, y, x_scale, scale, layer.name), layer)


def integer_by_group(graph: Graph, x: str, layer: Layer) -> str:
    """A MatMulInteger a group."""
    numbers, x_scale, zero = rounded(graph, x)
    parts: list[str] = []
    slices = split(graph, numbers, *layer.weight.shape[:2])
    for group, (part, weight) in enumerate(zip(slices, layer.weight, strict=True)):
        columns, scale = quantize_rows(weight.T)
        name = f"{layer.name}.{group}"
        matrix = graph.constant(f"{name}.weight", columns.T)
        y = graph.add("MatMulInteger", [part, matrix, zero], name)
        parts.append(scaled(graph, y, x_scale, scale, name))
    return biased(graph, join(graph, parts, layer.name), layer)


def integer_block_diagonal(graph: Graph, x: str, layer: Layer) -> str:
    """A dense MatMulInteger."""
    return integer_by_group(graph, x, as_one_group(layer))


def in_blocks(graph: Graph, x: str, layer: Layer) -> str:
    """A MatMulNBits a group: 8 bits, inputs rounded block by block (ONNX Runtime alone has it)."""
    parts: list[str] = []
    slices = split(graph, x, *layer.weight.shape[:2])
    for group, (part, weight) in enumerate(zip(slices, layer.weight, strict=True)):
        inner, outer = weight.shape
        numbers, scale = quantize_rows(weight.T.reshape(-1, BLOCK))
        matrix = (numbers.astype(np.int16) + 128).astype(np.uint8).reshape(outer, -1, BLOCK)
        name = f"{layer.name}.{group}"
        constants = [
            graph.constant(f"{name}.weight", matrix),
            graph.constant(f"{name}.scale", scale),
        ]
        sizes = {"K": inner, "N": outer, "bits": 8, "block_size": BLOCK, "accuracy_level": 4}
        parts.append(
            graph.add("MatMulNBits", [part, *constants], name, {"domain": "com.microsoft", **sizes})
        )
    return biased(graph, join(graph, parts, layer.name), layer)


class Lowered(Float32Products):
    """Grouped layers in one way and dense ones in another; tables as float32.

    Args:
        grouped: The way of layers with groups.
        dense: Of the others.
    """

    def __init__(self, grouped: Project, dense: Project) -> None:
        self.grouped, self.dense = grouped, dense

    def project(self, graph: Graph, x: str, layer: Layer) -> str:
        """See :class:`~squeezebert.exporting.encoder.Products`."""
        return (self.dense if layer.groups == 1 else self.grouped)(graph, x, layer)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A row of the table."""

    precision: str
    name: str
    products: Products


WAYS = (
    Way(precision="float32", name="grouped Conv", products=Lowered(convolution, exact)),
    Way(precision="float32", name="batched MatMul", products=Lowered(batched, exact)),
    Way(precision="float32", name="block-diagonal MatMul", products=Lowered(block_diagonal, exact)),
    Way(precision="float32", name="**MatMul a group**", products=Float32Products()),
    Way(
        precision="int8",
        name="grouped ConvInteger",
        products=Lowered(integer_convolution, integer_by_group),
    ),
    Way(
        precision="int8",
        name="batched MatMulInteger",
        products=Lowered(integer_batched, integer_by_group),
    ),
    Way(
        precision="int8",
        name="block-diagonal MatMulInteger",
        products=Lowered(integer_block_diagonal, integer_by_group),
    ),
    Way(precision="int8", name="MatMulNBits a group", products=Lowered(in_blocks, in_blocks)),
    Way(
        precision="int8",
        name="MatMulInteger a group",
        products=Lowered(integer_by_group, integer_by_group),
    ),
    Way(
        precision="int8",
        name="**MatMulInteger a group, a scale a token**",
        products=Int8Products(),
    ),
)


def bare(model: str) -> Parameters:
    """The encoder of a model, or of a preset with random weights."""
    if model not in PRESETS:
        return replace(Parameters.read(resolve(model)), spec=None)
    config, generator = PRESETS[model], np.random.default_rng(0)
    tensors: dict[str, Float32] = {}
    for name, shape in shapes(config, None, 0).items():
        middle = 1.0 if name.endswith("layer_norm.weight") else 0.0
        tensors[f"encoder.{name}"] = generator.normal(middle, 0.04, shape).astype(np.float32)
    return Parameters(config=config, spec=None, tensors=tensors)


def open_all(parameters: Parameters, folder: Path) -> list[OnnxModel]:
    """A session of every way."""
    models: list[OnnxModel] = []
    for number, way in enumerate(WAYS):
        model = build(parameters, way.products)
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
        path = folder / f"{number}.onnx"
        onnx.save(model, path)
        models.append(OnnxModel(path, parameters.config, None))
        path.unlink()
    return models


def some_batches(model: str, parameters: Parameters) -> list[RaggedBatch]:
    """Sample texts of a trained model, random ids of another."""
    if model not in PRESETS:
        tokenizer = Tokenizer.load(resolve(model))
        return [asked.batch for asked in questions(None, tokenizer, 64)[:4]]
    generator = np.random.default_rng(1)
    rows = [generator.integers(5, parameters.config.vocab_size, size) for size in (5, 17, 48)]
    return [RaggedBatch.of(rows)]


def cosines(models: list[OnnxModel], batches: list[RaggedBatch]) -> list[float]:
    """How alike the last hidden states of all are to those of the first."""
    outputs = [np.concatenate([model.logits(batch) for batch in batches]) for model in models]
    found: list[float] = []
    for way, output in zip(WAYS, outputs, strict=True):
        norms = np.linalg.norm(output) * np.linalg.norm(outputs[0])
        found.append(float((output * outputs[0]).sum() / norms))
        if found[-1] < (0.99999 if way.precision == "float32" else 0.9):
            raise SystemExit(f"{way.name} in {way.precision} does not compute the same")
    return found


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a preset, a model directory or a shipped model")
    parser.add_argument("--shapes", nargs="+", default=["1x32", "1x128", "8x128"], metavar="BxS")
    parser.add_argument("--rounds", type=int, default=12)
    arguments: Any = parser.parse_args()
    parameters = bare(arguments.model)
    with tempfile.TemporaryDirectory() as folder:
        models = open_all(parameters, Path(folder))
    alike = cosines(models, some_batches(arguments.model, parameters))
    generator = np.random.default_rng(2)
    columns: list[list[float]] = []
    for shape in arguments.shapes:
        size = tuple(map(int, shape.split("x")))
        rows = generator.integers(5, parameters.config.vocab_size, size)
        calls = [partial(model.logits, RaggedBatch.of(rows)) for model in models]
        columns.append(least_cpu_ms(calls, rounds=arguments.rounds))
    print("| precision | grouped projections | cosine | " + " | ".join(arguments.shapes) + " |")
    print("| --- | --- |" + " ---: |" * (1 + len(columns)))
    for way, cosine, *times in zip(WAYS, alike, *columns, strict=True):
        cells = " | ".join(f"{one:.3g}" for one in times)
        print(f"| {way.precision} | {way.name} | {cosine:.5f} | {cells} |")
    print(f"\n{arguments.model}, CPU ms; {describe_sentence(threads=1)}")


if __name__ == "__main__":
    main()
