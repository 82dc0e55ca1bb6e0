"""What is measured, and in which order it is given up when time is short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LENGTHS = (8, 16, 32, 64, 128, 256, 512)
"""Tokens of a text alone."""

BATCHES = (1, 2, 4, 8, 16, 32)
"""Texts at a time, of BATCH_LENGTH tokens each."""

BATCH_LENGTH = 128
FEW_BATCHES = (1, 8)
"""The batches on which instruction sets and thread counts are compared, and stages told apart."""


@dataclass(frozen=True, order=True)
class Shape:
    """``batch`` sequences of ``length`` tokens."""

    batch: int
    length: int

    @property
    def tokens(self) -> int:
        """Of all sequences."""
        return self.batch * self.length

    def __str__(self) -> str:
        """``8 × 128``."""
        return f"{self.batch} × {self.length}"


def all_shapes(lengths: Sequence[int], batches: Sequence[int], longest: int) -> list[Shape]:
    """Every shape of a full table, those that a model of ``longest`` positions can take.

    >>> [str(shape) for shape in all_shapes((8, 512), (1, 4), 64)]
    ['1 × 8', '1 × 64', '4 × 64']
    """
    length = min(BATCH_LENGTH, longest)
    shapes = [Shape(1, one) for one in lengths if one <= longest]
    return list(dict.fromkeys([*shapes, *(Shape(batch, length) for batch in batches)]))


def few_shapes(shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes on which settings are compared and calls divided into stages.

    >>> [str(shape) for shape in few_shapes(all_shapes((8, 512), (1, 4, 8), 512))]
    ['1 × 128', '8 × 128']
    """
    longest = max(shape.length for shape in shapes)
    length = min(BATCH_LENGTH, longest)
    found = [shape for shape in shapes if shape.length == length and shape.batch in FEW_BATCHES]
    return found or list(shapes[:1])
