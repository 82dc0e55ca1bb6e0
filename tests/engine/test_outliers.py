"""How far features stick out, told from LayerNorms."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from squeezebert.benchmark.random_model import random_tensors
from squeezebert.config import EncoderConfig
from squeezebert.engine.outliers import expected_peak, read_header


def peak(path: Path, tensors: dict[str, NDArray[np.generic]], config: EncoderConfig) -> float:
    save_file(tensors, path)
    return expected_peak({path: read_header(path)}, config)


@pytest.fixture
def plain(tiny_bert_config: EncoderConfig) -> dict[str, NDArray[np.float32]]:
    """LayerNorms that change nothing."""
    tensors = random_tensors(tiny_bert_config)
    for name, value in tensors.items():
        if "LayerNorm" in name:
            value[:] = 1.0 if name.endswith("weight") else 0.0
    return tensors


def test_where_all_features_are_alike_the_largest_is_three_deviations_out(
    tmp_path: Path, plain: dict[str, NDArray[np.float32]], tiny_bert_config: EncoderConfig
) -> None:
    assert peak(tmp_path / "m", plain, tiny_bert_config) == pytest.approx(3.0)


@pytest.mark.parametrize(
    "name",
    [
        "embeddings.LayerNorm.weight",
        "encoder.layer.0.attention.output.LayerNorm.weight",
        "encoder.layer.0.output.LayerNorm.weight",
        "encoder.layer.1.attention.output.LayerNorm.weight",
    ],
)
def test_one_feature_that_sticks_out_anywhere_is_found(
    name: str,
    tmp_path: Path,
    plain: dict[str, NDArray[np.float32]],
    tiny_bert_config: EncoderConfig,
) -> None:
    plain[name][5] = -4.0
    root = np.sqrt((31 + 16) / 32)
    assert peak(tmp_path / "m", plain, tiny_bert_config) == pytest.approx(12 / root)
    plain[name][5] = 1.0
    plain[name.replace("weight", "bias")][5] = 9.0
    root = np.sqrt((32 + 81) / 32)
    assert peak(tmp_path / "m", plain, tiny_bert_config) == pytest.approx(12 / root)


def test_what_goes_into_no_block_does_not_count(
    tmp_path: Path, plain: dict[str, NDArray[np.float32]], tiny_bert_config: EncoderConfig
) -> None:
    plain["encoder.layer.1.output.LayerNorm.weight"][5] = 50.0  # the last
    plain["cls.predictions.transform.LayerNorm.weight"] = np.full(32, 1.0, np.float32)
    plain["cls.predictions.transform.LayerNorm.bias"] = np.arange(32, dtype=np.float32)
    assert peak(tmp_path / "m", plain, tiny_bert_config) == pytest.approx(3.0)
    narrow = dataclasses.replace(tiny_bert_config, embedding_size=16)
    plain["embeddings.LayerNorm.weight"] = np.full(16, 1.0, np.float32)
    plain["embeddings.LayerNorm.weight"][3] = 50.0  # widened before it goes into a block
    plain["embeddings.LayerNorm.bias"] = np.zeros(16, np.float32)
    assert peak(tmp_path / "m", plain, narrow) == pytest.approx(3.0)


def test_each_group_is_judged_by_itself(
    tmp_path: Path, plain: dict[str, NDArray[np.float32]], tiny_bert_config: EncoderConfig
) -> None:
    plain["embeddings.LayerNorm.weight"][5] = 4.0
    grouped = dataclasses.replace(tiny_bert_config, model_type="squeezebert", q_groups=4)
    root = np.sqrt((7 + 16) / 8)
    assert peak(tmp_path / "m", plain, grouped) == pytest.approx(12 / root)
    # A whole group that is large is not uneven: its scale is its own.
    plain["embeddings.LayerNorm.weight"][:8] = 4.0
    assert peak(tmp_path / "m", plain, grouped) == pytest.approx(3.0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("spelling", ["weight", "gamma"])
def test_half_precision_and_old_spellings_are_read(
    dtype: str,
    spelling: str,
    tmp_path: Path,
    plain: dict[str, NDArray[np.float32]],
    tiny_bert_config: EncoderConfig,
) -> None:
    import torch
    from safetensors.torch import save_file as save_torch

    plain["embeddings.LayerNorm.weight"][5] = 4.0
    old = {"weight": "gamma", "bias": "beta"}
    state = {
        (
            name.replace(part, old[part])
            if spelling == "gamma" and "LayerNorm" in name and (part := name.rpartition(".")[2])
            else f"bert.{name}"
        ): torch.from_numpy(value).to(getattr(torch, dtype))
        for name, value in plain.items()
    }
    save_torch(state, tmp_path / "m")
    found = expected_peak({tmp_path / "m": read_header(tmp_path / "m")}, tiny_bert_config)
    assert found == pytest.approx(12 / np.sqrt((31 + 16) / 32), rel=1e-2)


def test_files_without_layer_norms_or_with_damaged_entries_tell_nothing(
    tmp_path: Path, plain: dict[str, NDArray[np.float32]], tiny_bert_config: EncoderConfig
) -> None:
    assert peak(tmp_path / "m", {"a": np.zeros(3, np.float32)}, tiny_bert_config) == 0.0
    save_file(plain, tmp_path / "m")
    header = read_header(tmp_path / "m")
    for name in list(header):
        if "LayerNorm" in name:
            header[name] = {"dtype": "F32", "data_offsets": [10, 3]}
    assert expected_peak({tmp_path / "m": header}, tiny_bert_config) == 0.0


@pytest.mark.parametrize("content", [b"", b"\xff" * 16, b"\x02" + b"\0" * 7 + b"[]"])
def test_a_damaged_header_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ValueError, match=r"cut short|object|Expecting"):
        read_header(tmp_path / "m")
