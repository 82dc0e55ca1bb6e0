"""A Hugging Face hub on loopback: repositories in memory, made, written and read over HTTP."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

COMMIT = "0" * 39 + "1"


class Hub(http.server.ThreadingHTTPServer):
    """``files`` are those of each repository by name; ``token`` is the one that may write."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.files: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.objects: dict[str, bytes] = {}
        self.token = "hf_right"
        self.broken = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Requests(http.server.BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def answer(self, content: object = None, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def may_write(self) -> bool:
        if self.server.broken:
            self.answer({"error": "broken"}, 418)
            return False
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self.answer({"error": "who are you?"}, 401)
            return False
        return True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = urlsplit(self.path).path
        if not self.may_write():
            return
        if path == "/api/repos/create":
            self.create(json.loads(body))
        elif path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif path.endswith("/preupload/main"):
            names = [one["path"] for one in json.loads(body)["files"]]
            modes = [
                {
                    "path": name,
                    "uploadMode": "lfs" if name.endswith((".safetensors", ".onnx")) else "regular",
                    "shouldIgnore": False,
                }
                for name in names
            ]
            self.answer({"files": modes})
        elif path.endswith(".git/info/lfs/objects/batch"):
            self.batch(json.loads(body)["objects"])
        elif path.endswith("/commit/main"):
            repository = path.removeprefix("/api/models/").removesuffix("/commit/main")
            self.commit(repository, [json.loads(line) for line in body.splitlines()])
        else:
            self.answer({"error": path}, 404)

    def create(self, asked: dict) -> None:
        name = "/".join(filter(None, [asked.get("organization"), asked["name"]]))
        known = name in self.server.files
        self.server.files.setdefault(name, {})
        self.server.private.setdefault(
            name, bool(asked.get("private")) or asked.get("visibility") == "private"
        )
        self.answer({"url": f"{self.server.address}/{name}"}, 409 if known else 200)

    def batch(self, objects: list[dict]) -> None:
        self.answer(
            {
                "transfer": "basic",
                "objects": [
                    {
                        **one,
                        "actions": {"upload": {"href": f"{self.server.address}/lfs/{one['oid']}"}},
                    }
                    for one in objects
                ],
            }
        )

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        oid = hashlib.sha256(body).hexdigest()
        assert self.path == f"/lfs/{oid}"
        self.server.objects[oid] = body
        self.answer()

    def commit(self, repository: str, lines: list[dict]) -> None:
        kept = self.server.files[repository]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                kept[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                kept[value["path"]] = self.server.objects[value["oid"]]
        self.answer(
            {"commitUrl": f"{self.server.address}/{repository}/commit/1", "commitOid": COMMIT}
        )

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        for repository, kept in self.server.files.items():
            if path.startswith(f"/api/models/{repository}/tree/"):
                self.answer(
                    [
                        {"type": "file", "path": name, "size": len(content), "oid": "0" * 40}
                        for name, content in kept.items()
                    ]
                )
                return
            if path.startswith(f"/api/models/{repository}"):
                siblings = [{"rfilename": name} for name in kept]
                self.answer({"id": repository, "sha": COMMIT, "siblings": siblings})
                return
            for revision in ("main", COMMIT):
                name = path.removeprefix(f"/{repository}/resolve/{revision}/")
                if name in kept:
                    etag = f'"{hashlib.sha256(kept[name]).hexdigest()}"'
                    self.answer(kept[name], X_Repo_Commit=COMMIT, ETag=etag)
                    return
        self.answer({"error": path}, 404, X_Error_Code="RepoNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()


@contextmanager
def serving() -> Iterator[Hub]:
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()
