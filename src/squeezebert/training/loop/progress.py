"""What a run tells while it works: ``metrics.jsonl``, TensorBoard, a bar or lines on stderr, and
how fast it goes.
"""

from __future__ import annotations

import contextlib
import json
import time
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from squeezebert.files import writing
from squeezebert.shown import console, shown

TRAINING_FACTOR = 3
"""A backward pass multiplies each matrix twice: by gradients of outputs, and by inputs."""


def truncate_metrics(path: Path, step: int) -> None:
    """Drops the lines of ``metrics.jsonl`` after ``step``, and a last line that was cut short."""
    if not path.is_file():
        return
    kept: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] > step:
                continue
        except (ValueError, KeyError, TypeError):
            continue
        kept.append(line + "\n")
    partial = path.with_suffix(".partial")
    partial.write_text("".join(kept), encoding="utf-8")
    partial.replace(path)


class Metrics:
    """Writes metrics and shows progress; a context manager.

    Args:
        output: The run's directory.
        title: Stands before the bar.
        step: The step the run starts from: later lines of an earlier, killed run are dropped.
        log_seconds: Seconds between lines where stderr is not a terminal.
        tensorboard: Also write event files, if the package is there.
        active: False for all but the main process.

    Raises:
        CheckpointError: the disk does not take them.
    """

    def __init__(
        self,
        output: Path,
        *,
        title: str,
        step: int,
        log_seconds: float,
        tensorboard: bool,
        active: bool,
    ) -> None:
        self._active = active
        self._console = console(stderr=True, quiet=not active)
        self._title = title
        self._log_seconds = log_seconds
        self._last_line = -float("inf")
        self._file = None
        self._events: Any = None
        if active:
            self._path = output / "metrics.jsonl"
            with writing(self._path):
                output.mkdir(parents=True, exist_ok=True)
                truncate_metrics(self._path, step)
                self._file = self._path.open("a", encoding="utf-8")
            if tensorboard:
                self._events = _event_writer(output / "tensorboard", step)
                if self._events is None:
                    self.say("tensorboard is not installed: metrics go to metrics.jsonl only")
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[status]}"),
            console=self._console,
            disable=not (active and self._console.is_terminal),
            transient=True,
        )
        self._task = self._progress.add_task(title, total=1.0, status="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
        if self._file is not None:
            self._file.close()
        if self._events is not None:
            self._events.close()

    def write(self, step: int, kind: str, values: Mapping[str, float]) -> None:
        """One line of ``metrics.jsonl``: ``{"step", "kind": "train" or "dev", …values}``."""
        if self._file is None:
            return
        with writing(self._path):
            self._file.write(json.dumps({"step": step, "kind": kind, **values}) + "\n")
            self._file.flush()
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(f"{kind}/{name}", value, step)

    def show(self, done: float, status: str, *, force: bool = False) -> None:
        """Moves the bar to the share ``done``; without a terminal a line now and then."""
        if not self._progress.disable:
            self._progress.update(self._task, completed=done, status=status)
        elif force or time.monotonic() - self._last_line >= self._log_seconds:
            self._last_line = time.monotonic()
            self.say(f"{self._title} {done:6.1%}  {status}")

    def say(self, line: str) -> None:
        """One line on stderr, above the bar."""
        self._console.print(shown(line), soft_wrap=True, markup=False)


def _event_writer(directory: Path, step: int) -> Any:
    with warnings.catch_warnings(), contextlib.suppress(ImportError):
        warnings.simplefilter("ignore")  # tensorboard's own imports are deprecated in places
        from torch.utils.tensorboard import SummaryWriter

        # purge_step hides what a killed run had written beyond the checkpoint.
        return SummaryWriter(str(directory), purge_step=step + 1 if step else None)
    return None


def duration(seconds: float) -> str:
    """Seconds as a person reads them.

    >>> duration(75), duration(3700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Throughput:
    """Tokens a second and model FLOP utilization since the last reading.

    Model FLOP utilization (MFU) is the rate of the operations that the model needs, forward and
    backward, by the hardware's peak (Chowdhery et al. 2022, appendix B). What an implementation
    computes beside that, such as activations a second time, does not count.

    Args:
        flops_per_token: Of the forward pass; 0 where it is not known: no utilization then.
        peak: FLOP/s of all processes' hardware together.
        tokens: Tokens seen before.
    """

    def __init__(self, *, flops_per_token: float, peak: float, tokens: int) -> None:
        self._flops_per_token = TRAINING_FACTOR * flops_per_token
        self._peak = peak
        self._tokens = tokens
        self._since = time.monotonic()

    @contextlib.contextmanager
    def paused(self) -> Generator[None, None, None]:
        """Leaves out the time of evaluations and checkpoints."""
        if torch.accelerator.is_available():  # which may still have training to do
            torch.accelerator.synchronize()
        begun = time.monotonic()
        yield
        self._since += time.monotonic() - begun

    def read(self, tokens: int) -> dict[str, float]:
        """``tokens_per_second``, and ``mfu`` in [0, 1] where it is known, since the last call.

        Args:
            tokens: Tokens seen by now.
        """
        now = time.monotonic()
        speed = (tokens - self._tokens) / max(now - self._since, 1e-9)
        self._tokens, self._since = tokens, now
        values = {"tokens_per_second": _significant(speed)}
        if self._flops_per_token and self._peak:
            values["mfu"] = _significant(speed * self._flops_per_token / self._peak)
        return values


def _significant(value: float) -> float:
    """Six digits from the first that counts. By decimal places, the small share that a tiny model
    has of a fast machine would be 0.

    >>> _significant(0.0000123456789), _significant(1234567.8)
    (1.23457e-05, 1234570.0)
    """
    return float(f"{value:.6g}")
