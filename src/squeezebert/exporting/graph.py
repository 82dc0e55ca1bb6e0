"""A graph of ONNX under construction: nodes and constants, each under a name of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import helper, numpy_helper

OPSET = 17
"""The least that has LayerNormalization: what every run-time of these years reads."""

IR_VERSION = 8
"""What goes with :data:`OPSET`."""


class Graph:
    """Nodes and constants in the order in which they were added.

    >>> graph = Graph()
    >>> graph.add("Relu", [graph.constant("one", np.ones(1, np.float32))], "y")
    'y'
    >>> [node.op_type for node in graph.nodes]
    ['Relu']
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self._names: set[str] = set()
        self._once: dict[tuple[str, ...], Any] = {}

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        name: str,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """A node with one output, which is called like it; a number is put behind a name that is
        taken.
        """
        return self.add_many(operator, inputs, [name], attributes)[0]

    def add_many(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """A node with several outputs; it is called like the first."""
        names = [self._free(name) for name in outputs]
        self.nodes.append(
            helper.make_node(operator, list(inputs), names, name=names[0], **(attributes or {}))
        )
        return names

    def constant(self, name: str, value: ArrayLike) -> str:
        """A tensor that the file holds; one that is there already under that name is taken."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)
            self._names.add(name)
        return name

    def whole_numbers(self, *values: int) -> str:
        """A constant of int64, as shapes and axes are given."""
        name = "numbers_" + "_".join(str(value).replace("-", "minus_") for value in values)
        return self.constant(name, np.array(values, dtype=np.int64))

    def once(self, make: Callable[[], Any], *key: str) -> Any:
        """What ``make`` gave the first time that it was called under ``key``."""
        if key not in self._once:
            self._once[key] = make()
        return self._once[key]

    def _free(self, name: str) -> str:
        free, number = name, 1
        while free in self._names:
            number += 1
            free = f"{name}_{number}"
        self._names.add(free)
        return free
