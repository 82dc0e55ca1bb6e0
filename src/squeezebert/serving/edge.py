"""What happens to every request before and after it is answered: who asks, whether there is room,
how long the body may take, a line in the log, a count.

Plain ASGI, in front of the web framework: a request that is refused here has cost nothing, its body
is not even read.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import random
import re
import time
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from squeezebert.serving.failures import KINDS, failure
from squeezebert.serving.limits import Limits
from squeezebert.serving.logs import LOGGER, event
from squeezebert.serving.service import Service

OPEN_PATHS = ("/health", "/ready")
"""Probes ask without a token."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_RECORD = "squeezebert.record"


@dataclass
class Record:
    """What is known of a request, for the log and the metrics; the route fills it in."""

    model: str = ""
    operation: str = ""
    texts: int = 0
    tokens: int = 0
    status: int = 0


def record_of(scope: Scope) -> Record:
    """The record of the request that is being answered."""
    return scope[_RECORD]


class Edge:
    """Wraps an ASGI application.

    Args:
        app: The application.
        service: Whose limits and metrics count.
        token: The bearer token that requests must carry; none where None.
        log_requests: Whether each request gets a line in the log, or only those that fail here.
    """

    def __init__(
        self, app: ASGIApp, *, service: Service, token: str | None, log_requests: bool
    ) -> None:
        self._app = app
        self._service = service
        self._token = None if token is None else token.encode()
        self._log_requests = log_requests
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        record = scope[_RECORD] = Record()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id", b""))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        self._in_flight += 1
        self._service.metrics.set_in_flight(self._in_flight)
        try:
            await self._admit(scope, headers, _Body(receive, self._service.limits), answer)
        except Exception as error:  # noqa: BLE001 - the last place where one can be caught
            LOGGER.error("fault", exc_info=error)
            if not record.status:
                refusal = failure(scope["path"], 500, KINDS[500], "a fault of the server itself")
                await refusal(scope, receive, answer)
        finally:
            self._in_flight -= 1
            self._service.metrics.set_in_flight(self._in_flight)
            self._note(scope, record, request_id, time.perf_counter() - began)

    async def _admit(
        self, scope: Scope, headers: dict[bytes, bytes], body: _Body, send: Send
    ) -> None:
        """Passes a request on, or refuses it unread."""
        refusal = None
        if not self._is_known(scope["path"], headers.get(b"authorization", b"")):
            refusal = failure(
                scope["path"],
                401,
                KINDS[401],
                "the bearer token is missing or wrong",
                headers={"WWW-Authenticate": "Bearer"},
            )
        elif scope["method"] == "POST" and self._in_flight > self._service.limits.requests:
            refusal = failure(
                scope["path"],
                429,
                KINDS[429],
                f"{self._in_flight - 1} requests are under way, which is all that are let in",
                headers={"Retry-After": "1"},
            )
        elif _length(headers) > self._service.limits.body_bytes:
            refusal = failure(scope["path"], 413, KINDS[413], _too_large(self._service.limits))
        await (self._app if refusal is None else refusal)(scope, body.receive, send)

    def _is_known(self, path: str, given: bytes) -> bool:
        if self._token is None or path in OPEN_PATHS:
            return True
        scheme, _, word = given.partition(b" ")
        # In the same time, however much is right. The scheme is no secret, in any case of letters.
        return hmac.compare_digest(word.strip(), self._token) and scheme.lower() == b"bearer"

    def _note(self, scope: Scope, record: Record, request_id: str, seconds: float) -> None:
        route = scope.get("route")
        # A path that is not ours may hold anything, such as a text that went astray.
        path = getattr(route, "path", "unknown")
        status = record.status or 499
        self._service.metrics.count_request(
            record.model, record.operation or path, status, seconds=seconds
        )
        if self._log_requests:
            event(
                logging.INFO,
                "request",
                id=request_id,
                method=scope["method"] if route is not None else "unknown",
                path=path,
                status=status,
                ms=round(1e3 * seconds, 3),
                texts=record.texts,
                tokens=record.tokens,
            )


class _Body:
    """Reads a body within its limits of time and size. What comes after it, that the client has
    gone, may take as long as it likes.
    """

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._until = asyncio.get_running_loop().time() + limits.deadline_seconds
        self._bytes = 0
        self._whole = False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the body took too long", {"Connection": "close"}) from None
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._limits.body_bytes:
            raise HTTPException(413, _too_large(self._limits), {"Connection": "close"})
        self._whole = not message.get("more_body", False)
        return message


def _length(headers: dict[bytes, bytes]) -> int:
    """How long a body says that it is; 0 where it does not say."""
    given = headers.get(b"content-length", b"")
    return int(given[:20]) if given.isdigit() else 0


def _too_large(limits: Limits) -> str:
    return f"the body is too large: a request may have {limits.body_bytes} bytes"


def _request_id(given: bytes) -> str:
    """The client's own if it is harmless, or a new one."""
    text = given.decode("latin-1")
    return text if _REQUEST_ID.fullmatch(text) else f"{random.getrandbits(64):016x}"
