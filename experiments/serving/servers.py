"""The servers that are compared on one model, each a process on a core of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from squeezebert import checkpoint
from squeezebert.benchmark.random_model import write_random_model
from squeezebert.config import PRESETS
from squeezebert.exporting import export_onnx
from squeezebert.exporting.export import ONNX_FILES
from squeezebert.loading import Source
from squeezebert.serving.service import ModelSource

START_SECONDS = 120


@dataclass
class Server:
    """A server under test and what was measured of it.

    Args:
        name: As the table calls it.
        command: What starts it, the port left out.
        path: Where it is asked.
        port: Where it listens.
        pid: Its process.
        latencies: In seconds, by clients.
        seconds: How long each number of clients was measured.
        cpu: The CPU seconds that it took meanwhile.
    """

    name: str
    command: list[str]
    path: str
    port: int = 0
    pid: int = 0
    latencies: dict[int, list[float]] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    cpu: dict[int, float] = field(default_factory=dict)

    def rate(self, clients: int) -> float:
        """Texts a second."""
        return len(self.latencies[clients]) / self.seconds[clients]

    def ms(self, clients: int, percent: float) -> float:
        """A percentile of the latencies in milliseconds."""
        return 1e3 * float(np.percentile(self.latencies[clients], percent))

    def cpu_ms(self, clients: int) -> float:
        """CPU milliseconds a text, of the process as a whole."""
        return 1e3 * self.cpu[clients] / len(self.latencies[clients])

    def cpu_seconds(self) -> float:
        """What the process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Subject:
    """A model and those who serve it, ours first and the reference last."""

    name: str
    servers: list[Server]


def subject(model: str, folder: Path) -> Subject:
    """What is compared on a model.

    Args:
        model: ``[NAME=]MODEL``, where the model is a preset, for which random weights are drawn, a
            model directory, or a shipped model.
        folder: Where made models and exports are kept, and taken from the next time.
    """
    source = ModelSource.parse(model)
    name, model = source.name, source.model
    if model in PRESETS:
        model = str(_random(model, folder))
    directory = Source.find(model).directory
    spec = checkpoint.read_spec(directory)
    exported = folder / f"{name}-onnx"
    if not exported.is_dir():
        export_onnx(model, exported, progress=lambda line: print(f"{name}: {line}", flush=True))
    python = [sys.executable, "-m"]
    ours = [*python, "squeezebert", "serve", f"m={model}", "--threads", "1", "--no-log-requests"]
    path = "/models/m" if spec else "/models/m/pipeline/feature-extraction"
    plain = [*python, "experiments.serving.plain"]
    servers = [
        Server("squeezebert serve", [*ours, "--port"], path),
        Server("the same in float32", [*ours, "--precision", "float32", "--port"], path),
        *(
            Server(
                f"FastAPI + ONNX Runtime, {precision}",
                [*plain, "onnx", str(exported / ONNX_FILES[precision])],
                "/",
            )
            for precision in ("int8", "float32")
        ),
    ]
    # Those of ours that have a head have an embedding bottleneck too, which it cannot hold.
    if spec is None:
        servers.append(Server("FastAPI + transformers", [*plain, "transformers", model], "/"))
    return Subject(name, servers)


def _random(preset: str, folder: Path) -> Path:
    directory = folder / preset
    if not directory.is_dir():
        write_random_model(PRESETS[preset], directory)
    return directory


@contextmanager
def started(server: Server, core: int) -> Iterator[None]:
    """The server as a process on one core, from when it listens."""
    server.port = free_port()
    command = [*server.command, str(server.port)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(["taskset", "-c", str(core), *command], env=environment) as process:  # noqa: S603, S607
        try:
            server.pid = process.pid
            _wait(server, process)
            yield
        finally:
            process.terminate()


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{server.name} does not start") from None
            time.sleep(0.1)


def free_port() -> int:
    """A port that nobody listens on at present."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        return int(place.getsockname()[1])
