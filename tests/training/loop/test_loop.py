"""The loop's own promises, on a model of one weight whose course can be worked out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from squeezebert.errors import CheckpointError, ConfigError, SqueezeBertError
from squeezebert.training.loop.batches import Batch
from squeezebert.training.loop.loop import run_loop
from squeezebert.training.loop.resume import LoopState, latest, remove_checkpoints
from squeezebert.training.loop.setup import DevScore, Setup
from squeezebert.training.recipe.run import LoopRecipe, OptimizerRecipe

LOOP = LoopRecipe(
    max_steps=10, batch_size=1, evaluate_steps=5, log_steps=1, tensorboard=False, torch_threads=1
)


class Weight(nn.Module):
    """One number, pulled towards the batch's."""

    def __init__(self, size: int = 1) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(size))

    def forward(self, number: Tensor) -> Tensor:
        return self.value - number


class Numbers:
    """Batch ``n`` asks for the number ``n``; five batches an epoch; ten tokens a batch."""

    key = "numbers"

    def __init__(self) -> None:
        self.asked: list[int] = []

    def batch(self, number: int) -> Batch:
        self.asked.append(number)
        wanted = torch.full((1,), float(number))
        return Batch(inputs={"number": wanted}, labels=wanted, targets=1, tokens=10)

    def epoch(self, number: int) -> int:
        return number // 5

    def batches_in(self, epochs: float) -> int:
        return round(5 * epochs)


def squared(model: nn.Module, batch: Batch) -> Tensor:
    return (model(**batch.inputs) ** 2).sum()


