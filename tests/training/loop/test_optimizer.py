from __future__ import annotations

import dataclasses
import importlib.util

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError, ConfigError, MissingDependencyError
from squeezebert.model import HeadConfig, TaskModel, build_model
from squeezebert.model.grouped_linear import GroupedLinear
from squeezebert.training.loop.optimizer import RunOptimizer, rate_share
from squeezebert.training.recipe.run import OptimizerRecipe

NAMES = ["adamw", "lamb", "muon"]


def recipe(name: str = "adamw", **changes: object) -> OptimizerRecipe:
    return dataclasses.replace(OptimizerRecipe(learning_rate=0.01), name=name, **changes)  # type: ignore[arg-type]


@pytest.fixture
def model(tiny_config: EncoderConfig) -> TaskModel:
    torch.manual_seed(0)
    return build_model(tiny_config, HeadConfig(kind="masked_lm"))


def give_gradients(model: nn.Module, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=draw)


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize("name", NAMES)
def test_only_matrices_decay(name: str, model: TaskModel) -> None:
    """Every parameter has its place, once; without gradients to speak of, matrices shrink."""
    optimizer = RunOptimizer(model, recipe(name, weight_decay=0.3))
    assert sum(p.numel() for group in optimizer.groups for p in group["params"]) == sum(
        p.numel() for p in model.parameters()
    )
    decay = {p: group["weight_decay"] for group in optimizer.groups for p in group["params"]}
    for parameter_name, p in model.named_parameters():
        if p in decay:
            flat = "bias" in parameter_name or "norm" in parameter_name
            assert decay[p] == (0.0 if flat else 0.3)
    assert set(decay.values()) == {0.0, 0.3}


@pytest.mark.parametrize("name", NAMES)
def test_frozen_weights_are_left_out(name: str, model: TaskModel) -> None:
    word = model.encoder.embeddings.word.weight.requires_grad_(False)
    query = model.encoder.blocks[0].attention.query.weight.requires_grad_(False)
    optimizer = RunOptimizer(model, recipe(name))
    before = weights(model)
    give_gradients(model, 0)
    optimizer.step(1.0)
    after = weights(model)
    still = {n for n, value in before.items() if value.equal(after[n])}
    assert still == {n for n, p in model.named_parameters() if p is word or p is query}


@pytest.mark.parametrize("name", NAMES)
def test_a_step_at_no_rate_changes_nothing_and_lets_gradients_go(
    name: str, model: TaskModel
) -> None:
    optimizer = RunOptimizer(model, recipe(name, weight_decay=0.0))
    before = weights(model)
    give_gradients(model, 0)
    optimizer.step(0.0)
    assert all(value.equal(before[n]) for n, value in weights(model).items())
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_moments_go_on_to_the_bit(name: str, model: TaskModel, tiny_config: EncoderConfig) -> None:
    def go_on(model: TaskModel, optimizer: RunOptimizer) -> None:
        for step in range(3, 6):
            give_gradients(model, step)
            optimizer.step(0.5)

    optimizer = RunOptimizer(model, recipe(name))
    for step in range(3):
        give_gradients(model, step)
        optimizer.step(1.0)
    other = build_model(tiny_config, HeadConfig(kind="masked_lm"))
    other.load_state_dict(model.state_dict())
    saved = {key: value.clone() for key, value in optimizer.moments().items()}
    pointers = [value.untyped_storage().data_ptr() for value in optimizer.moments().values()]
    assert len(set(pointers)) == len(pointers)  # safetensors refuses shared memory
    resumed = RunOptimizer(other, recipe(name))
    resumed.restore(saved)
    fresh = build_model(tiny_config, HeadConfig(kind="masked_lm"))
    fresh.load_state_dict(model.state_dict())
    go_on(model, optimizer)
    go_on(other, resumed)
    go_on(fresh, RunOptimizer(fresh, recipe(name)))
    expected = weights(model)
    assert all(value.equal(expected[n]) for n, value in weights(other).items())
    assert not all(value.equal(expected[n]) for n, value in weights(fresh).items())


def test_muon_orthogonalises_the_matrix_of_each_group() -> None:
    """Against the singular value decomposition: U Vᵀ, up to what five iterations leave."""
    layer = GroupedLinear(24, 48, groups=3)
    made = RunOptimizer(layer, recipe("muon", learning_rate=1.0, weight_decay=0.0, momentum=0.0))
    before = layer.weight.detach().clone()
    give_gradients(layer, 0)
    assert layer.weight.grad is not None
    u, _, v = torch.linalg.svd(layer.weight.grad, full_matrices=False)
    made.step(1.0)
    update = (before - layer.weight.detach()) / (0.2 * 16**0.5)
    # Each group by itself: the singular values of all lie about 1, along the gradient's vectors.
    values = torch.linalg.svdvals(update)
    assert values.shape == (3, 8)
    assert 0.6 < values.min() <= values.max() < 1.3
    along = torch.diagonal(u.mT @ update @ v.mT, dim1=-2, dim2=-1)
    torch.testing.assert_close(along.sort().values, values.sort().values, atol=0.05, rtol=0.05)


