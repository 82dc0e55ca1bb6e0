"""What native/python/bindings.cpp defines. Arrays must be contiguous and of the very type named:
squeezebert.engine.Engine sees to it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_Float32 = NDArray[np.float32]
_Int32 = NDArray[np.int32]
_Int64 = NDArray[np.int64]

__version__: str

def available_isas() -> list[str]:
    """The instruction sets that run here, best first."""

def usable_cores() -> int:
    """How many threads this process can keep busy."""

def peak(isa: str, precision: str, threads: int, seconds: float) -> float:
    """10^9 operations a second of all threads together, with all operands in registers."""

def read_roofs(threads: int, seconds: float) -> list[tuple[int, int, float]]:
    """(level, bytes that each thread reads, 10^9 bytes a second of all threads together) for each
    cache, and for memory, whose level is 0.
    """

def resolve_precisions(directory: bytes, precisions: Sequence[str]) -> dict[str, str]:
    """By kind, what :class:`Model` would take for the same arguments."""

def recorded_precisions(directory: bytes) -> dict[str, str] | None:
    """By kind, what the weights record; None where they record nothing."""

def default_precisions(directory: bytes) -> dict[str, str]:
    """By kind, the fastest choice that is safe."""

def expected_peak(directory: bytes) -> float:
    """How far single features stick out of what LayerNorms give the blocks' products."""

class Tokenizer:
    """BERT's WordPiece, from the tokenizer's files of a model directory."""

    def __init__(self, directory: str) -> None: ...
    def encode(self, texts: list[str]) -> tuple[_Int32, _Int32, _Int64]:
        """(tokens,) ids of all texts in a row, (tokens, 2) places in characters of each text, and
        (texts + 1,) where each text's tokens begin and end.
        """

    def normalize(self, text: str) -> str:
        """What words are cut from."""

def split_words(text: str, ideographs_apart: bool) -> _Int32:
    """(words, 2) where the words of a text stand, in characters."""

def cut_windows(
    word_ids: Sequence[int], size: int, overlap: int
) -> list[tuple[int, int, list[int]]]:
    """As squeezebert.tasks.windows."""

def decode_tags(
    transitions: Sequence[Sequence[float | None]], labels: int, scores: Sequence[float]
) -> list[int]:
    """As squeezebert.tasks.decoding; ``scores`` are (words * labels,)."""

class TextModel:
    """A model that takes texts, from a directory or a bundle. Places are in characters."""

    def __init__(self, path: str, threads: int) -> None: ...
    def classify(self, text: str, pair: str | None) -> list[float]:
        """A score for each label."""

    def tag(self, text: str) -> list[tuple[str, int, int, float]]:
        """(type, start, end, score) of each entity."""

    def fill(self, text: str, top_k: int) -> list[tuple[int, int, list[tuple[str, float, str]]]]:
        """(start, end, [(token, score, the text with it), ...]) of each ``[MASK]``."""

    def fill_all(self, text: str, top_k: int, words: bool) -> list[tuple[list[str], float, str]]:
        """(tokens, score, the text with them): all ``[MASK]`` filled together, whole words only
        or any tokens.
        """

    def suggest(
        self, text: str, cursor: int, top_k: int
    ) -> tuple[int, int, list[tuple[str, str, float]]]:
        """(start, end, [(word, kind, score), ...]): words for a cursor, as a keyboard offers them.

        A kind is ``next``, ``typed``, ``completion`` or ``correction``.
        """

class Model:
    """A loaded model: weights, kernels and threads."""

    def __init__(self, directory: bytes, precisions: Sequence[str], threads: int) -> None:
        """``precisions``: by kind, ``auto`` where the model is to say."""

    @property
    def precisions(self) -> dict[str, str]: ...
    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def head(self) -> str: ...
    @property
    def labels(self) -> int: ...
    def encode(
        self, input_ids: _Int32, cu_seqlens: _Int32, token_type_ids: _Int32 | None
    ) -> _Float32: ...
    def profile(
        self, input_ids: _Int32, cu_seqlens: _Int32, token_type_ids: _Int32 | None
    ) -> dict[str, float]: ...
    def mean_pooled(
        self, input_ids: _Int32, cu_seqlens: _Int32, token_type_ids: _Int32 | None
    ) -> _Float32: ...
    def logits(
        self,
        input_ids: _Int32,
        cu_seqlens: _Int32,
        token_type_ids: _Int32 | None,
        positions: _Int64 | None,
    ) -> _Float32: ...
    def top_k(
        self,
        input_ids: _Int32,
        cu_seqlens: _Int32,
        token_type_ids: _Int32 | None,
        positions: _Int64,
        k: int,
    ) -> tuple[_Int32, _Float32, _Float32]: ...
