"""An ASGI application asked without a network: by a message that can travel to another process."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Scope

Headers = list[tuple[bytes, bytes]]


class Question(NamedTuple):
    """A request as ASGI spells it, with its whole body."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes


class Reply(NamedTuple):
    """An answer with its whole body."""

    status: int
    headers: Headers
    body: bytes


async def ask(app: ASGIApp, question: Question) -> Reply:
    """The application's answer. A client that goes away is told by cancelling the call."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": question.method,
        "scheme": "http",
        "path": question.path,
        "raw_path": question.path.encode(),
        "query_string": question.query,
        "root_path": "",
        "headers": question.headers,
        "client": None,
        "server": None,
    }
    given = False
    status, headers, parts = 0, Headers(), list[bytes]()

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()  # for ever: nobody disconnects here
        given = True
        return {"type": "http.request", "body": question.body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message["headers"])
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Reply(status, headers, b"".join(parts))