def test_muon_is_that_of_torch_on_each_group() -> None:
    """Two implementations, several steps, wide and tall matrices."""
    draw = torch.Generator().manual_seed(1)
    layers = nn.ModuleList([GroupedLinear(24, 48, groups=3), GroupedLinear(48, 24, groups=2)])
    matrices = [nn.Parameter(m.clone()) for layer in layers for m in layer.weight.detach()]
    theirs = torch.optim.Muon(
        matrices, lr=0.02, weight_decay=0.1, momentum=0.9, adjust_lr_fn="match_rms_adamw"
    )
    ours = RunOptimizer(
        layers, recipe("muon", muon_learning_rate=0.02, weight_decay=0.1, momentum=0.9)
    )
    for _ in range(4):
        for matrix in matrices:
            matrix.grad = torch.randn(matrix.shape, generator=draw)
        gradients = iter(matrices)
        for layer in layers:
            parts = [next(gradients).grad for _ in range(layer.groups)]
            layer.weight.grad = torch.stack([part for part in parts if part is not None])
        ours.step(1.0)
        theirs.step()
    flat = [matrix for layer in layers for matrix in layer.weight]
    for matrix, their_matrix in zip(flat, matrices, strict=True):
        # Both iterate in bf16, in another order.
        torch.testing.assert_close(matrix, their_matrix, atol=2e-3, rtol=0)


def test_muon_follows_a_weight_that_gets_other_memory() -> None:
    layer = GroupedLinear(8, 8, groups=2)
    optimizer = RunOptimizer(layer, recipe("muon"))
    layer.weight.data = layer.weight.data.clone()
    before = layer.weight.detach().clone()
    give_gradients(layer, 0)
    optimizer.step(1.0)
    assert (layer.weight != before).all()


def test_muon_takes_the_blocks_and_adamw_the_rest(model: TaskModel) -> None:
    optimizer = RunOptimizer(model, recipe("muon", muon_learning_rate=0.03))
    give_gradients(model, 0)
    optimizer.step(0.5)
    for name in optimizer.moments():
        owner, moment = name.rsplit("/", 1)
        in_blocks = ".blocks." in owner and ".weight" in owner and "norm" not in owner
        assert in_blocks == (moment == "momentum_buffer")
    assert {group["lr"] for group in optimizer.groups} == {0.015, 0.005}


def test_lamb_moves_each_matrix_by_the_rate_times_its_norm() -> None:
    """You et al. (2020), algorithm 2, with the decay inside what the trust ratio scales."""
    layer = nn.Linear(6, 5, bias=False)
    optimizer = RunOptimizer(layer, recipe("lamb", weight_decay=0.1))
    before = layer.weight.detach().clone()
    give_gradients(layer, 0)
    gradient = layer.weight.grad
    assert gradient is not None
    optimizer.step(1.0)
    first, second = 0.1 * gradient, 0.02 * gradient**2
    update = first / (second.sqrt() + 1e-6) + 0.1 * before
    expected = before - 0.01 * update * before.norm() / update.norm()
    torch.testing.assert_close(layer.weight.detach(), expected)


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="none of the blocks' matrices"):
        RunOptimizer(nn.Linear(2, 2), recipe("muon"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for name in ("lamb", "muon"):
        with pytest.raises(MissingDependencyError, match=r"squeezebert\[optimizers\]"):
            RunOptimizer(GroupedLinear(8, 8), recipe(name))


def test_moments_of_another_model() -> None:
    optimizer = RunOptimizer(nn.Linear(2, 2), recipe())
    with pytest.raises(CheckpointError, match=r"moments of 'encoder\.word'"):
        optimizer.restore({"encoder.word/exp_avg": torch.zeros(2)})


SCHEDULES = ["linear", "cosine", "constant", "trapezoid", "one_cycle"]


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(
    done=st.floats(0, 1),
    warmup=st.floats(0, 0.99),
    cooldown=st.floats(0, 1),
    final=st.floats(0, 1),
)
def test_the_rate_stays_between_its_ends(
    schedule: str, done: float, warmup: float, cooldown: float, final: float
) -> None:
    assume(schedule != "trapezoid" or warmup + cooldown <= 1)
    made = recipe(warmup=warmup, final=final, schedule=schedule, cooldown=cooldown)
    assert (0.0 if done < warmup else final - 1e-9) <= rate_share(done, made) <= 1.0 + 1e-9


def test_the_cosine_is_half_way_in_the_middle() -> None:
    made = recipe(warmup=0.0, schedule="cosine", final=0.2)
    assert rate_share(0.5, made) == pytest.approx(0.6)
    assert rate_share(0.25, made) == pytest.approx(0.2 + 0.8 * 0.853553)
    assert rate_share(1.0, made) == pytest.approx(0.2)


def test_the_trapezoid_has_three_sides() -> None:
    made = recipe(warmup=0.1, schedule="trapezoid", cooldown=0.25, final=0.2)
    shares = [rate_share(done, made) for done in (0.05, 0.1, 0.5, 0.75, 0.875, 1.0)]
    assert shares == pytest.approx([0.5, 1.0, 1.0, 1.0, 0.6, 0.2])
    assert rate_share(1.0, dataclasses.replace(made, cooldown=0.0)) == 1.0
    with pytest.raises(ConfigError, match="longer than the run"):
        recipe(warmup=0.3, schedule="trapezoid", cooldown=0.8)


def test_one_cycle_is_that_of_torch() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=101)
    # Theirs counts so that the peak stands at step 0.3 × 101 - 1 of 100.
    made = recipe(warmup=0.293, schedule="one_cycle", final=1 / 25 / 1e4)
    for step in range(101):
        assert rate_share(step / 100, made) == pytest.approx(theirs.get_last_lr()[0], abs=1e-4)
        if step < 100:
            optimizer.step()
            theirs.step()
