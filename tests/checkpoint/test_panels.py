"""The compact layout: panels and back, files that safetensors reads, damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from squeezebert import checkpoint
from squeezebert.checkpoint import panels
from squeezebert.config import EncoderConfig
from squeezebert.engine import Engine
from squeezebert.errors import CheckpointError, ConfigError
from squeezebert.model import HeadConfig, build_model, load_model, save_model
from squeezebert.model.io import export_tensors

MASKED_LM = HeadConfig(kind="masked_lm")
TAGS = HeadConfig(kind="token_classification", labels=("O", "B-PER"))


@given(
    groups=st.integers(1, 5),
    outputs=st.integers(1, 40),
    inputs=st.integers(1, 140),
    conv=st.booleans(),
)
def test_every_weight_stands_where_the_layout_says(
    groups: int, outputs: int, inputs: int, conv: bool
) -> None:
    rng = np.random.default_rng(groups + 7 * outputs + 31 * inputs)
    matrix = rng.integers(-127, 128, (groups * outputs, inputs), dtype=np.int8)
    shaped = matrix[:, :, None] if conv else matrix
    packed = panels.pack_panels(shaped, groups)
    assert packed.shape == (groups, -(-outputs // 16), -(-inputs // 64) * 16, 16, 4)
    g, o, i = (rng.integers(0, n, 50) for n in (groups, outputs, inputs))
    assert (packed[g, o // 16, i // 4, o % 16, i % 4] == matrix[g * outputs + o, i]).all()
    # All else is zero: the kernels multiply the padding too.
    assert np.count_nonzero(packed) == np.count_nonzero(matrix)
    back = panels.unpack_panels(packed, shaped.shape)
    assert back.shape == shaped.shape
    assert (back == shaped).all()


@pytest.mark.parametrize("kind", ["squeezebert", "bert", "bottleneck"])
@pytest.mark.parametrize("head", [MASKED_LM, TAGS])
def test_a_compact_directory_loads_as_int8_does(
    kind: str, head: HeadConfig, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    config: EncoderConfig = request.getfixturevalue(
        {"squeezebert": "tiny_config", "bert": "tiny_bert_config"}.get(
            kind, "tiny_bottleneck_config"
        )
    )
    model = build_model(config, head)
    save_model(model, tmp_path / "int8", storage="int8")
    save_model(model, tmp_path / "panels", storage="panels")
    plain, packed = (export_tensors(load_model(tmp_path / name)) for name in ("int8", "panels"))
    assert list(plain) == list(packed)
    for name, value in plain.items():
        assert (packed[name] == value).all(), name


def test_what_is_packed(tiny_bottleneck_config: EncoderConfig, tmp_path: Path) -> None:
    config = tiny_bottleneck_config
    for head in (MASKED_LM, HeadConfig(kind="text_classification", labels=("a", "b"))):
        save_model(build_model(config, head), tmp_path / head.kind, storage="panels")
    packed = {
        kind: set(_shapes(tmp_path / kind / checkpoint.WEIGHTS))
        for kind in ("masked_lm", "text_classification")
    }
    table, pooler = "transformer.embeddings.word_embeddings.weight", "transformer.pooler.dense"
    transform = "cls.predictions.transform.dense.weight"
    both = packed["masked_lm"] & packed["text_classification"]
    assert len(both) == 6 * config.num_hidden_layers + 1
    assert "transformer.embeddings.projection.weight" in both
    assert "transformer.encoder.layers.1.attention.key.weight" in both
    assert packed["masked_lm"] - both == {table, transform}
    assert packed["text_classification"] - both == {f"{pooler}.weight"}


def _shapes(path: Path) -> dict[str, list[int]]:
    with safetensors.safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()[panels.SHAPES_KEY])


def test_groups_are_the_configs(
    tiny_config: EncoderConfig, tiny_bert_config: EncoderConfig
) -> None:
    for config, groups in ((tiny_config, {4, 1}), (tiny_bert_config, {1})):
        tensors = export_tensors(build_model(config, MASKED_LM))
        assert set(panels.packed_groups(tensors, config).values()) == groups


def test_packed_tensors_are_aligned(tiny_config: EncoderConfig, tmp_path: Path) -> None:
    save_model(build_model(tiny_config, MASKED_LM), tmp_path, storage="panels")
    path = tmp_path / checkpoint.WEIGHTS
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8:start])
    shapes = _shapes(path)
    assert shapes
    for name in shapes:
        assert (start + header[name]["data_offsets"][0]) % 64 == 0, name
    # The library finds the same numbers that stand at these offsets.
    for name, value in load_file(path).items():
        begin, end = (start + offset for offset in header[name]["data_offsets"])
        assert value.tobytes() == content[begin:end]


def test_models_share_a_packed_table(tiny_config: EncoderConfig, tmp_path: Path) -> None:
    first, second = build_model(tiny_config, MASKED_LM), build_model(tiny_config, TAGS)
    second.encoder.embeddings.word.weight = first.encoder.embeddings.word.weight
    save_model(first, tmp_path / "a", storage="panels")
    save_model(second, tmp_path / "b", storage="panels", shared=tmp_path / "a" / checkpoint.WEIGHTS)
    one, other = (load_model(tmp_path / name) for name in "ab")
    assert (one.encoder.embeddings.word.weight == other.encoder.embeddings.word.weight).all()


@pytest.mark.parametrize("kind", ["tiny_config", "tiny_bert_config", "tiny_bottleneck_config"])
@pytest.mark.parametrize("head", [MASKED_LM, TAGS])
def test_the_engine_computes_the_same_from_panels(
    kind: str, head: HeadConfig, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model = build_model(request.getfixturevalue(kind), head)
    input_ids, cu_seqlens = np.arange(23, dtype=np.int32), np.array([0, 5, 6, 23], np.int32)
    logits: dict[str, Any] = {}
    for storage in ("int8", "panels"):
        save_model(model, tmp_path / storage, storage=storage)
        engine = Engine.load(tmp_path / storage, precision="int8", threads=1)
        logits[storage] = engine.logits(input_ids, cu_seqlens)
    assert (logits["panels"] == logits["int8"]).all()


QUERY = "transformer.encoder.layers.0.attention.query.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({panels.LAYOUT_KEY: "panels-32"}, "has the layout 'panels-32', expected 'panels-16'"),
        ({panels.SHAPES_KEY: "{"}, "does not say the shapes"),
        ({panels.SHAPES_KEY: "[]"}, "does not say the shapes"),
        ({panels.SHAPES_KEY: '{"x": 3}'}, "does not say the shapes"),
        ({panels.SHAPES_KEY: '{"x": [3, 4]}'}, "lacks the packed tensor x"),
        ({panels.SHAPES_KEY: json.dumps({QUERY: [32, 80]})}, "cannot hold a matrix of shape"),
        ({panels.SHAPES_KEY: json.dumps({QUERY: [-32, 8]})}, "cannot hold a matrix of shape"),
        ({panels.SHAPES_KEY: json.dumps({QUERY: ["32", 8]})}, "cannot hold a matrix of shape"),
        ({panels.SHAPES_KEY: json.dumps({QUERY: [30, 8]})}, "cannot hold a matrix of shape"),
        ({panels.SHAPES_KEY: json.dumps({QUERY: [32, 8, 2]})}, "cannot hold a matrix of shape"),
        (
            {panels.SHAPES_KEY: json.dumps({"cls.predictions.bias": [32, 8]})},
            "cannot hold a matrix of shape",
        ),
    ],
)
def test_damage_is_named(
    change: dict[str, str], message: str, tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    save_model(build_model(tiny_config, MASKED_LM), tmp_path, storage="panels")
    path = tmp_path / checkpoint.WEIGHTS
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    save_file(load_file(path), path, metadata=metadata | change)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.read_tensors(tmp_path)


def test_panels_need_a_shape_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="model_type is None"):
        checkpoint.write_checkpoint(tmp_path, config={}, tensors={}, storage="panels")
    assert list(tmp_path.iterdir()) == []
