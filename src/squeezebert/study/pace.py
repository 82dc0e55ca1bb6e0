"""How fast this machine trains and runs a model of a shape: a few steps with random weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from squeezebert.config import EncoderConfig
from squeezebert.model import HeadConfig, LogitsOutput, TaskModel, build_model
from squeezebert.spec import TaskName
from squeezebert.training.loop.hardware import accelerator, uses_bf16

TEXTS = 8
"""Of the batch that is measured."""

MASKED = 7
"""Of so many tokens one is masked, and gives logits."""


@dataclass(frozen=True)
class Pace:
    """Tokens a second.

    Args:
        training: Of a step of fine-tuning, on the device that trains.
        answering: Of PyTorch in float32 on the CPU.
    """

    training: float
    answering: float


def measure_pace(
    config: EncoderConfig, task: TaskName, length: int, *, threads: int | None = None
) -> Pace:
    """Measures one step after a first that warms up.

    Args:
        config: The model's shape.
        task: Its head.
        length: Tokens a text.
        threads: CPU threads of a model that answers; as torch is set where None.
    """
    length = min(length, config.max_position_embeddings)
    labels = ("O", "B-A", "I-A") if task == "token_classification" else ("a", "b", "c")
    head = HeadConfig(kind=task, labels=() if task == "masked_lm" else labels)
    before, state = torch.get_num_threads(), torch.random.get_rng_state()
    try:
        model = build_model(config, head)
        device = accelerator().device
        training = _training(model.to(device), task, length, device)
        if threads is not None:
            torch.set_num_threads(threads)
        answering = _answering(model.to("cpu"), task, length)
    finally:
        torch.set_num_threads(before)
        torch.random.set_rng_state(state)
    return Pace(training=training, answering=answering)


def _inputs(
    model: TaskModel, task: TaskName, length: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor | None]:
    ids = torch.arange(TEXTS * length, device=device) % model.config.vocab_size
    ids = ids.reshape(TEXTS, length)
    positions = torch.arange(0, TEXTS * length, MASKED, device=device)
    return ids, positions if task == "masked_lm" else None


def _training(model: TaskModel, task: TaskName, length: int, device: torch.device) -> float:
    model.train()
    ids, positions = _inputs(model, task, length, device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16("auto", device)):
            output = model(ids, None, None, positions)
        assert isinstance(output, LogitsOutput)
        logits = output.logits.flatten(0, -2).float()
        cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=device)).backward()
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return ids.numel() / _seconds(step)


def _answering(model: TaskModel, task: TaskName, length: int) -> float:
    model.eval()
    ids, positions = _inputs(model, task, length, torch.device("cpu"))

    def step() -> None:
        with torch.inference_mode():
            model(ids, None, None, positions)

    return ids.numel() / _seconds(step)


def _seconds(step: Callable[[], None]) -> float:
    step()
    begun = time.perf_counter()
    step()
    return max(time.perf_counter() - begun, 1e-9)
