"""The server: repositories of files, answered as the hub's client asks for them.

Faults can be laid into it: files that are missing, cut short, changed or slow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

Fault = Literal["missing", "cut once", "nothing", "changed once", "changed", "slow", "broken"]
"""What happens to a file: no such file; broken off in the middle, the first time; always before it
begins; other content of the same length, the first time or always; no answer; an error of the
server.
"""

PIECE = 1 << 20
"""Bytes that are sent at a time."""

LARGE = 1 << 16
"""Files of more bytes are kept apart (LFS) and named by their SHA-256, as the hub does with those
of more than 10 MB.
"""


@dataclass
class Hub:
    """What is served.

    Args:
        repositories: Files by path, by ``models/NAME`` or ``datasets/NAME`` and revision.
        faults: By the path of a file.
        seconds: How long a slow file keeps silent.
    """

    repositories: dict[tuple[str, str], dict[str, bytes]] = field(
        default_factory=dict[tuple[str, str], dict[str, bytes]]
    )
    faults: dict[str, Fault] = field(default_factory=dict[str, Fault])
    seconds: float = 3.0
    asked: list[str] = field(default_factory=list[str])
    endpoint: str = ""
    entries: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])

    def put(self, name: str, files: Mapping[str, bytes], revision: str = "main") -> None:
        """A repository, reached by its branch and by its commit."""
        self.repositories[name, revision] = dict(files)
        self.repositories[name, commit_of(name, revision)] = dict(files)

    def entry(self, path: str, content: bytes) -> dict[str, Any]:
        """A file in the listing of a repository; large ones are hashed once."""
        if len(content) <= LARGE:
            return entry(path, content)
        if id(content) not in self.entries:
            self.entries[id(content)] = entry(path, content)
        return self.entries[id(content)]

    def find(self, name: str, revision: str) -> dict[str, bytes] | None:
        """The files of a repository."""
        return self.repositories.get((name, revision))


def commit_of(name: str, revision: str) -> str:
    """The commit of a branch."""
    return hashlib.sha1(f"{name}@{revision}".encode(), usedforsecurity=False).hexdigest()


def entry(path: str, content: bytes) -> dict[str, Any]:
    """A file in the listing of a repository."""
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    found: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": blob}
    if len(content) > LARGE:
        digest = hashlib.sha256(content).hexdigest()
        found["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
    return found


class Handler(BaseHTTPRequestHandler):
    """Answers as the hub does, as far as its client asks."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing."""

    def do_HEAD(self) -> None:
        """A file's hash and size."""
        self._answer(with_content=False)

    def do_GET(self) -> None:
        """A file, or what the hub knows of a repository."""
        self._answer(with_content=True)

    def _answer(self, *, with_content: bool) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked.append(f"{self.command} {path}")
        if path.startswith("api/"):
            self._api(path.removeprefix("api/"))
            return
        name, _, rest = path.partition("/resolve/")
        kind = "" if name.startswith("datasets/") else "models/"
        found = self._revision(kind + name, rest)
        if found is None:
            self._refuse(404, "RepoNotFound")
            return
        files, revision, file = found
        if file not in files or self.hub.faults.get(file) == "missing":
            self._refuse(404, "EntryNotFound")
        elif self.hub.faults.get(file) == "broken":
            self._refuse(500, "")
        else:
            commit = commit_of(kind + name, revision)
            self._file(file, files[file], commit, with_content=with_content)

    def _revision(self, name: str, rest: str) -> tuple[dict[str, bytes], str, str] | None:
        for known, revision in self.hub.repositories:
            if known == name and rest.startswith(f"{revision}/"):
                branch = next(
                    other
                    for one, other in self.hub.repositories
                    if one == name and revision in (other, commit_of(name, other))
                )
                return (
                    self.hub.repositories[known, revision],
                    branch,
                    rest.removeprefix(f"{revision}/"),
                )
        return None

    def _api(self, path: str) -> None:
        for word in ("/revision/", "/tree/"):
            name, found, revision = path.partition(word)
            if not found:
                continue
            files = self.hub.find(name, revision)
            if files is None:
                known = any(one == name for one, _ in self.hub.repositories)
                self._refuse(404, "RevisionNotFound" if known else "RepoNotFound")
                return
            content: Any = (
                {"id": name.partition("/")[2], "sha": commit_of(name, revision), "siblings": []}
                if word == "/revision/"
                else [self.hub.entry(*item) for item in files.items()]
            )
            self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})
            return
        self._refuse(404, "RepoNotFound")

    def _file(self, path: str, content: bytes, commit: str, *, with_content: bool) -> None:
        fault = self.hub.faults.get(path)
        told = self.hub.entry(path, content)
        digest = told["lfs"]["oid"] if "lfs" in told else told["oid"]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
        if fault == "slow":
            Event().wait(self.hub.seconds)
        if not with_content:
            self._send(200, b"", headers, length=len(content))
            return
        if fault in ("changed", "changed once"):
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = self._start()
        length = len(content) - start
        sent = memoryview(content)[start:]
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if fault in ("cut once", "nothing"):
            sent = sent[: length // 2 if fault == "cut once" else 0]
        if fault in ("cut once", "changed once"):
            del self.hub.faults[path]
        self._send(206 if start else 200, sent, headers, length=length)
        if len(sent) < length:
            self.close_connection = True

    def _start(self) -> int:
        asked = self.headers.get("Range", "")
        return int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0

    def _refuse(self, status: int, code: str) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": code} if code else {}
        self._send(status, b"{}", headers)

    def _send(
        self,
        status: int,
        content: bytes | memoryview,
        headers: Mapping[str, str],
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        try:
            self.end_headers()
            if self.command == "GET":
                for at in range(0, len(content), PIECE):
                    self.wfile.write(content[at : at + PIECE])
        except ConnectionError:  # the client has gone
            self.close_connection = True


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """Serves on a free port of loopback while the block runs; ``hub.endpoint`` names it."""
    handler = type("Bound", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
