"""``squeezebert serve`` as a process of its own: started, asked, reloaded, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from squeezebert.cli.main import EXIT_ERROR, run


@contextmanager
def process(*words: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """The process, and its log as it comes: an iterator of objects."""
    with subprocess.Popen(
        [sys.executable, "-m", "squeezebert", "serve", *words, "--port", "0", "--threads", "1"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as started:
        assert started.stderr is not None
        try:
            yield started, map(json.loads, started.stderr)
        finally:
            started.kill()


def until(log: Iterator[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(row for row in log if row["event"] == name)


def test_from_start_to_stop() -> None:
    with process("news=squeezebert-mini-news", SQUEEZEBERT_SERVE_TOKEN="sesame") as (server, log):
        port = until(log, "listening")["port"]
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": "Bearer sesame"},
            timeout=60,
            trust_env=False,
        ) as client:
            body = {"inputs": "The striker scored twice."}
            assert client.post("/models/news", json=body).json()[0][0]["label"] == "sport"
            assert client.get("/models/news/info").json()["loaded"] == 1
            server.send_signal(signal.SIGHUP)
            assert until(log, "reloaded")["model"] == "news"
            assert client.get("/models/news/info").json()["loaded"] == 2
            assert client.get("/models", headers={"Authorization": "no"}).status_code == 401
        server.send_signal(signal.SIGTERM)
        until(log, "stopped")
        assert server.wait(60) == -signal.SIGTERM


def test_what_cannot_be_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(["serve", "squeezebert-mini-news", "--port", port]) == EXIT_ERROR
    told = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1 port {port}: " in told
    assert "--port" in told

    assert run(["serve", "/nowhere/at/all", "--port", "0"]) == EXIT_ERROR
    assert "/nowhere/at/all" in capsys.readouterr().err

    limits = ["--port", "0", "--queue-tokens", "5"]
    assert run(["serve", "squeezebert-mini-news", *limits]) == EXIT_ERROR
    assert "queue_tokens is 5" in capsys.readouterr().err

    empty = tmp_path / "token"
    empty.write_text("\n", encoding="utf-8")
    assert run(["serve", "squeezebert-mini-news", "--token-file", str(empty)]) == EXIT_ERROR
    assert f"{empty} holds no bearer token" in capsys.readouterr().err

    monkeypatch.setitem(sys.modules, "fastapi", None)
    for name in [name for name in sys.modules if name.startswith("squeezebert.serving")]:
        monkeypatch.delitem(sys.modules, name)
    assert run(["serve", "squeezebert-mini-news"]) == EXIT_ERROR
    assert 'pip install "squeezebert[serve]"' in capsys.readouterr().err
