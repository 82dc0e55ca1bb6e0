"""Texts a second and latencies of servers on loopback, by the number of clients.

``python -m experiments.serving.load MODEL…`` starts for each model ``squeezebert serve``, in its
default precision and in float32, and two servers that are written by hand
(:mod:`experiments.serving.plain`): FastAPI with ONNX Runtime on our export, int8 and float32, and
FastAPI with `transformers`, where that can hold the model. A preset such as squeezebert-base has
random weights: they are as fast as others.

The server that is measured has one core, the clients another. The servers of a model are all up and
take turns: for each number of clients every server is measured before the next number, and again in
the opposite order, so that a machine that drifts drifts for all. Clients send one text a request,
and the next when they have the answer. In the end requests come to ``squeezebert serve`` twice as
fast as it can answer, whether there is an answer or not
(:mod:`experiments.serving.overload`). The texts are those of the sample data, each as it comes.
It prints Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import uvloop

from experiments.serving.connection import Connection, post
from experiments.serving.overload import overload
from experiments.serving.servers import Server, Subject, started, subject
from squeezebert.data.catalog import open_dataset

CLIENTS = (1, 4, 16, 64)

CHECKED = 32
"""Texts that all servers must answer alike."""


async def load(server: Server, texts: Sequence[str], clients: int, seconds: float) -> None:
    """Measures a server with so many clients, and adds to what is known of it."""
    latencies = server.latencies.setdefault(clients, [])
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        connection = await Connection.open(server.port)
        at = number * 7919  # each begins elsewhere
        while (began := time.perf_counter()) < end:
            reply = await connection.send(post(server.path, texts[at % len(texts)]))
            if reply.status != 200:
                raise SystemExit(f"{server.name} gives no answer: {reply.head!r}")
            latencies.append(time.perf_counter() - began)
            at += 1
        connection.close()

    began, used = time.perf_counter(), server.cpu_seconds()
    await asyncio.gather(*map(client, range(clients)))
    server.seconds[clients] = server.seconds.get(clients, 0.0) + time.perf_counter() - began
    server.cpu[clients] = server.cpu.get(clients, 0.0) + server.cpu_seconds() - used


async def check(compared: Sequence[Server], texts: Sequence[str]) -> list[str]:
    """Whether all answer alike, as far as their precision goes; how much so, in lines. It also
    warms them up.
    """
    answers: list[list[object]] = []
    for server in compared:
        connection = await Connection.open(server.port)
        replies = [await connection.send(post(server.path, text)) for text in texts[:CHECKED]]
        connection.close()
        answers.append([json.loads(reply.body) for reply in replies])
    return [
        f"{server.name}: {_alike(rows, answers[-1])} as {compared[-1].name}"
        for server, rows in zip(compared[:-1], answers, strict=False)
    ]


def _alike(rows: Sequence[object], reference: Sequence[object]) -> str:
    if isinstance(rows[0], list) and isinstance(rows[0][0], float):
        cosine = float((np.array(rows) * np.array(reference)).sum(axis=1).min())
        if cosine < 0.97:
            raise SystemExit(f"they do not compute the same: a cosine is {cosine:.3f}")
        return f"least cosine {cosine:.4f}"
    labels = [[answer[0][0]["label"] for answer in some] for some in (rows, reference)]  # pyright: ignore[reportIndexIssue]
    same = sum(a == b for a, b in zip(*labels, strict=True))
    if same < 0.9 * len(rows):
        raise SystemExit(f"they do not compute the same: {same} of {len(rows)} labels")
    return f"{same} of {len(rows)} labels"


async def measure(subject: Subject, texts: Sequence[str], seconds: float) -> list[str]:
    """All servers in turn, forth and back, for each number of clients, and the first of them under
    twice what it can do; what there is to tell besides the table.
    """
    compared = subject.servers
    lines = await check(compared, texts)
    for clients in CLIENTS:
        for server in [*compared, *reversed(compared)]:
            await load(server, texts, clients, seconds)
    ours, *others = compared
    lines += [f"{other.name}: {beside(ours, other)}" for other in others[1:]]
    rate = 2 * max(ours.rate(clients) for clients in CLIENTS)
    lines.append(await overload(ours, texts, rate, 4 * seconds))
    return lines


def beside(ours: Server, other: Server) -> str:
    """The most texts a second of ours against the most of another, where ours keeps within the p99
    that the other has there.
    """
    best = max(CLIENTS, key=other.rate)
    bound = other.ms(best, 99)
    within = [ours.rate(clients) for clients in CLIENTS if ours.ms(clients, 99) <= bound]
    if not within:
        return f"ours is never within its p99 of {bound:.0f} ms"
    return (
        f"at most {other.rate(best):.1f} texts/s, with a p99 of {bound:.0f} ms; ours within that "
        f"{max(within):.1f}, {max(within) / other.rate(best):.1f} times as many"
    )


def table(subject: Subject) -> str:
    """The result in Markdown; times in milliseconds."""
    lines = [
        f"| {subject.name}, clients | server | texts/s | p50 | p95 | p99 | CPU ms a text |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for clients in CLIENTS:
        for server in subject.servers:
            times = " | ".join(f"{server.ms(clients, percent):.1f}" for percent in (50, 95, 99))
            lines.append(
                f"| {clients} | {server.name} | {server.rate(clients):.1f} | {times} "
                f"| {server.cpu_ms(clients):.2f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", help="[NAME=]MODEL; a preset has random weights")
    parser.add_argument("--seconds", type=float, default=5.0, help="each time that one is measured")
    parser.add_argument("--cores", type=int, nargs=2, default=(0, 1), help="servers', clients'")
    parser.add_argument("--folder", type=Path, default=Path("build/serving"))
    arguments = parser.parse_args()
    data = open_dataset("sample_news", task="text_classification", split="test")
    texts = [example.text for example in data.examples]
    subjects = [subject(model, arguments.folder) for model in arguments.models]
    core, own = arguments.cores
    os.sched_setaffinity(0, [own])
    for one in subjects:
        with ExitStack() as stack:
            for server in one.servers:
                stack.enter_context(started(server, core))
            lines = uvloop.run(measure(one, texts, arguments.seconds))
        print(table(one), *(f"- {line}" for line in lines), sep="\n", end="\n\n", flush=True)


if __name__ == "__main__":
    main()
