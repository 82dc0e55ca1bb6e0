"""More requests than a server can answer."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from experiments.serving.connection import Connection, post
from experiments.serving.servers import Server

TIMEOUT_SECONDS = 2.0
"""What clients give a request."""

LOST = 0
"""Stands for the status of a request that got no answer."""


async def overload(server: Server, texts: Sequence[str], rate: float, seconds: float) -> str:
    """Sends requests at a fixed rate, whether those before are answered or not, each on a
    connection that is free, with a deadline; what became of them, in words.

    Args:
        server: The server.
        texts: What it is asked, one a request, over and over.
        rate: Requests a second.
        seconds: For how long.
    """
    free: list[Connection] = []
    statuses: Counter[int] = Counter()
    taken: list[float] = []

    async def one(text: str) -> None:
        began = time.perf_counter()
        try:
            connection = free.pop() if free else await Connection.open(server.port)
            reply = await connection.send(post(server.path, text, seconds=TIMEOUT_SECONDS))
        except (OSError, asyncio.IncompleteReadError):
            statuses[LOST] += 1
            return
        statuses[reply.status] += 1
        if reply.status == 200:
            taken.append(time.perf_counter() - began)
        free.append(connection)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for at in range(round(rate * seconds)):
            await asyncio.sleep(began + at / rate - time.perf_counter())
            group.create_task(one(texts[at % len(texts)]))
        sent = time.perf_counter() - began
    for connection in free:
        connection.close()
    counts = ", ".join(
        f"{count} {status or 'lost'}" for status, count in sorted(statuses.items(), reverse=True)
    )
    p99 = float(np.percentile(taken, 99)) if taken else float("nan")
    return (
        f"{server.name} under {sum(statuses.values()) / sent:.0f} requests/s for {sent:.0f} s "
        f"that may take {TIMEOUT_SECONDS:g} s each: "
        f"{counts}; p99 of the answered {p99:.1f} s"
    )
