"""Who is let in, with what, and what the log says of it."""

from __future__ import annotations

import json
import logging
import socket
from urllib.parse import urlsplit

import httpx2
import pytest

from squeezebert.serving.limits import Limits
from squeezebert.serving.logs import LOGGER, JsonFormatter
from squeezebert.serving.operations import ClassifyText

ASK = {"inputs": "The striker scored twice."}


def ask(base: str, /, **options: object) -> httpx2.Response:
    with httpx2.Client(base_url=base, timeout=60, trust_env=False) as client:
        return client.request(**{"method": "POST", "url": "/models/news", "json": ASK, **options})


def kind(answer: httpx2.Response) -> str:
    """The type of an error, which must be JSON on one line without a trace."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert set(body) == {"error", "error_type", "hint"}
    assert "\n" not in body["error"]
    assert "Traceback" not in answer.text
    return body["error_type"]


def test_a_token_is_asked_of_all_but_probes(serve) -> None:
    with serve(token="open-sesame") as url:
        for path in ("/health", "/ready"):
            assert ask(url, method="GET", url=path, json=None).status_code == 200
        for path in ("/metrics", "/models", "/openapi.json", "/nowhere", "/v1/models"):
            assert ask(url, method="GET", url=path, json=None).status_code == 401
        for given in (
            "",
            "open-sesame",
            "Bearer",
            "Basic open-sesame",
            "Bearer open-sesam",
            "Bearer open-sesamee",
        ):
            refused = ask(url, headers={"Authorization": given} if given else {})
            assert refused.status_code == 401, given
            assert kind(refused) == "unauthorized"
            assert refused.headers["www-authenticate"] == "Bearer"
        header = {"Authorization": "Bearer open-sesame"}
        assert ask(url, headers=header).status_code == 200
        assert ask(url, headers={"Authorization": "bearer open-sesame"}).status_code == 200
        spec = ask(url, method="GET", url="/openapi.json", json=None, headers=header).json()
        assert spec["paths"]["/models/news"]["post"]["security"] == [{"HTTPBearer": []}]


def test_limits_of_a_request(client: httpx2.Client) -> None:
    for inputs in (["a"] * 9, "word " * 700, ["word " * 110] * 6):
        refused = client.post("/models/ner", json={"inputs": inputs})
        assert refused.status_code == 413
        assert kind(refused) == "too_large"
    assert client.post("/models/ner", json={"inputs": ["a"] * 8}).status_code == 200


def test_a_large_body_is_refused_whether_announced_or_not(client: httpx2.Client) -> None:
    announced = client.post("/models/news", json={"inputs": "x" * 30_000})
    assert announced.status_code == 413
    assert kind(announced) == "too_large"
    chunks = client.post(
        "/models/news",
        content=iter([b'{"inputs": "', *[b"x" * 1000] * 30, b'"}']),
        headers={"Content-Type": "application/json"},
    )
    assert chunks.status_code == 413
    assert kind(chunks) == "too_large"


def test_a_slow_body_is_given_up(serve) -> None:
    with serve(limits=Limits(deadline_seconds=0.2)) as url:
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
            connection.sendall(
                b"POST /models/news HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
            answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"error_type": "slow_body"' in answer


def test_only_so_many_requests_at_a_time(serve) -> None:
    with serve(limits=Limits(requests=1)) as url:
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
            connection.sendall(
                b"POST /models/news HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
            # The first is in when the server counts it.
            while " 2.0" not in in_flight(url):
                pass
            refused = ask(url)
            assert refused.status_code == 429
            assert kind(refused) == "queue_full"
            assert refused.headers["retry-after"] == "1"
        while " 1.0" not in in_flight(url):
            pass
        assert ask(url).status_code == 200


def in_flight(url: str) -> str:
    """The line of the metrics that counts requests under way, that for them included."""
    lines = ask(url, method="GET", url="/metrics", json=None).text.splitlines()
    return next(line for line in lines if line.startswith("squeezebert_requests_in_flight"))


@pytest.mark.parametrize(
    ("options", "status", "error"),
    [
        ({"content": b"{", "json": None}, 400, "unreadable_body"),
        ({"content": b"\xff\xfe", "json": None}, 400, "unreadable_body"),
        ({"content": b"[" * 15_000, "json": None}, 400, "unreadable_body"),
        ({"json": {"inputs": 3}}, 422, "invalid_request"),
        ({"json": {"inputs": []}}, 422, "invalid_request"),
        ({"json": {"inputs": "a", "parameters": {"topk": 1}}}, 422, "invalid_request"),
        ({"json": {"inputs": "a", "parameters": {"top_k": 0}}}, 422, "invalid_request"),
        ({"json": {"inputs": "a", "parameters": {"top_k": "1"}}}, 422, "invalid_request"),
        ({"content": b'{"inputs": "\\ud800"}', "json": None}, 422, "invalid_input"),
        ({"headers": {"X-Timeout": "nan"}}, 422, "invalid_request"),
        ({"headers": {"X-Timeout": "0"}}, 422, "invalid_request"),
        ({"url": "/models/unknown"}, 404, "unknown_model"),
        ({"url": "/models/news/pipeline/fill-mask"}, 404, "unknown_model"),
        ({"url": "/unknown"}, 404, "not_found"),
        ({"headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media_type"),
        ({"content": b"", "json": None}, 422, "invalid_request"),
        ({"method": "PUT"}, 405, "method_not_allowed"),
    ],
)
def test_what_is_wrong_is_told(
    client: httpx2.Client, options: dict[str, object], status: int, error: str
) -> None:
    request = {"method": "POST", "url": "/models/news", "json": ASK, **options}
    if request["json"] is None:
        request["headers"] = {"Content-Type": "application/json"}
    answer = client.request(**request)
    assert (answer.status_code, kind(answer)) == (status, error), answer.text


def test_places_are_named_as_the_client_knows_them(client: httpx2.Client) -> None:
    body = {"inputs": ["a", 3], "parameters": {"top_k": 0, "x": 1}}
    told = client.post("/models/news", json=body).json()["error"]
    assert "inputs.1: Input should be a valid string" in told
    assert "parameters.top_k: " in told
    assert "parameters.x: Extra inputs are not permitted" in told
    assert "TextPair" not in told


def test_what_has_no_path_is_told(client: httpx2.Client) -> None:
    told = client.post("/models/nwes", json=ASK).json()
    assert told["error"] == "no model 'nwes' is served here"
    assert told["hint"] == "models: news, ner, mlm"
    told = client.post("/models/ner/pipeline/fill-mask", json=ASK).json()
    assert told["error"] == "the model 'ner' does not answer 'fill-mask'"
    assert told["hint"] == "it answers token-classification, feature-extraction"


def test_a_body_that_does_not_say_that_it_is_json(client: httpx2.Client) -> None:
    told = client.post("/models/news", content=b'{"inputs": "a"}').json()
    assert told["error"] == "the body has no Content-Type, expected 'application/json'"
    assert told["hint"].startswith("send the header Content-Type: application/json")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    told = client.post("/v1/embeddings", content=b"{}", headers=form).json()
    assert "'application/x-www-form-urlencoded'" in told["error"]["message"]
    for content_type in ("application/json; charset=utf-8", "Application/vnd.me+JSON"):
        header = {"Content-Type": content_type}
        answer = client.post("/models/news", content=b'{"inputs": "a"}', headers=header)
        assert answer.status_code == 200


def test_request_ids(client: httpx2.Client) -> None:
    given = client.get("/health", headers={"X-Request-ID": "order-7"})
    assert given.headers["x-request-id"] == "order-7"
    made = {
        client.get("/health", headers={"X-Request-ID": "a b"}).headers["x-request-id"]
        for _ in range(5)
    }
    assert len(made) == 5
    assert "a b" not in made


class Lines(logging.Handler):
    """Keeps what would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> object:
    handler = Lines()
    LOGGER.addHandler(handler)
    level = LOGGER.level
    LOGGER.setLevel(logging.INFO)
    yield handler.lines
    LOGGER.removeHandler(handler)
    LOGGER.setLevel(level)


