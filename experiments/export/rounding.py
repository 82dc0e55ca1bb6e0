"""What int8 loses in an export: with one scale for a batch, with one a token, and in our engine.

``python -m experiments.export.rounding squeezebert-small-ner squeezebert-mini-ner`` asks each on
the sample texts that an export is verified on, beside the engine in float32, and prints the
Markdown table of docs/export.md.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from experiments.export.lowerings import integer_by_group
from squeezebert.batch import RaggedBatch
from squeezebert.engine import Engine
from squeezebert.exporting.encoder import Products
from squeezebert.exporting.graph import Graph
from squeezebert.exporting.int8 import Int8Products
from squeezebert.exporting.model import build
from squeezebert.exporting.parameters import Layer
from squeezebert.exporting.session import OnnxModel
from squeezebert.exporting.subject import Subject
from squeezebert.exporting.verify import Agreement, agreement


class OneScale(Int8Products):
    """As exported, but with one scale for all inputs of a product."""

    def project(self, graph: Graph, x: str, layer: Layer) -> str:
        """See :class:`~squeezebert.exporting.encoder.Products`."""
        if not layer.name.startswith("encoder.blocks."):
            return super().project(graph, x, layer)
        return integer_by_group(graph, x, layer)


class OurInt8:
    """The engine, as an export is asked."""

    def __init__(self, subject: Subject) -> None:
        self.engine = Engine.load(subject.source, precision="int8")
        self.temperature = np.float32(subject.temperature)

    def logits(
        self, batch: RaggedBatch, positions: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """See :class:`~squeezebert.exporting.verify.Exported`."""
        sequences = (batch.input_ids, batch.cu_seqlens, batch.token_type_ids)
        return self.engine.logits(*sequences, positions=positions) / self.temperature


def open_model(subject: Subject, products: Products, folder: Path) -> OnnxModel:
    """The model with its projections laid down that way."""
    path = folder / "model.onnx"
    onnx.save(build(subject.parameters, products), path)
    spec = subject.parameters.spec
    return OnnxModel(path, subject.parameters.config, None if spec is None else spec.task)


def cell(found: Agreement) -> str:
    """The largest difference, and the share of answers that are the same."""
    same = "" if found.same_answers is None else f", {found.same_answers / found.answers:.1%}"
    return f"{found.max_difference:.2g}{same}"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", help="model directories or shipped models, with heads")
    print("| model | one scale a batch | a scale a token | our engine's int8 |")
    print("| --- | ---: | ---: | ---: |")
    for name in parser.parse_args().models:
        subject = Subject.find(name)
        asked, expected = subject.ask()
        with tempfile.TemporaryDirectory() as folder:
            rivals = [
                open_model(subject, OneScale(), Path(folder)),
                open_model(subject, Int8Products(), Path(folder)),
                OurInt8(subject),
            ]
        spec = subject.parameters.spec
        cells = [cell(agreement(one, spec, asked, expected)) for one in rivals]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
