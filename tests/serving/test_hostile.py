"""Rubbish of all kinds leaves the server as it was.

``SQUEEZEBERT_HOSTILE_REQUESTS`` and ``SQUEEZEBERT_FUZZ_SEED`` make it more, or other, rubbish.
"""

from __future__ import annotations

import json
import os
import random
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx2

REQUESTS = int(os.environ.get("SQUEEZEBERT_HOSTILE_REQUESTS", "400"))
SEED = int(os.environ.get("SQUEEZEBERT_FUZZ_SEED", "0"))

PATHS = (
    "/models/news",
    "/models/ner",
    "/models/mlm",
    "/models/ner/pipeline/feature-extraction",
    "/v1/embeddings",
)
STRINGS = (
    "",
    "[MASK]",
    "[MASK]" * 50,
    "[CLS][SEP][PAD][UNK]",
    "\x00\x1b[2J\u202e",
    "é" * 300,
    "e" + "\u0301" * 500,
    "中文" * 100,
    "🏳️‍🌈" * 60,
    "a" * 3000,
    "a b " * 400,
    "##ing ##ed",
    "../../etc/passwd",
    "\ud800",
    "{{7*7}}${7*7}",
)
KEYS = (
    "inputs", "input", "model", "parameters", "options", "top_k", "normalize", "truncate",
    "dimensions", "encoding_format", "text", "text_pair", "function_to_apply", "stride",
    "aggregation_strategy", "ignore_labels", "targets", "\x00", "__class__",
)  # fmt: skip


def value(draw: random.Random, depth: int = 0) -> Any:
    """Any JSON, nested a little."""
    kind = draw.randrange(9 if depth < 3 else 6)
    if kind <= 1:
        return draw.choice(STRINGS)
    if kind == 2:
        return draw.choice((0, -1, 1, 2**31, 2**63, 10**400, 5))
    if kind == 3:
        return draw.choice((0.5, -0.0, 1e308, float("nan"), float("inf")))
    if kind == 4:
        return draw.choice((None, True, False))
    if kind == 5:
        return draw.choice(("news", "softmax", "float", "base64", "none", "left"))
    if kind <= 7:
        return [value(draw, depth + 1) for _ in range(draw.randrange(12))]
    return {draw.choice(KEYS): value(draw, depth + 1) for _ in range(draw.randrange(6))}


def body(draw: random.Random) -> bytes:
    """A request that could be meant, or not; now and then damaged."""
    question: Any = value(draw)
    if draw.random() < 0.8:
        question = {
            draw.choice(("inputs", "input")): draw.choice((draw.choice(STRINGS), value(draw)))
        }
        if draw.random() < 0.5:
            question[draw.choice(KEYS)] = value(draw)
        if draw.random() < 0.3:
            question["model"] = draw.choice(("news", "mlm", "nothing"))
    raw = bytearray(json.dumps(question).encode())
    if draw.random() < 0.2:
        for _ in range(draw.randrange(1, 6)):
            raw[draw.randrange(len(raw))] = draw.randrange(256)
    return bytes(raw)


def test_rubbish_in_bodies_and_headers(client: httpx2.Client) -> None:
    draw = random.Random(SEED)
    seen: set[int] = set()
    for _ in range(REQUESTS):
        headers = {"Content-Type": "application/json"}
        if draw.random() < 0.1:
            headers["Content-Type"] = draw.choice(("text/plain", "application/x", "a;;b=", "/"))
        if draw.random() < 0.1:
            headers["X-Timeout"] = draw.choice(("-1", "1e999", "x", "", "0.5"))
        answer = client.post(draw.choice(PATHS), content=body(draw), headers=headers)
        assert answer.status_code in (200, 400, 404, 413, 415, 422), answer.text
        told = answer.json()
        if answer.status_code != 200:
            reason = told["error"]
            line = reason if isinstance(reason, str) else reason["message"]
            assert line.isprintable(), line
            assert "Traceback" not in answer.text
        seen.add(answer.status_code)
    assert {200, 400, 415, 422} <= seen
    healthy(client)


def test_rubbish_below_http(url: str, client: httpx2.Client) -> None:
    draw = random.Random(SEED)
    place = urlsplit(url)
    starts = (
        b"",
        b"GET / HTTP/1.1\r\n",
        b"POST /models/news HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
        b"POST /models/news HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /models/news HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /models/news HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
        b"GET /" + b"a" * 70_000,
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET /%00%ff HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    )
    for _ in range(max(len(starts), REQUESTS // 10)):
        with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
            connection.sendall(draw.choice(starts) + draw.randbytes(draw.randrange(40)))
    healthy(client)


def healthy(client: httpx2.Client) -> None:
    assert client.get("/ready").json() == {"status": "ready"}
    answer = client.post("/models/news", json={"inputs": "The striker scored twice."})
    assert answer.json()[0][0]["label"] == "sport"
