"""Serves the page to this machine."""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from squeezebert import __version__
from squeezebert.errors import InvalidInputError, SqueezeBertError
from squeezebert.playground.answers import NativeAnswers
from squeezebert.playground.site import Site

LONGEST_QUESTION = 1 << 20
"""Bytes."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}

_HEADERS = {
    # Scripts, workers and data of the page itself, and nothing else.
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "
    "worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PlaygroundServer(ThreadingHTTPServer):
    """The page on 127.0.0.1, for this machine only.

    Args:
        site: The files. They are the caller's to close.
        port: Where it listens; 0 for any that is free.

    Raises:
        InvalidInputError: the port is taken.
    """

    daemon_threads = True

    def __init__(self, site: Site, port: int = 0) -> None:
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise InvalidInputError(
                f"port {port} cannot be used: {error.strerror}",
                hint="choose another, or 0 for any that is free",
            ) from error
        self.site = site
        self.answers = NativeAnswers(site.bundles, site.specs)
        self.offer = json.dumps(site.offer()).encode()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that no longer wants a file is nothing to tell of."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: PlaygroundServer  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    server_version = f"squeezebert/{__version__}"
    sys_version = ""
    timeout = 60

    _known: ClassVar[set[str]] = {"127.0.0.1", "localhost"}

    def do_GET(self) -> None:
        if not self._is_ours():
            return
        path = unquote(urlsplit(self.path).path).removeprefix("/")
        if path == "models.json":
            self._send(HTTPStatus.OK, self.server.offer, _TYPES[".json"], "no-cache")
            return
        file = self.server.site.file(path) if "\0" not in path else None
        if file is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such file")
            return
        kind = _TYPES.get(file.suffix, "application/octet-stream")
        # A URL with the file's digest never has another content.
        keep = "max-age=31536000, immutable" if "v=" in urlsplit(self.path).query else "no-cache"
        self._send(HTTPStatus.OK, file, kind, keep)

    do_HEAD = do_GET  # noqa: N815 - the standard library's spelling

    def do_POST(self) -> None:
        if not self._is_ours():
            return
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > LONGEST_QUESTION:
            self._refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"Content-Length is {length!r}, expected up to {LONGEST_QUESTION} bytes",
            )
            return
        body = self.rfile.read(int(length))
        if urlsplit(self.path).path != "/answer":
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such call")
            return
        # A form of another site could not send this type without asking first.
        if self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected application/json")
            return
        try:
            question = json.loads(body)
            if not isinstance(question, dict):
                raise InvalidInputError("the question is no JSON object")
            answer: dict[str, Any] = self.server.answers.answer(question)
        except (ValueError, RecursionError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, f"the question is no JSON: {error}")
        except SqueezeBertError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        else:
            content = json.dumps(answer).encode()
            self._send(HTTPStatus.OK, content, _TYPES[".json"], "no-store")

    def _is_ours(self) -> bool:
        """Whether the page itself asks: no other site's, whatever name it gives this machine."""
        host = self.headers.get("Host", "")
        origin = self.headers.get("Origin")
        name, _, port = host.partition(":")
        here = name in self._known and port == str(self.server.server_port)
        if here and (origin is None or origin == f"http://{host}"):
            return True
        self.close_connection = True
        self._refuse(HTTPStatus.FORBIDDEN, f"this server answers {self.server.url} only")
        return False

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        if status != HTTPStatus.BAD_REQUEST:
            self.close_connection = True  # a body may be left unread
        content = json.dumps({"error": message}).encode()
        self._send(status, content, _TYPES[".json"], "no-store")

    def _send(self, status: HTTPStatus, content: bytes | Path, kind: str, keep: str) -> None:
        data = content if isinstance(content, bytes) else content.read_bytes()
        self.send_response(status)
        headers = {**_HEADERS, "Content-Type": kind, "Cache-Control": keep}
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited
        """Says nothing: what people type is theirs."""
