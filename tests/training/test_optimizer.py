from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.config import EncoderConfig
from squeezebert.model import HeadConfig, build_model
from squeezebert.training.optimizer import build_optimizer, learning_rate
from squeezebert.training.recipe import OptimizerRecipe


def test_only_matrices_decay(tiny_config: EncoderConfig) -> None:
    model = build_model(tiny_config, HeadConfig(kind="masked_lm"))
    optimizer = build_optimizer(model, OptimizerRecipe(weight_decay=0.3))
    decay = {
        parameter: group["weight_decay"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    names = dict(model.named_parameters())
    assert len(decay) == len(names)
    assert all(decay[p] == (0.0 if "bias" in n or "norm" in n else 0.3) for n, p in names.items())


def test_frozen_weights_are_left_out(tiny_config: EncoderConfig) -> None:
    model = build_model(tiny_config, HeadConfig(kind="masked_lm"))
    word = model.encoder.embeddings.word.weight.requires_grad_(False)
    optimizer = build_optimizer(model, OptimizerRecipe())
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    assert all(parameter is not word for parameter in trained)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
@given(done=st.floats(0, 1), warmup=st.floats(0, 0.99), final=st.floats(0, 1))
def test_the_rate_stays_between_its_ends(
    schedule: str, done: float, warmup: float, final: float
) -> None:
    recipe = OptimizerRecipe(
        learning_rate=2.0,
        warmup=warmup,
        final=final,
        schedule=schedule,  # type: ignore[arg-type]
    )
    rate = learning_rate(done, recipe)
    assert (0.0 if done < warmup else 2.0 * final - 1e-9) <= rate <= 2.0 + 1e-9


def test_the_cosine_is_half_way_in_the_middle() -> None:
    recipe = OptimizerRecipe(learning_rate=1.0, warmup=0.0, schedule="cosine", final=0.2)
    assert learning_rate(0.5, recipe) == pytest.approx(0.6)
    assert learning_rate(0.25, recipe) == pytest.approx(0.2 + 0.8 * 0.853553)
    assert learning_rate(1.0, recipe) == pytest.approx(0.2)
