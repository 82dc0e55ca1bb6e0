"""The server of the playground: its files, its answers, and whom it answers."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import squeezebert
from squeezebert.cli.main import run
from squeezebert.errors import InvalidInputError
from squeezebert.playground import NativeAnswers, PlaygroundServer, Site

TEXT = "\U0001f600 Angela Merkel flog nach Zürich."


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site(native=True)
    yield site
    site.close()


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[PlaygroundServer]:
    with PlaygroundServer(site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: PlaygroundServer,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def question(server: PlaygroundServer, **parts: object) -> tuple[int, Any]:
    body = json.dumps(parts).encode()
    headers = {"Content-Type": "application/json"}
    status, _, said = ask(server, "POST", "/answer", body, headers)
    return status, json.loads(said)


def test_page_and_models_are_served(server: PlaygroundServer, site: Site) -> None:
    status, headers, body = ask(server, "GET", "/")
    assert status == 200
    assert b"<h1>" in body
    assert headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert ask(server, "GET", "/main.js")[1]["Content-Type"].startswith("text/javascript")
    offer = json.loads(ask(server, "GET", "/models.json")[2])
    assert offer["engine"] == "native"
    for model in offer["models"]:
        status, headers, body = ask(server, "GET", "/" + model["url"])
        assert status == 200
        assert len(body) == model["bytes"] < 6_000_000
        assert "immutable" in headers["Cache-Control"]
        assert body == site.bundles[model["name"]].read_bytes()
    status, headers, body = ask(server, "HEAD", "/style.css")
    assert status == 200
    assert body == b""
    assert int(headers["Content-Length"]) > 1000


@pytest.mark.parametrize(
    "path",
    [
        "/none",
        "/../server.py",
        "/..%2fserver.py",
        "/models/..%2f..",
        "/%00",
        "//etc/passwd",
        "/models/",
    ],
)
def test_nothing_else_is(server: PlaygroundServer, path: str) -> None:
    assert ask(server, "GET", path)[0] == 404


def test_entities_equal_the_pipelines(server: PlaygroundServer) -> None:
    status, said = question(server, model="squeezebert-mini-ner", call="tag", text=TEXT)
    assert status == 200
    assert said["milliseconds"] > 0
    expected = squeezebert.load("squeezebert-mini-ner", task="token_classification")(TEXT)
    assert [entity["text"] for entity in said["answer"]] == [entity.text for entity in expected]
    utf16 = TEXT.encode("utf-16-le")
    for entity in said["answer"]:
        place = utf16[2 * entity["start"] : 2 * entity["end"]]
        assert place.decode("utf-16-le") == entity["text"]


def test_classes_equal_the_pipelines(server: PlaygroundServer) -> None:
    text = "The striker scored twice."
    status, said = question(server, model="squeezebert-mini-news", call="classify", text=text)
    expected = squeezebert.load("squeezebert-mini-news", task="text_classification")(text)
    assert status == 200
    assert said["answer"]["label"] == expected.label == "sport"
    assert sum(one["score"] for one in said["answer"]["scores"]) == pytest.approx(1.0)


def test_words_are_offered(server: PlaygroundServer) -> None:
    text = "\U0001f600 See you tomorow"
    parts = {"model": "squeezebert-mini-mlm", "call": "suggest", "text": text, "topK": 3}
    status, said = question(server, **parts, cursor=len(text) + 1)
    assert status == 200
    assert (said["answer"]["start"], said["answer"]["end"]) == (11, 18)
    assert said["answer"]["words"][0]["word"] == "tomorrow"
    assert said["answer"]["words"][0]["kind"] == "correction"
    status, said = question(server, **parts, cursor=99)
    assert status == 400
    assert "cursor" in said["error"]


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"model": "none", "call": "tag", "text": "a"},
        {"model": "squeezebert-mini-ner", "call": "fly", "text": "a"},
        {"model": "squeezebert-mini-ner", "call": "classify", "text": "a"},
        {"model": "squeezebert-mini-ner", "call": "tag", "text": 1},
        {"model": "squeezebert-mini-ner", "call": "tag", "text": "\ud83d"},
        {"model": "squeezebert-mini-mlm", "call": "fill", "text": "[MASK]", "topK": True},
        {"model": "squeezebert-mini-mlm", "call": "fill", "text": "[MASK]", "topK": 0},
    ],
)
def test_wrong_questions_are_refused(server: PlaygroundServer, parts: dict[str, object]) -> None:
    status, said = question(server, **parts)
    assert status == 400
    assert said["error"]


def test_only_the_page_itself_is_answered(server: PlaygroundServer) -> None:
    assert ask(server, "GET", "/", headers={"Host": "evil.example"})[0] == 403
    own = f"127.0.0.1:{server.server_port}"
    assert (
        ask(server, "GET", "/", headers={"Host": own, "Origin": "https://evil.example"})[0] == 403
    )
    body = b'{"model": "squeezebert-mini-ner", "call": "tag", "text": "a"}'
    assert ask(server, "POST", "/answer", body, {"Content-Type": "text/plain"})[0] == 415
    headers = {"Content-Type": "application/json", "Origin": f"http://{own}"}
    assert ask(server, "POST", "/answer", body, headers)[0] == 200
    assert ask(server, "POST", "/elsewhere", body, headers)[0] == 404
    assert ask(server, "POST", "/answer", b"[", headers)[0] == 400
    assert ask(server, "POST", "/answer", b"[1]", headers)[0] == 400
    assert ask(server, "POST", "/answer", None, {**headers, "Content-Length": "9999999"})[0] == 413


def test_a_port_in_use_is_named(server: PlaygroundServer, site: Site) -> None:
    with pytest.raises(InvalidInputError, match=f"port {server.server_port}"):
        PlaygroundServer(site, server.server_port)


def test_each_mask_is_filled(site: Site) -> None:
    asked = {"model": "squeezebert-mini-mlm", "call": "fill", "text": "I [MASK] tea.", "topK": 2}
    (gap,) = NativeAnswers(site.bundles, site.specs).answer(asked)["answer"]
    assert (gap["start"], gap["end"], len(gap["candidates"])) == (2, 8, 2)


def test_a_site_is_written_only_where_nothing_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("", encoding="utf-8")
    assert run(["playground", "--output", str(tmp_path)]) == 2
    assert "hint: " in capsys.readouterr().err
