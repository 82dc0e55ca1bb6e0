"""The process of one peer: loads one model once, then answers one line of JSON with another.

It waits on a pipe between its turns, so its threads do not fight with those of the peer whose turn
it is. Everything that libraries print goes to stderr, which the parent keeps in a log.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.peers.runtimes.base import Runtime, Setup
from experiments.peers.texts import TextRunner
from squeezebert.batch import RaggedBatch
from squeezebert.checkpoint.directory import read_config


class Worker:
    """What it holds between messages; each public method is one message."""

    def __init__(self) -> None:
        self.setup: Setup
        self.runtime: Runtime
        self.prepared: Any
        self.runner: TextRunner

    def checkpoint(self, model: str, folder: str, seed: int) -> dict[str, Any]:
        """Makes a preset's checkpoint of random weights and what is to be known of it."""
        from experiments.peers.checkpoints import make_checkpoint

        make_checkpoint(model, Path(folder), seed)
        return {}

    def prepare(self, module: str, setup: dict[str, Any]) -> dict[str, Any]:
        """Makes the files that a peer loads."""
        importlib.import_module(f"experiments.peers.runtimes.{module}").prepare(_setup(setup))
        return {}

    def load(self, module: str, setup: dict[str, Any]) -> dict[str, Any]:
        """Loads the model. Says which instruction set it runs on, where the peer tells."""
        self.setup = _setup(setup)
        self.runtime = importlib.import_module(f"experiments.peers.runtimes.{module}").load(
            self.setup
        )
        return {"isa": getattr(self.runtime, "isa", None)}

    def check(self, reference: str) -> dict[str, Any]:
        """The mean cosine of the token states with those of the reference, on its ragged batch."""
        with np.load(reference) as file:
            rows = np.split(file["input_ids"], file["cu_seqlens"][1:-1])
            expected = file["hidden"].astype(np.float64)
        batch = RaggedBatch.of(rows)
        outputs = self.runtime.call(self.runtime.inputs(batch))
        hidden = self.runtime.hidden(outputs, batch).astype(np.float64)
        if hidden.shape != expected.shape or not np.isfinite(hidden).all():
            return {"cosine": 0.0}
        norms = np.linalg.norm(hidden, axis=1) * np.linalg.norm(expected, axis=1)
        return {"cosine": float(np.mean((hidden * expected).sum(axis=1) / norms))}

    def ready(self, batch: int, length: int, seed: int) -> dict[str, Any]:
        """Takes random ids of that shape, and makes two calls, compiling where need be."""
        generator = np.random.default_rng(seed)
        vocabulary = read_config(self.setup.checkpoint).vocab_size
        rows = generator.integers(5, vocabulary, (batch, length))
        self.prepared = self.runtime.inputs(RaggedBatch.of(rows))
        self.runtime.call(self.prepared)
        return {"ms": self._timed()}

    def turn(self, calls: int) -> dict[str, Any]:
        """Times that many calls, after one that is not timed."""
        self.runtime.call(self.prepared)
        return {"ms": [self._timed() for _ in range(calls)]}

    def _timed(self) -> float:
        start = time.perf_counter()
        self.runtime.call(self.prepared)
        return (time.perf_counter() - start) * 1000.0

    def texts(self, path: str, tokenizer: str, max_length: int) -> dict[str, Any]:
        """Takes a set of texts, and finds the token budget of a batch that suits this peer."""
        texts = json.loads(Path(path).read_text(encoding="utf-8"))
        self.runtime.many_shapes()
        self.runner = TextRunner(self.runtime, Path(tokenizer), texts, max_length)
        self.runner.choose_budget()
        return {"budget": self.runner.budget, "tokens": self.runner.tokens}

    def run_texts(self) -> dict[str, Any]:
        """One pass over all texts, from strings to a vector each."""
        start = time.perf_counter()
        self.runner.run()
        return {"seconds": time.perf_counter() - start}

    def answer(self, text: str, tokenizer: str, max_length: int) -> dict[str, Any]:
        """Answers one text, and says how much memory the process has taken at most."""
        TextRunner(self.runtime, Path(tokenizer), [text], max_length).run()
        return {"peak_mb": _peak_mb()}


def _setup(values: dict[str, Any]) -> Setup:
    paths = {name: Path(values[name]) for name in ("checkpoint", "compact", "cache")}
    return Setup(**(values | paths))


def _peak_mb() -> float | None:
    # VmHWM is this program's own; ru_maxrss is inherited from the parent on Linux.
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / 1e6, 1)
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def main() -> None:
    """Answers until the pipe closes."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        message = json.loads(line)
        method: Callable[..., dict[str, Any]] = getattr(worker, message.pop("do"))
        try:
            answer = method(**message)
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is told to the parent
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def to_message(setup: Setup) -> dict[str, Any]:
    """A setup as JSON takes it."""
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in dataclasses.asdict(setup).items()
    }


if __name__ == "__main__":
    main()
