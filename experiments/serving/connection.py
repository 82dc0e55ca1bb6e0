"""The other side: a client as plain as can be, so that it is not what is measured."""

from __future__ import annotations

import asyncio
import json
from typing import NamedTuple, Self

HOST = "127.0.0.1"


class Reply(NamedTuple):
    """What came back.

    Args:
        status: HTTP's.
        head: The status line and the headers, in lower case.
        body: As it came.
    """

    status: int
    head: bytes
    body: bytes


def post(path: str, inputs: object, *, seconds: float | None = None) -> bytes:
    """A request for a model's answer, which may take so many seconds."""
    time = b"" if seconds is None else b"X-Timeout: %g\r\n" % seconds
    body = json.dumps({"inputs": inputs}).encode()
    return (
        b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"%sContent-Length: %d\r\n\r\n%s" % (path.encode(), time, len(body), body)
    )


class Connection:
    """One that is kept open from request to request; made by :meth:`open`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, host: str = HOST) -> Self:
        """Connects.

        Raises:
            OSError: nobody listens.
        """
        return cls(*await asyncio.open_connection(host, port, limit=1 << 20))

    async def send(self, request: bytes) -> Reply:
        """Sends a request and reads its answer.

        Raises:
            asyncio.IncompleteReadError: the server closed the connection.
        """
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        at = head.index(b"content-length:") + len(b"content-length:")
        body = await self._reader.readexactly(int(head[at:].split(b"\r\n", 1)[0]))
        return Reply(int(head.split(b" ", 2)[1]), head, body)

    def close(self) -> None:
        """Hangs up."""
        self._writer.close()
