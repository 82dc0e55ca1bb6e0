"""Whether a server's memory stays flat.

``python -m experiments.serving.memory URL --requests 100000`` asks a running server for one model,
``/models/news``, by texts of many lengths, some of them wrong, and prints its resident memory as
its metrics tell it, every tenth of the way.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from urllib.parse import urlsplit

CONNECTIONS = 8
STEPS = 10


async def send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    """One request on an open connection; the status and the body of its answer."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.lower().index(b"content-length:") + len(b"content-length:")
    return int(head.split(b" ", 2)[1]), await reader.readexactly(
        int(head[at:].split(b"\r\n", 1)[0])
    )


def question(draw: random.Random) -> bytes:
    """A request, one in ten of them wrong."""
    text = " ".join(
        draw.choices(("the", "striker", "scored", "bank", "rain"), k=draw.randint(1, 12))
    )
    body = json.dumps({"inputs": text if draw.random() < 0.9 else [text, 3]}).encode()
    return (
        b"POST /models/news HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )


async def run(host: str, port: int, requests: int) -> None:
    """Asks, and prints."""
    draw = random.Random(0)

    async def client(share: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for _ in range(share):
            status, _ = await send(reader, writer, question(draw))
            if status not in (200, 422):
                raise SystemExit(f"status {status}")
        writer.close()

    for step in range(STEPS + 1):
        reader, writer = await asyncio.open_connection(host, port)
        _, text = await send(reader, writer, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        writer.close()
        line = next(row for row in text.decode().splitlines() if row.startswith("process_resident"))
        megabytes = float(line.split()[1]) / 1e6
        print(f"after {step * requests // STEPS:>9,} requests: {megabytes:.1f} MB", flush=True)
        if step < STEPS:
            share = requests // STEPS // CONNECTIONS
            await asyncio.gather(*(client(share) for _ in range(CONNECTIONS)))


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
