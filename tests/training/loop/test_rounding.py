from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from squeezebert.batch import RaggedBatch
from squeezebert.config import preset
from squeezebert.engine import Engine
from squeezebert.model import Encoder, save_model
from squeezebert.model.grouped_linear import GroupedLinear
from squeezebert.training.finetuning.finetune import finetune
from squeezebert.training.loop.rounding import (
    Int8Rounding,
    round_activations,
    round_weights,
    rounding,
    slices,
)
from squeezebert.training.recipe.run import FinetuneRecipe


def test_what_is_rounded_stands_on_127_steps_a_side() -> None:
    weight = torch.randn(2, 6, 4)
    rounded = round_weights(weight)
    steps = rounded / (weight.abs().amax(dim=1, keepdim=True) / 127)
    torch.testing.assert_close(steps, steps.round(), atol=1e-4, rtol=0)
    assert steps.abs().max() == pytest.approx(127)
    x = torch.tensor([[1.0, 0.004, 100.0, 0.3, 0.0, 0.0]])
    torch.testing.assert_close(
        round_activations(x, 3), torch.tensor([[1.0, 1 / 127, 100.0, 0.0, 0.0, 0.0]])
    )


def test_gradients_pass_straight_through() -> None:
    x = torch.randn(3, 8, requires_grad=True)
    (round_activations(x, 2) * torch.arange(8.0)).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.arange(8.0).expand(3, 8))


def test_slices_are_the_engines() -> None:
    # The numbers of native/tests/test_packed_projection.cpp.
    assert [slices(n) for n in (768, 1024, 1536, 3072, 4096, 2 * 1021)] == [1, 1, 2, 3, 4, 1]


@pytest.mark.parametrize("name", ["squeezebert-mini", "bert-mini"])
def test_a_rounded_model_computes_what_the_engine_does_in_int8(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUEEZEBERT_ISA", "portable")  # whose attention is float32
    torch.manual_seed(3)
    config = dataclasses.replace(preset(name), vocab_size=200, num_hidden_layers=1)
    encoder = Encoder(config, with_pooler=False).eval()
    save_model(encoder, tmp_path)
    ids = np.arange(5, 45, dtype=np.int32)
    batch = RaggedBatch.of([ids])

    def engine(**kinds: str) -> np.ndarray:
        # Neither the embeddings' way up nor attention's own products are what training rounds.
        loaded = Engine.load(tmp_path, precision={"bottleneck": "float32", **kinds})
        return loaded.encode(batch.input_ids, batch.cu_seqlens)

    kinds = ("query", "key", "value", "post_attention", "intermediate", "output")
    expected = engine(**dict.fromkeys(kinds, "int8"))
    plain = engine(**dict.fromkeys(kinds, "float32"))
    with torch.inference_mode():
        Int8Rounding(encoder, 0.0)
        found = encoder(torch.from_numpy(ids[None].astype(np.int64))).last_hidden_state[0].numpy()
    lost = np.abs(expected - plain).mean()
    assert lost > 1e-3
    assert np.abs(expected - found).mean() < 0.35 * lost


def test_it_switches_and_leaves_no_trace() -> None:
    torch.manual_seed(0)
    encoder = Encoder(dataclasses.replace(preset("squeezebert-mini"), num_hidden_layers=1)).eval()
    ids = torch.tensor([[2, 17, 30, 3]])
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    plain = encoder(ids).last_hidden_state
    with rounding(encoder, 0.5) as (gradual,):
        gradual.step(0.49)
        assert torch.equal(encoder(ids).last_hidden_state, plain)
        gradual.step(0.5)
        assert not torch.equal(encoder(ids).last_hidden_state, plain)
        gradual.step(0.0)
        gradual.evaluate()
        assert not torch.equal(encoder(ids).last_hidden_state, plain)
    after = encoder.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert torch.equal(encoder(ids).last_hidden_state, plain)
    with rounding(encoder, 1.0) as nothing:
        assert nothing == ()


def test_a_run_through_the_rounding_ends_as_a_plain_model(
    tiny_classification: FinetuneRecipe, tmp_path: Path
) -> None:
    loop = dataclasses.replace(tiny_classification.loop, int8_from=0.5)
    result = finetune(dataclasses.replace(tiny_classification, loop=loop), tmp_path / "int8")
    plain = finetune(tiny_classification, tmp_path / "plain")
    assert result.scores[result.main_score] > 0.8
    assert plain.steps == result.steps
    weights = Engine.load(tmp_path / "int8", precision="int8")
    assert weights.config.hidden_size == 32
    layers = [m for m in Encoder(weights.config).modules() if isinstance(m, GroupedLinear)]
    assert layers
