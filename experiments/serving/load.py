"""Texts a second and latencies of servers on loopback, by the number of clients.

``python -m experiments.serving.load MODEL`` starts ``squeezebert serve`` in its default precision
and in float32, and :mod:`experiments.serving.plain`, all on the same model, which must be one that
`transformers` reads too. They take turns: for each number of clients every server is measured
before the next number, and again in the opposite order, so that a machine that drifts drifts for
all. Clients send one text a request and the next when they have the answer. Client and servers
share the cores that the process has: ``taskset -c 0`` made the table of docs/serving.md.

The texts are those of the sample data, each as it comes. It ends in a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import numpy as np

from squeezebert.data.catalog import open_dataset

CLIENTS = (1, 4, 16, 64)


@dataclass
class Server:
    """A server under test and what was measured of it: latencies in seconds by clients."""

    name: str
    command: list[str]
    path: str
    port: int
    latencies: dict[int, list[float]] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)


def servers(model: str) -> list[Server]:
    """What is compared."""
    ours = [sys.executable, "-m", "squeezebert", "serve", f"m={model}", "--threads", "1"]
    ours += ["--no-log-requests", "--port"]
    path = "/models/m/pipeline/feature-extraction"
    first, second, third = (free_port() for _ in range(3))
    plain = [sys.executable, "-m", "experiments.serving.plain", model, str(third)]
    return [
        Server("squeezebert serve", [*ours, str(first)], path, first),
        Server(
            "the same in float32",
            [*ours, str(second), "--precision", "float32"],
            path,
            second,
        ),
        Server("FastAPI + transformers", plain, "/", third),
    ]


def free_port() -> int:
    """A port that nobody listens on at present."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        return int(place.getsockname()[1])


@contextmanager
def started(server: Server) -> Iterator[None]:
    """The server as a process, from when it listens."""
    with subprocess.Popen(server.command) as process:  # noqa: S603
        try:
            until = time.monotonic() + 120
            while True:
                try:
                    socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > until:
                        raise SystemExit(f"{server.name} does not start") from None
                    time.sleep(0.1)
            yield
        finally:
            process.terminate()


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, text: str
) -> bytes:
    """One request on an open connection; the body of its answer."""
    body = json.dumps({"inputs": text}).encode()
    writer.write(
        b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (path.encode(), len(body), body)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise SystemExit(f"no answer: {head!r}")
    at = head.lower().index(b"content-length:") + len(b"content-length:")
    return await reader.readexactly(int(head[at:].split(b"\r\n", 1)[0]))


async def load(server: Server, texts: Sequence[str], clients: int, seconds: float) -> None:
    """Measures a server with so many clients, and adds to what is known of it."""
    latencies = server.latencies.setdefault(clients, [])
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        at = number * 7919  # each begins elsewhere
        while (began := time.perf_counter()) < end:
            await ask(reader, writer, server.path, texts[at % len(texts)])
            latencies.append(time.perf_counter() - began)
            at += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*map(client, range(clients)))
    server.seconds[clients] = server.seconds.get(clients, 0.0) + time.perf_counter() - began


async def check(compared: Sequence[Server], texts: Sequence[str]) -> None:
    """Whether all give the same vectors, as far as their precision goes. It also warms them up."""
    vectors: list[np.ndarray] = []
    for server in compared:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        rows = [json.loads(await ask(reader, writer, server.path, text)) for text in texts[:32]]
        writer.close()
        vectors.append(np.array(rows))
    for server, rows in zip(compared, vectors, strict=True):
        cosine = float((rows * vectors[-1]).sum(axis=1).min())
        print(f"{server.name}: least cosine to {compared[-1].name} {cosine:.5f}", flush=True)
        if cosine < 0.98:
            raise SystemExit("they do not compute the same")


async def measure(compared: Sequence[Server], texts: Sequence[str], seconds: float) -> None:
    """All servers in turn, forth and back, for each number of clients."""
    await check(compared, texts)
    for clients in CLIENTS:
        for server in [*compared, *reversed(compared)]:
            await load(server, texts, clients, seconds)


def table(compared: Sequence[Server]) -> str:
    """The result in Markdown; times in milliseconds."""
    lines = [
        "| clients | server | texts/s | p50 | p95 | p99 |",
        "| ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for clients in CLIENTS:
        for server in compared:
            taken = server.latencies[clients]
            times = " | ".join(f"{1e3 * np.percentile(taken, p):.1f}" for p in (50, 95, 99))
            rate = len(taken) / server.seconds[clients]
            lines.append(f"| {clients} | {server.name} | {rate:.0f} | {times} |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a model directory")
    parser.add_argument("--seconds", type=float, default=5.0, help="each time that one is measured")
    arguments = parser.parse_args()
    data = open_dataset("sample_news", task="text_classification", split="test")
    texts = [example.text for example in data.examples]
    compared = servers(arguments.model)
    with ExitStack() as stack:
        for server in compared:
            stack.enter_context(started(server))
        asyncio.run(measure(compared, texts, arguments.seconds))
    print(table(compared))


if __name__ == "__main__":
    main()
