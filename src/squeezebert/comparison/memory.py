"""The peak memory of a model, measured in a fresh process that does nothing else.

:func:`main` is what that process runs: it reads a :class:`Probe` as JSON from standard input, loads
the model, predicts the texts and prints one line of JSON.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from squeezebert.errors import SqueezeBertError
from squeezebert.pipeline import Text, load


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What the fresh process does.

    Args:
        model: A model directory.
        backend: What runs it.
        precision: In what it computes.
        threads: CPU threads.
        batch_tokens: As for :func:`squeezebert.pipeline.load`.
        texts: Raw texts for the model's task; a pair is a list of two.
    """

    model: str
    backend: str
    precision: str
    threads: int
    batch_tokens: int
    texts: list[Text]


def peak_memory_mb(probe: Probe) -> float | None:
    """The largest resident size in MB (1e6 bytes) of a process that loads the model and predicts
    the texts, interpreter and libraries included; None where the system does not tell.

    Raises:
        SqueezeBertError: the model does not load or predict there; with that process's message.
    """
    # The child finds the package where this process found it, installed or not.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-c", f"from {__name__} import main; main()"],
        input=json.dumps(dataclasses.asdict(probe)),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError) as error:
        tail = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise SqueezeBertError(
            f"{probe.model} under {probe.backend} breaks down in a process of its own: {tail[0]}",
            hint="there may be too little memory for the model",
        ) from error
    if "error" in answer:
        raise SqueezeBertError(
            f"{probe.model} under {probe.backend}: {answer['error']}", hint=answer["hint"]
        )
    return answer["peak_memory_mb"]


def main() -> None:
    """The fresh process."""
    values = json.load(sys.stdin)
    values["texts"] = [tuple(text) if isinstance(text, list) else text for text in values["texts"]]
    probe = Probe(**values)
    try:
        pipeline = load(
            probe.model,
            backend=probe.backend,
            precision=probe.precision,
            threads=probe.threads,
            batch_tokens=probe.batch_tokens,
        )
        pipeline(probe.texts)
        answer = {"peak_memory_mb": _own_peak_mb()}
    except SqueezeBertError as error:
        answer = {"error": error.message, "hint": error.hint}
    sys.stdout.write(json.dumps(answer) + "\n")


def _own_peak_mb() -> float | None:
    """The largest resident size of this process so far."""
    # On Linux ru_maxrss is of no use here: a process inherits the value of the one that started
    # it. VmHWM belongs to the program that is running.
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / 1e6, 1)
    try:
        import resource
    except ModuleNotFoundError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