def setup(
    output: Path,
    *,
    loop: LoopRecipe = LOOP,
    optimizer: OptimizerRecipe | None = None,
    scores: list[float] | None = None,
    **changes: object,
) -> Setup:
    """A run; ``scores`` are the dev scores of its evaluations in a row (else 1, 2, 3, …)."""
    model = changes.pop("model", Weight())
    given = iter(scores if scores is not None else range(1, 1000))
    made = Setup(
        model=model,  # type: ignore[arg-type]
        source=Numbers(),
        loss=squared,
        evaluate=lambda: DevScore(values={"score": float(next(given))}, main="score"),
        loop=loop,
        optimizer=optimizer or OptimizerRecipe(learning_rate=0.1, warmup=0.0),
        output=output,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def changed(**values: object) -> LoopRecipe:
    return dataclasses.replace(LOOP, **values)  # type: ignore[arg-type]


def lines(output: Path, kind: str) -> list[dict[str, float]]:
    found = map(json.loads, (output / "metrics.jsonl").read_text().splitlines())
    return [line for line in found if line["kind"] == kind]


def test_a_run_from_end_to_end(tmp_path: Path) -> None:
    run = setup(tmp_path)
    state = run_loop(run)
    assert isinstance(run.source, Numbers)
    assert run.source.asked == list(range(10))
    assert (state.step, state.tokens, state.stopped) == (10, 100, "complete")
    assert (state.best_step, state.best_score, state.best_values) == (10, 2.0, {"score": 2.0})
    assert [line["step"] for line in lines(tmp_path, "train")] == list(range(1, 11))
    assert [line["step"] for line in lines(tmp_path, "dev")] == [5, 10]
    # The first step: loss (0 - 0)², then 1 from a weight that has not moved yet.
    assert [line["loss"] for line in lines(tmp_path, "train")][:2] == [0.0, 1.0]
    assert lines(tmp_path, "train")[1]["grad_norm"] == 2.0
    rates = [line["learning_rate"] for line in lines(tmp_path, "train")]
    assert rates == pytest.approx([0.1 * (1 - (step + 0.5) / 10) for step in range(10)])
    assert not run.model.training


@pytest.mark.parametrize(
    ("loop", "steps"),
    [
        (changed(max_steps=0, epochs=2.0), 10),
        (changed(max_steps=0, epochs=0.5), 2),
        (changed(max_steps=0, max_tokens=65), 7),
        (changed(max_steps=3, max_tokens=65), 3),
        (changed(max_steps=4, epochs=1.0), 4),
        (changed(max_steps=0, epochs=2.0, accumulation=4), 3),
    ],
)
def test_how_long_it_runs(loop: LoopRecipe, steps: int, tmp_path: Path) -> None:
    assert run_loop(setup(tmp_path, loop=loop)).step == steps


def test_the_rate_by_tokens(tmp_path: Path) -> None:
    run_loop(setup(tmp_path, loop=changed(max_steps=0, max_tokens=100)))
    rates = [line["learning_rate"] for line in lines(tmp_path, "train")]
    assert rates == pytest.approx([0.1 * (1 - (step + 0.5) / 10) for step in range(10)])


def test_the_batch_rises(tmp_path: Path) -> None:
    """From a quarter of eight passes to all of them over half the run, each batch once."""
    loop = changed(accumulation=8, batch_ramp=0.5, batch_ramp_start=0.25)
    run = setup(tmp_path, loop=loop)
    state = run_loop(run)
    assert isinstance(run.source, Numbers)
    passes = [2, 3, 4, 6, 7, 8, 8, 8, 8, 8]
    assert run.source.asked == list(range(sum(passes)))
    assert (state.step, state.batches, state.tokens) == (10, sum(passes), 10 * sum(passes))
    tokens = [line["tokens"] for line in lines(tmp_path, "train")]
    assert tokens == [10 * sum(passes[: n + 1]) for n in range(10)]


def test_a_ramp_within_epochs(tmp_path: Path) -> None:
    """The run is as long as its data, not as its steps: the rate falls with the batches."""
    loop = changed(max_steps=0, epochs=4.0, accumulation=4, batch_ramp=0.5, evaluate_steps=0)
    state = run_loop(setup(tmp_path, loop=loop))
    assert state.batches == 22  # 1 + 1 + 1 + 2 + 2 + 3 on the ramp, then 4 until 20 are done
    rates = [line["learning_rate"] for line in lines(tmp_path, "train")]
    assert rates[0] == pytest.approx(0.1 * (1 - 0.5 / 20))
    assert rates[-1] < 0.02
    # Every epoch's end is found, in steps of any size.
    ends = [line["step"] for line in lines(tmp_path, "dev")]
    assert len(ends) == 4


def test_a_timed_run_follows_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch takes six seconds: a minute has ten steps, and two minutes twenty."""
    clock = [1000.0]
    monkeypatch.setattr("squeezebert.training.loop.loop.time.monotonic", lambda: clock[0])

    class Slow(Numbers):
        def batch(self, number: int) -> Batch:
            clock[0] += 6.0
            return super().batch(number)

    optimizer = OptimizerRecipe(learning_rate=0.1, warmup=0.1, schedule="trapezoid", cooldown=0.5)

    def run(minutes: float) -> LoopState:
        loop = changed(max_steps=0, max_minutes=minutes, timed=True)
        return run_loop(setup(tmp_path, loop=loop, optimizer=optimizer, source=Slow()), resume=True)

    state = run(1.0)
    assert (state.step, state.stopped) == (10, "max_minutes")
    rates = [line["learning_rate"] for line in lines(tmp_path, "train")]
    assert rates[:5] == pytest.approx([0.0, 0.1, 0.1, 0.1, 0.1])
    assert rates[5:] == pytest.approx([0.1, 0.08, 0.06, 0.04, 0.02])
    # More time: at the peak again, then down once more.
    state = run(2.0)
    assert (state.step, state.stopped) == (20, "max_minutes")
    rates = [line["learning_rate"] for line in lines(tmp_path, "train")][10:]
    assert rates == pytest.approx([0.1, 0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01])


def test_evaluation_after_each_epoch(tmp_path: Path) -> None:
    run_loop(setup(tmp_path, loop=changed(max_steps=12, evaluate_steps=0)))
    assert [line["step"] for line in lines(tmp_path, "dev")] == [5, 10, 12]


def test_accumulation_is_a_larger_batch(tmp_path: Path) -> None:
    """Two batches a step have the gradient of their mean, whatever their sizes."""

    class Pairs(Numbers):
        def batch(self, number: int) -> Batch:
            one, two = super().batch(2 * number), super().batch(2 * number + 1)
            both = torch.cat([one.labels, two.labels])
            return Batch(inputs={"number": both}, labels=both, targets=2, tokens=20)

    accumulated = setup(tmp_path / "a", loop=changed(max_steps=4, accumulation=2))
    joined = setup(tmp_path / "b", loop=changed(max_steps=4), source=Pairs())
    run_loop(accumulated)
    run_loop(joined)
    torch.testing.assert_close(accumulated.model.value, joined.model.value)
    assert [line["grad_norm"] for line in lines(tmp_path / "a", "train")] == pytest.approx(
        [line["grad_norm"] for line in lines(tmp_path / "b", "train")]
    )


def test_gradients_are_clipped(tmp_path: Path) -> None:
    def step(limit: float) -> float:
        optimizer = OptimizerRecipe(
            learning_rate=1.0, warmup=0.0, max_grad_norm=limit, epsilon=1e6, schedule="constant"
        )
        loop = changed(max_steps=2)
        run = setup(tmp_path / str(limit), loop=loop, optimizer=optimizer)
        run_loop(run)
        return run.model.value.item()

    # With a huge epsilon AdamW moves in proportion to the gradient, which is 2 at the second step.
    assert step(0.0) == pytest.approx(2 * step(1.0), rel=1e-3)


def test_the_best_weights_are_kept(tmp_path: Path) -> None:
    seen: list[float] = []
    run = setup(tmp_path, loop=changed(evaluate_steps=2))
    scores = iter([0.1, 0.5, 0.5, 0.2, float("nan")])

    def evaluate() -> DevScore:
        seen.append(run.model.value.item())
        return DevScore(values={"score": next(scores)}, main="score")

    state = run_loop(dataclasses.replace(run, evaluate=evaluate))
    assert state.best_step == 6  # of equals the later
    assert run.model.value.item() == seen[2] != seen[4]


def test_lower_may_be_better(tmp_path: Path) -> None:
    losses = iter([3.0, 1.0, 2.0, 4.0, 5.0])
    run = setup(
        tmp_path,
        loop=changed(evaluate_steps=2),
        evaluate=lambda: DevScore(
            values={"loss": next(losses)}, main="loss", higher_is_better=False
        ),
    )
    assert run_loop(run).best_step == 4


def test_early_stopping(tmp_path: Path) -> None:
    loop = changed(max_steps=50, evaluate_steps=2, patience=2)
    state = run_loop(setup(tmp_path, loop=loop, scores=[0.1, 0.5, 0.5, 0.4]))
    assert (state.step, state.best_step, state.stopped) == (8, 6, "early stopping")


def test_the_clock_stops_a_run_and_more_time_goes_on(tmp_path: Path) -> None:
    short = changed(max_minutes=1e-9, max_steps=3)
    state = run_loop(setup(tmp_path, loop=short))
    # The clock is read when a step begins, so that all processes agree.
    assert state.stopped == "max_minutes"
    assert 0 < state.step < 3
    again = run_loop(setup(tmp_path, loop=short), resume=True)
    assert again.step == state.step
    longer = run_loop(setup(tmp_path, loop=changed(max_steps=3)), resume=True)
    assert (longer.step, longer.stopped) == (3, "complete")


def test_checkpoints_between_evaluations(tmp_path: Path) -> None:
    class Stopped(Numbers):
        def batch(self, number: int) -> Batch:
            if number == 3:
                raise KeyboardInterrupt
            return super().batch(number)

    loop = changed(checkpoint_minutes=0.0)
    with pytest.raises(KeyboardInterrupt):
        run_loop(setup(tmp_path, loop=loop, source=Stopped()))
    newest = latest(tmp_path / "checkpoints")
    assert newest is not None
    assert newest.name == "step-00000003"


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    first = setup(tmp_path)
    state = run_loop(first)
    again = setup(tmp_path)
    assert run_loop(again, resume=True) == state
    assert again.model.value.equal(first.model.value)
    assert isinstance(again.source, Numbers)
    assert again.source.asked == []
    remove_checkpoints(tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def other_data(run: Setup) -> Setup:
    source = Numbers()
    source.key = "others"
    return dataclasses.replace(run, source=source)


@pytest.mark.parametrize(
    ("change", "resume", "error", "message"),
    [
        (lambda run: run, False, ConfigError, "not finished"),
        (other_data, True, ConfigError, "data of the run .* has changed"),
        (
            lambda run: dataclasses.replace(run, model=Weight(2)),
            True,
            CheckpointError,
            "another shape",
        ),
    ],
)
def test_a_run_that_cannot_go_on(
    change: Callable[[Setup], Setup],
    resume: bool,
    error: type[Exception],
    message: str,
    tmp_path: Path,
) -> None:
    run_loop(setup(tmp_path))
    with pytest.raises(error, match=message):
        run_loop(change(setup(tmp_path)), resume=resume)


def test_a_loss_that_is_no_number(tmp_path: Path) -> None:
    def broken(model: nn.Module, batch: Batch) -> Tensor:
        return squared(model, batch) * float("nan")

    with pytest.raises(SqueezeBertError, match=r"the loss is nan at step 1\nhint: lower"):
        run_loop(setup(tmp_path, loss=broken))


def test_utilization_is_told_where_the_cost_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("squeezebert.training.loop.loop.peak_flops", lambda *_, **__: 1e15)
    run_loop(setup(tmp_path / "unknown"))
    assert all("mfu" not in line for line in lines(tmp_path / "unknown", "train"))
    assert "MFU" not in capsys.readouterr().err
    run_loop(setup(tmp_path / "known", flops_per_token=1e6, loop=changed(log_seconds=0.0)))
    for line in lines(tmp_path / "known", "train"):
        share = line["tokens_per_second"] * 3 * 1e6 / 1e15
        assert line["mfu"] == pytest.approx(share, rel=1e-4)
    error = capsys.readouterr().err
    assert "peak 1e+03 TFLOP/s" in error
    assert "MFU" in error


def test_bf16_computes_in_bf16(tmp_path: Path) -> None:
    kinds: set[torch.dtype] = set()

    class Product(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, number: Tensor) -> Tensor:
            y = self.layer(number)
            kinds.add(y.dtype)
            return y.float()

    for precision in ("bf16", "float32"):
        loop = changed(max_steps=1, precision=precision)
        run_loop(setup(tmp_path / precision, loop=loop, model=Product()))
    assert kinds == {torch.bfloat16, torch.float32}


def test_the_state_says_nothing_before_an_evaluation() -> None:
    assert LoopState().best_score is None
    assert DevScore(values={"a": float("nan")}, main="a").compare(None) == -1
