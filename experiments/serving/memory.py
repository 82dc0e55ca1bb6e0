"""Whether a server's memory stays flat.

``python -m experiments.serving.memory URL --requests 1000000`` asks a running server for one model,
``/models/news``, by texts of many lengths, some of them wrong, and prints its resident memory as
its metrics tell it: after 100, 1,000, 10,000 requests and so on, and five times in the last part.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from urllib.parse import urlsplit

from experiments.serving.connection import Connection, post

CONNECTIONS = 32
WORDS = ("the", "striker", "scored", "bank", "rain")
METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


def question(draw: random.Random) -> bytes:
    """A request, one in ten of them wrong."""
    text = " ".join(draw.choices(WORDS, k=draw.randint(1, 12)))
    return post("/models/news", text if draw.random() < 0.9 else [text, 3])


def stops(requests: int) -> list[int]:
    """After how many requests to look.

    >>> stops(10_000)
    [100, 1000, 2800, 4600, 6400, 8200, 10000]
    """
    found = [100]
    while found[-1] * 10 < requests:
        found.append(found[-1] * 10)
    return found + [found[-1] + (requests - found[-1]) * part // 5 for part in range(1, 6)]


async def run(host: str, port: int, requests: int) -> None:
    """Asks, and prints."""
    draw = random.Random(0)
    done, began = 0, time.monotonic()
    connections = [await Connection.open(port, host) for _ in range(CONNECTIONS)]

    async def client(connection: Connection, until: int) -> None:
        nonlocal done
        while done < until:
            done += 1
            reply = await connection.send(question(draw))
            if reply.status not in (200, 422, 429, 504):
                raise SystemExit(f"status {reply.status}")

    for stop in stops(requests):
        await asyncio.gather(*(client(connection, stop) for connection in connections))
        lines = (await connections[0].send(METRICS)).body.decode().splitlines()
        line = next(row for row in lines if row.startswith("process_resident"))
        print(
            f"after {done:>9,} requests, {time.monotonic() - began:.0f} s: "
            f"{float(line.split()[1]) / 1e6:.1f} MB",
            flush=True,
        )


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=100_000)
    arguments = parser.parse_args()
    place = urlsplit(arguments.url)
    asyncio.run(run(place.hostname or "127.0.0.1", place.port or 80, arguments.requests))


if __name__ == "__main__":
    main()
