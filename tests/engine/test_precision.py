"""Which precision a model takes when nobody says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from squeezebert.benchmark.random_model import random_tensors, write_random_model
from squeezebert.config import EncoderConfig
from squeezebert.engine import PROJECTION_KINDS, Engine
from squeezebert.engine.precision import (
    METADATA_KEY,
    default_precision,
    expected_peak,
    recorded_precision,
    resolve_precision,
)
from squeezebert.errors import CheckpointError, InvalidInputError

INT8 = dict.fromkeys(PROJECTION_KINDS, "int8")
RECORD = INT8 | {"query": "bf16", "output": "float32"}


@pytest.fixture
def model(tmp_path: Path, tiny_config: EncoderConfig) -> Path:
    return write_random_model(tiny_config, tmp_path / "model")


def record(directory: Path, content: object, file: str = "model.safetensors") -> None:
    tensors = load_file(directory / file)
    text = content if isinstance(content, str) else json.dumps(content)
    save_file(tensors, directory / file, metadata={METADATA_KEY: text})


@pytest.mark.parametrize(
    ("gain", "in_bf16"),
    [
        (1.0, ()),
        (4.0, ()),
        (20.0, ("query", "key", "value", "intermediate")),
    ],
)
def test_the_further_a_feature_sticks_out_the_less_is_int8(
    tmp_path: Path, tiny_bert_config: EncoderConfig, gain: float, in_bf16: tuple[str, ...]
) -> None:
    tensors = random_tensors(tiny_bert_config)
    for name, value in tensors.items():
        if "LayerNorm" in name:
            value[:] = 1.0 if name.endswith("weight") else 0.0
    tensors["encoder.layer.0.attention.output.LayerNorm.weight"][5] = gain
    bert = write_random_model(tiny_bert_config, tmp_path / "bert", tensors=tensors)
    root = np.sqrt((31 + gain**2) / 32)
    assert expected_peak(bert) == pytest.approx(3 * gain / root)
    assert default_precision(bert) == INT8 | dict.fromkeys(in_bf16, "bf16")


def test_a_model_without_a_record_takes_what_its_layer_norms_allow(
    tmp_path: Path, model: Path, tiny_bert_config: EncoderConfig
) -> None:
    assert resolve_precision(model, "auto") == INT8
    tensors = random_tensors(tiny_bert_config)
    tensors["encoder.layer.0.output.LayerNorm.weight"][7] *= 40
    bert = write_random_model(tiny_bert_config, tmp_path / "bert", tensors=tensors)
    kinds = ("query", "key", "value", "intermediate")
    assert resolve_precision(bert, "auto") == INT8 | dict.fromkeys(kinds, "bf16")
    assert Engine.load(bert).precision == INT8 | dict.fromkeys(kinds, "bf16")
    assert resolve_precision(bert, dict.fromkeys(kinds, "int8")) == INT8


def test_a_record_wins_over_the_default_and_the_caller_over_the_record(model: Path) -> None:
    record(model, {"precision": RECORD, "lossless": True})
    assert recorded_precision(model) == RECORD
    assert resolve_precision(model, "auto") == RECORD
    assert resolve_precision(model, {"query": "float32", "key": "auto"}) == RECORD | {
        "query": "float32"
    }
    assert resolve_precision(model, "bf16") == dict.fromkeys(PROJECTION_KINDS, "bf16")
    assert Engine.load(model).precision == RECORD


def test_an_indexed_model_records_in_its_own_file(tmp_path: Path, model: Path) -> None:
    neighbour = tmp_path / "neighbour"
    neighbour.mkdir()
    tensors = load_file(model / "model.safetensors")
    table = "embeddings.word_embeddings.weight"
    save_file(
        {table: tensors.pop(table)},
        neighbour / "model.safetensors",
        metadata={METADATA_KEY: json.dumps({"precision": dict.fromkeys(INT8, "float32")})},
    )
    (model / "model.safetensors").unlink()
    save_file(tensors, model / "own.safetensors")
    weight_map = dict.fromkeys(tensors, "own.safetensors") | {
        table: "../neighbour/model.safetensors"
    }
    index = model / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
    assert recorded_precision(model) is None  # the neighbour's is not ours
    record(model, {"precision": RECORD}, "own.safetensors")
    assert recorded_precision(model) == RECORD
    assert np.isfinite(Engine.load(model).encode([5, 6], [0, 2])).all()


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        "[]",
        "{}",
        {"precision": "int8"},
        {"precision": {"query": "int8"}},
        {"precision": INT8 | {"query": "int4"}},
        {"precision": INT8 | {"more": "int8"}},
    ],
)
def test_a_record_that_cannot_be_is_refused(model: Path, content: object) -> None:
    record(model, content)
    with pytest.raises(CheckpointError, match=METADATA_KEY) as caught:
        resolve_precision(model, "auto")
    assert "quantize" in (caught.value.hint or "")
    assert resolve_precision(model, "int8") == INT8  # who names one needs no record


@pytest.mark.parametrize("damage", [b"\xff" * 8, b"\x04" + b"\0" * 7 + b"{..}"])
def test_a_header_that_cannot_be_read_is_refused(model: Path, damage: bytes) -> None:
    (model / "model.safetensors").write_bytes(damage)
    with pytest.raises(CheckpointError, match="header"):
        resolve_precision(model, "auto")


def test_weights_that_the_engine_cannot_read_are_refused(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"no model\.safetensors"):
        resolve_precision(model, "auto")


def test_unknown_names_are_refused(model: Path) -> None:
    with pytest.raises(InvalidInputError, match="'int4'"):
        resolve_precision(model, "int4")
    with pytest.raises(InvalidInputError, match="'queries'"):
        resolve_precision(model, {"queries": "int8"})
