"""Model directories without torch: storage, sharing, damage."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from squeezebert import checkpoint
from squeezebert.checkpoint import directory
from squeezebert.config import EncoderConfig
from squeezebert.engine import Engine
from squeezebert.errors import CheckpointError, ConfigError, SqueezeBertError
from squeezebert.model import Encoder, HeadConfig, build_model, load_model, save_model
from squeezebert.spec import TaskSpec

SPEC = TaskSpec(
    task="token_classification", labels=("O", "B-PER"), max_length=48, languages=("de",)
)
HEAD = HeadConfig(kind="token_classification", labels=SPEC.labels)


@pytest.mark.parametrize(
    ("storage", "bound"),
    [("float32", 0.0), ("float16", 1e-3), ("int8", 1 / 254), ("panels", 1 / 254)],
)
def test_storage(
    storage: checkpoint.Storage, bound: float, tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    model = build_model(tiny_config, HEAD)
    save_model(model, tmp_path, spec=SPEC, storage=storage)
    back = load_model(tmp_path)
    for name, value in model.state_dict().items():
        difference = (back.state_dict()[name] - value).abs().max().item()
        assert difference <= bound * value.abs().max().item() + 1e-9, name
    assert checkpoint.read_spec(tmp_path) == SPEC
    assert checkpoint.read_config(tmp_path) == tiny_config


def test_int8_is_a_quarter_of_the_size(tiny_config: EncoderConfig, tmp_path: Path) -> None:
    model = build_model(tiny_config, HEAD)
    for storage in ("float32", "int8"):
        save_model(model, tmp_path / storage, storage=storage)
    sizes = [checkpoint.size_on_disk(tmp_path / storage) for storage in ("float32", "int8")]
    assert sizes[1] < 0.45 * sizes[0]  # names and vectors weigh in a tiny model


def test_models_share_an_embedding_table(tiny_config: EncoderConfig, tmp_path: Path) -> None:
    first, second = (build_model(tiny_config, HEAD) for _ in range(2))
    second.encoder.embeddings.word.weight = first.encoder.embeddings.word.weight
    save_model(first, tmp_path / "a", storage="int8")
    shared = tmp_path / "a" / "model.safetensors"
    save_model(second, tmp_path / "b", storage="int8", shared=shared)
    assert not (tmp_path / "b" / "model.safetensors").exists()
    one, other = (load_model(tmp_path / name) for name in "ab")
    assert (one.encoder.embeddings.word.weight == other.encoder.embeddings.word.weight).all()
    own = sum(f.stat().st_size for f in (tmp_path / "b").glob("*.safetensors"))
    assert own < shared.stat().st_size
    assert checkpoint.size_on_disk(tmp_path / "b") == own + shared.stat().st_size


def test_an_encoder_shares_the_table_of_a_model_with_a_head(
    tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    model = build_model(tiny_config, HEAD)
    save_model(model, tmp_path / "a")
    save_model(model.encoder, tmp_path / "b", shared=tmp_path / "a" / "model.safetensors")
    assert not (tmp_path / "b" / "model.safetensors").exists()
    encoder = load_model(tmp_path / "b")
    assert isinstance(encoder, Encoder)
    for name, weight in model.encoder.state_dict().items():
        assert (encoder.state_dict()[name] == weight).all()
    engine = Engine.load(tmp_path / "b", precision="float32", threads=1)
    assert engine.head is None


def test_a_table_that_differs_is_not_shared(tiny_config: EncoderConfig, tmp_path: Path) -> None:
    first, second = (build_model(tiny_config, HEAD) for _ in range(2))
    save_model(first, tmp_path / "a")
    with pytest.raises(CheckpointError, match="does not hold the word embeddings"):
        save_model(second, tmp_path / "b", shared=tmp_path / "a" / "model.safetensors")
    with pytest.raises(CheckpointError, match="does not lie in a directory beside"):
        save_model(first, tmp_path / "x" / "b", shared=tmp_path / "a" / "model.safetensors")


def test_an_index_cannot_reach_outside(tiny_config: EncoderConfig, tmp_path: Path) -> None:
    secret = tmp_path / "secret.safetensors"
    save_file({"x": np.zeros(1, np.float32)}, secret)
    inside = tmp_path / "models" / "a"
    save_model(build_model(tiny_config, HEAD), inside)
    (inside / "model.safetensors").unlink()
    (inside / checkpoint.INDEX).write_text(
        json.dumps({"weight_map": {"x": "../../secret.safetensors"}})
    )
    with pytest.raises(CheckpointError, match="points outside"):
        load_model(inside)


def test_quantizing_rows_is_within_half_a_step() -> None:
    matrix = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    matrix[3] = 0.0
    quantized, scale = checkpoint.quantize_rows(matrix)
    assert np.all(np.abs(quantized * scale[:, None] - matrix) <= scale[:, None] * 0.5001)


def test_write_is_whole_or_not_at_all(
    tiny_config: EncoderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_model(tiny_config, HEAD)
    save_model(model, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(directory, "save_file", full_disk)
    with pytest.raises(CheckpointError, match="cannot write"):
        save_model(build_model(tiny_config, HEAD), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", None, r"holds no config\.json"),
        ("config.json", "[]", "holds a list"),
        ("config.json", "{", "not readable JSON"),
        ("config.json", '{"model_type": "gpt2"}', "model_type is 'gpt2'"),
        ("task.json", '{"task": "poetry"}', "names the task 'poetry'"),
        ("task.json", '{"task": "masked_lm", "tassk": 1}', "unknown fields: tassk"),
        ("model.safetensors", "junk", "not a readable safetensors file"),
        ("model.safetensors", None, "there are no weights"),
    ],
)
def test_damage_is_named(
    file: str, content: str | None, message: str, tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    save_model(build_model(tiny_config, HEAD), tmp_path, spec=SPEC)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_text(content)
    with pytest.raises(SqueezeBertError, match=message):
        load_model(tmp_path)


def test_truncated_weights_are_refused(tiny_config: EncoderConfig, tmp_path: Path) -> None:
    save_model(build_model(tiny_config, HEAD), tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("q_groups", 3, "q_groups is 3, which does not divide"),
        ("hidden_size", 0, "hidden_size is 0"),
        ("num_attention_heads", 5, "does not divide hidden_size"),
        ("hidden_act", "swish9", "hidden_act is 'swish9'"),
        ("hidden_dropout_prob", 1.0, r"expected a number in \[0, 1\)"),
        ("pad_token_id", 10**6, "expected an id below"),
    ],
)
def test_impossible_shapes(
    field: str, value: object, message: str, tiny_config: EncoderConfig
) -> None:
    with pytest.raises(ConfigError, match=message):
        EncoderConfig.from_dict(tiny_config.to_dict() | {field: value})


def test_a_bert_has_no_groups(tiny_config: EncoderConfig) -> None:
    with pytest.raises(ConfigError, match="group counts other than 1"):
        EncoderConfig.from_dict(tiny_config.to_dict() | {"model_type": "bert"})


@pytest.mark.parametrize("name", ["x" * 5000, "ü" * 200])
def test_file_names_that_no_disk_can_hold(name: str, tmp_path: Path) -> None:
    index = {"weight_map": {"pooler.dense.weight": name}}
    (tmp_path / checkpoint.INDEX).write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(CheckpointError, match="names the file") as caught:
        checkpoint.size_on_disk(tmp_path)
    assert len(str(caught.value)) < 1000
