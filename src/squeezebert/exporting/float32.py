"""Projections in float32: one product a group, between a split and a concatenation.

It is the fastest of the ways that were tried in ONNX Runtime (docs/export.md), whose products of a
matrix that stands in the file are packed once, when it is loaded; a batched product isn't.
"""

from __future__ import annotations

from collections.abc import Sequence

from squeezebert.exporting.graph import Graph
from squeezebert.exporting.parameters import Layer, Parameters


class Float32Products:
    """See :class:`~squeezebert.exporting.encoder.Products`."""

    def project(self, graph: Graph, x: str, layer: Layer) -> str:
        """``x`` (…, in) through ``layer``, (…, out)."""
        parts = [
            graph.add(
                "MatMul",
                [part, graph.constant(f"{layer.name}.weight.{group}", layer.weight[group])],
                f"{layer.name}.{group}",
            )
            for group, part in enumerate(split(graph, x, *layer.weight.shape[:2]))
        ]
        bias = graph.constant(f"{layer.name}.bias", layer.bias)
        return graph.add("Add", [join(graph, parts, layer.name), bias], f"{layer.name}.sum")

    def look_up(self, graph: Graph, table: str, ids: str, parameters: Parameters) -> str:
        """The rows ``ids`` of an embedding table."""
        return graph.add("Gather", [self._table(graph, table, parameters), ids], f"{table}.rows")

    def decode(self, graph: Graph, x: str, parameters: Parameters) -> str:
        """The logits of a masked LM; a tied table stands once in the file."""
        table = self._table(graph, decoder_table(parameters), parameters)
        columns = graph.add("Transpose", [table], "head.decoder.columns", {"perm": [1, 0]})
        y = graph.add("MatMul", [x, columns], "head.decoder")
        bias = graph.constant("head.decoder.bias", parameters.vector("head.decoder.bias"))
        return graph.add("Add", [y, bias], "head.decoder.sum")

    def _table(self, graph: Graph, name: str, parameters: Parameters) -> str:
        return graph.constant(f"{name}.weight", parameters.vector(f"{name}.weight"))


def split(graph: Graph, x: str, groups: int, width: int) -> list[str]:
    """The slices of ``x`` along its last axis, ``width`` numbers each; layers that read the same
    share them.
    """
    if groups == 1:
        return [x]
    names = [f"{x}.slice.{group}" for group in range(groups)]
    # Widths are said, or ONNX Runtime takes splits into two and into four for the same.
    widths = graph.whole_numbers(*[width] * groups)
    return graph.once(
        lambda: graph.add_many("Split", [x, widths], names, {"axis": -1}), "split", x, str(groups)
    )


def join(graph: Graph, parts: Sequence[str], name: str) -> str:
    """``parts`` one after the other along the last axis."""
    return parts[0] if len(parts) == 1 else graph.add("Concat", parts, name, {"axis": -1})


def decoder_table(parameters: Parameters) -> str:
    """Which table gives a masked LM's logits."""
    return "encoder.embeddings.word" if parameters.config.tie_word_embeddings else "head.decoder"
