"""Random models: of the shape that is asked for, readable by everything that reads models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from squeezebert import checkpoint
from squeezebert.benchmark.random_model import random_tensors, write_random_model
from squeezebert.config import EncoderConfig
from squeezebert.engine import Engine
from squeezebert.model import load_model
from squeezebert.model.io import export_tensors


@pytest.mark.parametrize("kind", ["squeezebert", "bert", "bottleneck"])
def test_torch_and_the_engine_read_it_and_agree(
    kind: str,
    tmp_path: Path,
    tiny_config: EncoderConfig,
    tiny_bert_config: EncoderConfig,
    tiny_bottleneck_config: EncoderConfig,
) -> None:
    configs = {"squeezebert": tiny_config, "bert": tiny_bert_config}
    config = configs.get(kind, tiny_bottleneck_config)
    directory = write_random_model(config, tmp_path / "model")
    model = load_model(directory)  # refuses a tensor missing, left over or misshapen
    assert checkpoint.read_config(directory) == config
    shapes = {name: value.shape for name, value in export_tensors(model).items()}
    assert shapes == {name: value.shape for name, value in random_tensors(config).items()}
    import torch

    ids = np.arange(5, 17)
    with torch.inference_mode():
        theirs = model(torch.from_numpy(ids[None])).last_hidden_state[0].numpy()
    ours = Engine.load(directory, precision="float32").encode(ids, [0, len(ids)])
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_seed_gives_the_same_weights(tiny_config: EncoderConfig) -> None:
    one, two, other = (random_tensors(tiny_config, seed=seed) for seed in (3, 3, 4))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert any(not np.array_equal(one[name], other[name]) for name in one)


def test_the_spread_is_that_of_trained_weights(tiny_config: EncoderConfig) -> None:
    tensors = random_tensors(tiny_config, spread=0.04)
    table = tensors["embeddings.word_embeddings.weight"]
    assert table.std() == pytest.approx(0.04, rel=0.05)
    assert tensors["embeddings.LayerNorm.weight"].mean() == pytest.approx(1.0, abs=0.05)
