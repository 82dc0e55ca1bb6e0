"""The one training loop, which is handed a model, numbered batches and a loss.

What happens at step ``n`` depends on the weights, the optimizer's moments and ``n`` alone: numbered
batches, numbers seeded at each step, a rate that follows the share done. So resuming needs no more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from squeezebert.checkpoint.directory import CHECKPOINTS
from squeezebert.errors import CheckpointError, ConfigError, SqueezeBertError
from squeezebert.model.encoder import Block
from squeezebert.training.loop.batches import Batch, BatchSource, Prefetched
from squeezebert.training.loop.hardware import accelerator, peak_flops, seed_everything, uses_bf16
from squeezebert.training.loop.optimizer import RunOptimizer, rate_share
from squeezebert.training.loop.progress import Metrics, Throughput, duration
from squeezebert.training.loop.resume import (
    LoopState,
    check_same_run,
    clean,
    latest,
    read_best,
    read_checkpoint,
    write_checkpoint,
)
from squeezebert.training.loop.setup import DevScore, Setup


def run_loop(setup: Setup, *, resume: bool = False) -> LoopState:
    """Trains ``setup.model`` and leaves it with the weights of the best dev score.

    Args:
        setup: The run.
        resume: Go on from the newest checkpoint in ``setup.output``, if there is one.

    Returns:
        The state after the last step. The last checkpoint stays until the caller has saved the
        model: see :func:`~squeezebert.training.loop.resume.remove_checkpoints`.

    Raises:
        ConfigError: a checkpoint is there but ``resume`` is not asked for, or its data differs.
        CheckpointError: the checkpoint cannot be read or does not fit the model.
        SqueezeBertError: the loss is no longer a number.
    """
    return _Run(setup, resume=resume).run()


class _Run:
    """A run in progress."""

    def __init__(self, setup: Setup, *, resume: bool) -> None:
        self.setup = setup
        if setup.loop.torch_threads:
            torch.set_num_threads(setup.loop.torch_threads)
        self.accelerator = accelerator()
        self.device: torch.device = self.accelerator.device
        self.bf16 = uses_bf16(setup.loop.precision, self.device)
        setup.model.to(self.device)
        self.optimizer = RunOptimizer(setup.model, setup.optimizer)
        if setup.loop.compile:
            compile_blocks(setup.model)
        self.world: int = self.accelerator.num_processes
        self.state = LoopState(
            data_key=setup.source.key, settings=setup.settings, processes=self.world
        )
        self.folder = setup.output / CHECKPOINTS
        self._resume(resume)
        self.model: nn.Module = self.accelerator.prepare(setup.model)
        self.last_batches = 0  # of the step before, over all processes
        self.source: BatchSource = setup.source
        if self.device.type == "cuda":  # a CPU has its hands full with the step itself
            self.source = Prefetched(
                setup.source, ahead=setup.loop.accumulation, stride=self.world, pinned=True
            )
        self.all_batches = self.source.batches_in(setup.loop.epochs)
        main = self.accelerator.is_main_process
        self.loss_sum = torch.tensor(self.state.loss_sum if main else 0.0, device=self.device)
        self.peak = 0.0
        if setup.flops_per_token:
            self.peak = self.world * peak_flops(self.device, bf16=self.bf16)
        self.before = self.state.seconds
        self.begun = self.saved = time.monotonic()
        self.first = self.done()
        self.throughput = Throughput(
            flops_per_token=setup.flops_per_token, peak=self.peak, tokens=self.state.tokens
        )

    # The run

    def run(self) -> LoopState:
        loop = self.setup.loop
        with Metrics(
            self.setup.output,
            title=self.setup.title,
            step=self.state.step,
            log_seconds=loop.log_seconds,
            tensorboard=loop.tensorboard,
            active=self.accelerator.is_main_process and not self.setup.quiet,
        ) as metrics:
            metrics.say(self._plan())
            while not self.state.stopped:
                norm, rate = self._step()
                reason = self._reason()
                if reason or self.state.step % loop.log_steps == 0:
                    self._log(metrics, norm, rate)
                if reason or self._evaluation_due():
                    with self.throughput.paused():
                        improved = self._evaluate(metrics)
                        self.state = dataclasses.replace(
                            self.state, stopped=reason or self._reason()
                        )
                        self._save(improved=improved)
                elif time.monotonic() - self.saved >= loop.checkpoint_minutes * 60:
                    with self.throughput.paused():
                        self._save(improved=False)
        if isinstance(self.source, Prefetched):
            self.source.close()
        self._load_best()
        return self.state

    def done(self, steps: float = 0.0, batches: float = 0.0, tokens: float = 0.0) -> float:
        """The share of the run that lies behind once so much more has."""
        loop, state = self.setup.loop, self.state
        if loop.timed:
            spent, all_ = state.seconds, loop.max_minutes * 60
        elif loop.max_tokens:
            spent, all_ = state.tokens + tokens, loop.max_tokens
        elif loop.max_steps:
            spent, all_ = state.step + steps, loop.max_steps
        else:
            spent, all_ = state.batches + batches, self.all_batches
        return min(spent / all_, 1.0)

    def passes(self) -> int:
        """Forward passes of the next step in each process."""
        loop = self.setup.loop
        if self.done() >= loop.batch_ramp:
            return loop.accumulation
        start = loop.batch_ramp_start * loop.accumulation
        risen = start + (loop.accumulation - start) * self.done() / loop.batch_ramp
        return max(round(risen), 1)

    def _plan(self) -> str:
        loop, parameters = self.setup.loop, list(self.setup.model.parameters())
        trained = sum(p.numel() for p in parameters if p.requires_grad) / 1e6
        every = sum(p.numel() for p in parameters) / 1e6
        if loop.timed:
            length = f"{loop.max_minutes:g} minutes"
        elif loop.max_tokens:
            length = f"{loop.max_tokens:,} tokens"
        elif loop.max_steps:
            length = f"{loop.max_steps:,} steps"
        else:
            length = f"{loop.epochs:g} epoch{'s' if loop.epochs != 1 else ''}"
        peak = f", peak {self.peak / 1e12:.3g} TFLOP/s" if self.peak else ""
        return (
            f"{self.setup.title}: {length} from step {self.state.step}, {trained:.2f} of "
            f"{every:.2f} M parameters, {'bf16' if self.bf16 else 'float32'} on {self.device}, "
            f"{self.world} process{'es' if self.world > 1 else ''}{peak}"
        )

    def _reason(self) -> str:
        """Why the run is over; empty while it is not."""
        loop, state = self.setup.loop, self.state
        if loop.timed and self.done() >= 1.0:
            return "max_minutes"
        if self.done() >= 1.0 or (loop.max_steps and state.step >= loop.max_steps):
            return "complete"
        if loop.patience and state.evaluations_since_best >= loop.patience:
            return "early stopping"
        if loop.max_minutes and state.seconds >= loop.max_minutes * 60:
            return "max_minutes"
        return ""

    def _step(self) -> tuple[Tensor, float]:
        """One step of the optimizer: the norm of its gradients and its learning rate."""
        setup, state = self.setup, self.state
        rank = self.accelerator.process_index
        seed_everything(setup.loop.seed, 2, state.step, rank)
        self.model.train()
        for gradual in setup.gradual:
            gradual.step(self.done())
        passes = self.passes()
        batches = [
            self.source.batch(state.batches + rank + pass_ * self.world) for pass_ in range(passes)
        ]
        self.last_batches = passes * self.world
        targets, tokens, seconds = self._total(batches)
        for index, batch in enumerate(batches):
            last = index == len(batches) - 1
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.model):
                with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
                    loss = setup.loss(self.model, batch.to(self.device))
                # Processes average their gradients; times their number it is a sum again.
                self.accelerator.backward(loss * (self.world / max(targets, 1)))
            self.loss_sum += loss.detach()
        norm = self._clip()
        # The rate at the middle of the step: no step runs at rate 0.
        share = rate_share(self.done(0.5, self.last_batches / 2, tokens / 2), setup.optimizer)
        self.optimizer.step(share)
        self.state = dataclasses.replace(
            state,
            step=state.step + 1,
            batches=state.batches + self.last_batches,
            tokens=state.tokens + tokens,
            seconds=seconds,
            loss_targets=state.loss_targets + targets,
        )
        return norm, share * setup.optimizer.learning_rate

    def _total(self, batches: Sequence[Batch]) -> tuple[int, int, float]:
        """Targets and tokens of this step over all processes, and the main one's clock."""
        seconds = self.before + time.monotonic() - self.begun
        totals = (sum(b.targets for b in batches), sum(b.tokens for b in batches), seconds)
        if self.world == 1:
            return totals
        if not self.accelerator.is_main_process:
            totals = (*totals[:2], 0.0)
        summed = self._sum(torch.tensor(totals, dtype=torch.float64, device=self.device))
        targets, tokens, seconds = summed.tolist()
        return int(targets), int(tokens), seconds

    def _clip(self) -> Tensor:
        limit = self.setup.optimizer.max_grad_norm or float("inf")
        norm = self.accelerator.clip_grad_norm_(self.setup.model.parameters(), limit)
        assert norm is not None  # None with XLA only
        return norm

    def _sum(self, value: Tensor) -> Tensor:
        """The sum of ``value`` over all processes."""
        if self.world == 1:
            return value
        return cast(Tensor, self.accelerator.reduce(value.clone(), reduction="sum"))

    # What is told

    def _log(self, metrics: Metrics, norm: Tensor, rate: float) -> None:
        state = self.state
        loss = self._sum(self.loss_sum).item() / max(state.loss_targets, 1)
        if loss != loss or abs(loss) == float("inf"):
            raise SqueezeBertError(
                f"the loss is {loss} at step {state.step}",
                hint="lower optimizer.learning_rate or raise optimizer.warmup; "
                "with bf16 try loop.precision = 'float32'",
            )
        self.loss_sum.zero_()
        self.state = dataclasses.replace(state, loss_targets=0)
        elapsed = max(time.monotonic() - self.begun, 1e-9)
        done = self.done()
        left = elapsed * (1.0 - done) / max(done - self.first, 1e-9)
        if self.setup.loop.max_minutes:
            left = min(left, self.setup.loop.max_minutes * 60 - state.seconds)
        pace = self.throughput.read(state.tokens)
        values = {
            "loss": loss,
            "learning_rate": rate,
            "grad_norm": norm.item(),
            "tokens": state.tokens,
            **pace,
            "seconds": round(state.seconds, 3),
        }
        metrics.write(state.step, "train", values)
        utilization = f"  MFU {100 * pace['mfu']:.3g}%" if "mfu" in pace else ""
        metrics.show(
            done,
            f"step {state.step}  loss {loss:.4f}  rate {rate:.2e}  "
            f"{pace['tokens_per_second']:,.0f} tokens/s{utilization}  {duration(left)} left",
        )

    # The dev set

    def _evaluation_due(self) -> bool:
        every = self.setup.loop.evaluate_steps
        if every:
            return self.state.step % every == 0
        epoch = self.source.epoch
        return epoch(self.state.batches) != epoch(self.state.batches - self.last_batches)

    def _evaluate(self, metrics: Metrics) -> bool:
        """Measures on the dev set; whether these weights are the ones to keep."""
        score: DevScore | None = None
        if self.accelerator.is_main_process:
            self.setup.model.eval()
            for gradual in self.setup.gradual:
                gradual.evaluate()
            # In other shapes than training, so for them alone it would be compiled anew.
            with torch.no_grad(), torch.compiler.set_stance("force_eager"):
                score = self.setup.evaluate()
        if self.world > 1:
            [score] = broadcast_object_list([score])
        assert score is not None
        state = self.state
        gain = score.compare(state.best_score)
        since = 0 if gain > 0 else state.evaluations_since_best + 1
        self.state = dataclasses.replace(state, evaluations_since_best=since)
        if gain >= 0:  # of equals the later: it has seen more
            self.state = dataclasses.replace(
                self.state,
                best_score=score.values[score.main],
                best_step=state.step,
                best_values=dict(score.values),
            )
        spent = {"tokens": state.tokens, "seconds": round(state.seconds, 3)}
        metrics.write(state.step, "dev", {**score.values, **spent})
        shown = "  ".join(f"{name} {value:.4f}" for name, value in score.values.items())
        metrics.say(f"step {state.step}  dev: {shown}{'  (best)' if gain >= 0 else ''}")
        return gain >= 0

    # Checkpoints

    def _save(self, *, improved: bool) -> None:
        self.saved = time.monotonic()
        if not self.accelerator.is_main_process:
            return
        # With several processes an estimate, as the others' parts are not asked for: it goes into
        # the one line of metrics that follows a resume, and nowhere else.
        loss_sum = self.loss_sum.item() * self.world
        self.state = dataclasses.replace(self.state, loss_sum=loss_sum)
        write_checkpoint(
            self.folder,
            self.state,
            model=_tensors(self.setup.model),
            optimizer=self.optimizer.moments(),
            is_best=improved,
        )

    def _resume(self, resume: bool) -> None:
        if self.accelerator.is_main_process and resume:
            clean(self.folder)
        self.accelerator.wait_for_everyone()
        newest = latest(self.folder)
        if newest is None:
            return
        if not resume:
            raise ConfigError(
                f"{self.setup.output} holds a run that is not finished ({newest.name})",
                hint="go on with --resume, or choose another output directory",
            )
        checkpoint = read_checkpoint(newest)
        check_same_run(checkpoint, self.state)
        _restore(_tensors(self.setup.model), checkpoint.model, newest)
        self.optimizer.restore(checkpoint.optimizer)
        now = self.state
        self.state = dataclasses.replace(
            checkpoint.state, settings=now.settings, processes=now.processes
        )
        more = self.setup.loop.max_minutes * 60
        if self.state.stopped == "max_minutes" and (not more or self.state.seconds < more):
            self.state = dataclasses.replace(self.state, stopped="")

    def _load_best(self) -> None:
        newest = latest(self.folder)
        if newest is not None and self.accelerator.is_main_process:
            best = read_best(newest)
            if best is not None:
                _restore(_tensors(self.setup.model), best, newest)
        self.accelerator.wait_for_everyone()
        self.setup.model.eval()


def compile_blocks(model: nn.Module) -> None:
    """Has ``torch.compile`` fuse each encoder block. All blocks share what is compiled once, which
    takes seconds, where the whole model would take minutes; heads and batches may change shape.
    """
    for module in model.modules():
        if isinstance(module, Block):
            module.compile()


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, tied ones once."""
    named = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: tensor.detach() for name, tensor in named.items()}


def _restore(into: Mapping[str, Tensor], saved: Mapping[str, Tensor], where: Path) -> None:
    shapes = {name: tuple(t.shape) for name, t in into.items()}
    if shapes != {name: tuple(t.shape) for name, t in saved.items()}:
        raise CheckpointError(
            f"the checkpoint {where} is of a model of another shape",
            hint="start again in another output directory",
        )
    for name, tensor in into.items():
        tensor.copy_(saved[name])
