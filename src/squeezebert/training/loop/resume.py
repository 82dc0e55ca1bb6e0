"""Checkpoints that are either whole or not there.

A checkpoint is a directory ``checkpoints/step-00001200`` of safetensors and JSON; nothing is ever
unpickled. It is written under a hidden name, flushed to disk and renamed; only then is the one
before it renamed away and deleted. So whatever moment the process dies at, the newest directory
with a visible name is complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from squeezebert.checkpoint.directory import CHECKPOINTS
from squeezebert.errors import CheckpointError, ConfigError
from squeezebert.files import writing
from squeezebert.training.recipe.file import changed_settings

FORMAT = 2
WEIGHTS, MOMENTS = "model.safetensors", "optimizer.safetensors"
BEST = "best.safetensors"
"""A hard link where the file system has them, so that weights are written once."""

_NAME = re.compile(r"step-(\d{8,})")


@dataclass(frozen=True, kw_only=True)
class LoopState:
    """Where a run stands, beside its tensors.

    Args:
        step: Optimizer steps done.
        batches: Forward passes done, over all processes.
        tokens: Input tokens seen.
        seconds: Time spent training, over all resumed runs.
        loss_sum: Summed loss since the last line of metrics.
        loss_targets: Targets since then.
        best_score: The best dev score so far; None before the first evaluation.
        best_step: The step it was reached at.
        best_values: All dev scores of that step.
        evaluations_since_best: For early stopping.
        stopped: Why the run ended; empty while it has not.
        data_key: Names the data that the run was trained on.
        settings: The recipe's, by dotted name, as far as they touch what is computed. Empty in
            checkpoints that earlier versions wrote.
        processes: How many trained together; 0 in checkpoints that earlier versions wrote.
    """

    step: int = 0
    batches: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    loss_targets: int = 0
    best_score: float | None = None
    best_step: int = 0
    best_values: Mapping[str, float] | None = None
    evaluations_since_best: int = 0
    stopped: str = ""
    data_key: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    processes: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """A checkpoint that was read back."""

    directory: Path
    state: LoopState
    model: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]


def write_checkpoint(
    folder: Path,
    state: LoopState,
    *,
    model: Mapping[str, Tensor],
    optimizer: Mapping[str, Tensor],
    is_best: bool,
) -> Path:
    """Writes the checkpoint of ``state.step`` and deletes older ones.

    Args:
        folder: The run's ``checkpoints`` directory.
        state: Where the run stands.
        model: Parameters and buffers by name.
        optimizer: The optimizer's tensors, named ``<parameter>/<moment>``.
        is_best: Whether ``model`` is the best so far; if not, the best weights are those of the
            checkpoint before.

    Raises:
        CheckpointError: the disk does not take it; the checkpoint before is still there.
    """
    with writing(folder / f"step-{state.step:08d}"):
        return _write_checkpoint(folder, state, model=model, optimizer=optimizer, is_best=is_best)


def _write_checkpoint(
    folder: Path,
    state: LoopState,
    *,
    model: Mapping[str, Tensor],
    optimizer: Mapping[str, Tensor],
    is_best: bool,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"step-{state.step:08d}"
    before = latest(folder)
    partial = folder / f".writing-{name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    save_file(dict(model), partial / WEIGHTS)
    save_file(dict(optimizer), partial / MOMENTS)
    if is_best:
        _link(partial / WEIGHTS, partial / BEST)
    elif before is not None and (before / BEST).is_file():
        _link(before / BEST, partial / BEST)
    content = {"format": FORMAT, **asdict(state)}
    (partial / "state.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    for file in partial.iterdir():
        _flush(file)
    final = folder / name
    if final.exists():  # a run that goes on after it was complete writes its last step again
        final.rename(folder / f".old-{name}")
    partial.rename(final)
    _flush(folder)
    clean(folder)
    return final


def latest(folder: Path) -> Path | None:
    """The newest complete checkpoint, or None."""
    if not folder.is_dir():
        return None
    found = [entry for entry in folder.iterdir() if _NAME.fullmatch(entry.name)]
    return max(found, key=lambda entry: int(entry.name.removeprefix("step-")), default=None)


def clean(folder: Path) -> None:
    """Deletes what a killed run left half-written, and all checkpoints but the newest."""
    newest = latest(folder)
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry == newest or not entry.is_dir():
            continue
        if _NAME.fullmatch(entry.name):
            # Renamed first: a visible name is a promise that the checkpoint is whole.
            entry = entry.rename(folder / f".old-{entry.name}")
        if entry.name.startswith((".old-", ".writing-")):
            shutil.rmtree(entry)


def read_checkpoint(directory: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        CheckpointError: a file that is missing or damaged, or another format.
    """
    try:
        content: dict[str, Any] = json.loads((directory / "state.json").read_text("utf-8"))
        if content.pop("format", None) != FORMAT:
            raise CheckpointError(f"{directory} is a checkpoint of another version")
        return Checkpoint(
            directory=directory,
            state=LoopState(**content),
            model=load_file(directory / WEIGHTS),
            optimizer=load_file(directory / MOMENTS),
        )
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise CheckpointError(
            f"cannot read the checkpoint {directory}: {error}",
            hint="delete the run's output directory and start again",
        ) from error


def check_same_run(checkpoint: Checkpoint, now: LoopState) -> None:
    """Whether a checkpoint is of the run that is to go on.

    Args:
        checkpoint: What was read.
        now: The run before its first step.

    Raises:
        ConfigError: other data, another recipe, or another number of processes, whose steps would
            be of another size.
    """
    before, where = checkpoint.state, checkpoint.directory
    if before.data_key != now.data_key:
        raise ConfigError(
            f"the data of the run in {where.parent.parent} has changed since it began",
            hint="restore the data, or start again in another output directory",
        )
    # recipe.toml may have been changed since.
    changed = changed_settings(before.settings, now.settings)
    if before.settings and changed:
        raise ConfigError(
            f"the checkpoint {where} is of another recipe: {changed}",
            hint="restore the recipe, or start again in another output directory",
        )
    if before.processes not in (0, now.processes):
        raise ConfigError(
            f"processes: {before.processes} when {where} was written, {now.processes} now; the "
            "steps would be of another size",
            hint=f"go on under torchrun with an nproc_per_node of {before.processes}, or start "
            "again in another output directory",
        )


def read_best(directory: Path) -> dict[str, Tensor] | None:
    """The weights of the best step that a checkpoint holds, or None before any evaluation."""
    return load_file(directory / BEST) if (directory / BEST).is_file() else None


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_checkpoints(output: Path) -> None:
    """Deletes the checkpoints of a run whose model is saved."""
    folder = output / CHECKPOINTS
    newest = latest(folder)
    if newest is not None:
        newest.rename(folder / f".old-{newest.name}")
    clean(folder)
    with contextlib.suppress(OSError):
        folder.rmdir()