def test_the_log_holds_no_text(serve, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "xyzzyplugh"
    with serve("news=squeezebert-mini-news", "mlm=squeezebert-mini-mlm") as url:
        assert ask(url, json={"inputs": secret}).status_code == 200
        refused = ask(url, url="/models/mlm", json={"inputs": secret})
        assert secret in refused.json()["error"], "the client is told, the log is not"
        assert ask(url, json={"inputs": "a", secret: 1}).status_code == 422
        assert ask(url, url=f"/{secret}?{secret}={secret}").status_code == 404
        assert ask(url, headers={"X-Request-ID": "my-id"}).status_code == 200

        def fail(*_: object) -> None:
            raise RuntimeError(f"I choke on {secret}")

        monkeypatch.setattr(ClassifyText, "render", fail)
        fault = ask(url, json={"inputs": secret})
        assert fault.status_code == 500
        assert kind(fault) == "fault"
        assert secret not in fault.text
    rows = [json.loads(line) for line in lines]
    assert not [line for line in lines if secret in line]
    requests = [row for row in rows if row["event"] == "request"]
    assert [row["status"] for row in requests] == [200, 422, 422, 404, 200, 500]
    assert requests[0]["path"] == "/models/news"
    assert requests[0]["texts"] == 1
    assert requests[0]["tokens"] > 2
    assert requests[3]["path"] == "unknown"
    assert requests[4]["id"] == "my-id"
    (fault_row,) = [row for row in rows if row["event"] == "fault"]
    assert fault_row["fault"]["kind"] == "RuntimeError"
    assert any("routes.py" in place for place in fault_row["fault"]["where"])
