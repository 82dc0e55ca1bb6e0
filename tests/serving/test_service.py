"""The life of a service: deadlines, clients that go, reloads, the end."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError, ConfigError, InvalidInputError
from squeezebert.serving.limits import Limits
from squeezebert.serving.operations import ClassifyText
from squeezebert.serving.refusals import QueueFullError
from squeezebert.serving.schemas import TextClassificationRequest
from squeezebert.serving.service import ModelSource, Service
from tests.cli.conftest import SPECS, write_model
from tests.serving.conftest import make_service, running

NEWS = "news=squeezebert-mini-news"
ASK = {"inputs": "The striker scored twice."}
BODY = TextClassificationRequest(inputs="The striker scored twice.")


class Gate:
    """Stands before the engine; lets nothing through until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open = threading.Event()
        self.reached = threading.Event()
        self.inputs = 0
        run = ClassifyText.run

        def slow(operation: ClassifyText, items: Sequence[Any]) -> Any:
            self.reached.set()
            assert self._open.wait(60)
            self.inputs += len(items)
            return run(operation, items)

        monkeypatch.setattr(ClassifyText, "run", slow)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Any:
    gate = Gate(monkeypatch)
    yield gate
    gate.open()


def post(url: str, **headers: str) -> httpx2.Response:
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as client:
        return client.post("/models/news", json=ASK, headers=headers)


def metric(url: str, start: str) -> float:
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))


def test_a_deadline_ends_the_waiting(gate: Gate) -> None:
    with running(make_service(NEWS)) as url:
        late = post(url, **{"X-Timeout": "0.05"})
        assert late.status_code == 504
        assert late.json()["error_type"] == "deadline_exceeded"
        gate.open()
        assert post(url).status_code == 200


def test_the_server_has_a_deadline_too(gate: Gate) -> None:
    with running(make_service(NEWS, limits=Limits(deadline_seconds=0.05))) as url:
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
            connection.sendall(whole_request(b'{"inputs": "a"}', b"X-Timeout: 100\r\n"))
            assert connection.recv(99).startswith(b"HTTP/1.1 504 ")
        gate.open()


def whole_request(body: bytes, header: bytes = b"") -> bytes:
    """All of a request in one piece, so that no part of it is late."""
    return (
        b"POST /models/news HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n%s"
        b"Content-Length: %d\r\n\r\n%s" % (header, len(body), body)
    )


def test_a_client_that_goes_frees_its_place(gate: Gate) -> None:
    with running(make_service(NEWS)) as url, ThreadPoolExecutor(1) as others:
        first = others.submit(post, url)
        assert gate.reached.wait(60)
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
            connection.sendall(whole_request(b'{"inputs": "I shall be gone."}'))
            while not metric(url, 'squeezebert_waiting_tokens{model="news"'):
                time.sleep(0.01)
        while metric(url, 'squeezebert_waiting_tokens{model="news"'):
            time.sleep(0.01)
        gate.open()
        assert first.result().status_code == 200
        while not metric(url, "squeezebert_requests_total") > 2:
            time.sleep(0.01)
        assert metric(url, 'squeezebert_requests_total{model="news",operation="text-cla') == 2
        assert gate.inputs == 1, "who has gone is not answered"


def test_overload_gives_refusals_only_and_loses_nothing(gate: Gate) -> None:
    """Twice as many clients as the queue takes: each gets its answer or a 429, at once."""
    limits = Limits(tokens=32, queue_tokens=32)
    with running(make_service(NEWS, limits=limits)) as url, ThreadPoolExecutor(16) as clients:
        first = clients.submit(post, url)
        assert gate.reached.wait(60)
        answers = [clients.submit(post, url) for _ in range(15)]
        while metric(url, 'squeezebert_requests_total{model="news"') < 12:
            time.sleep(0.01)
        gate.open()
        statuses = [answer.result().status_code for answer in answers]
        assert first.result().status_code == 200
        refused = [answer.result() for answer in answers if answer.result().status_code == 429]
        assert sorted(set(statuses)) == [200, 429]
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert gate.inputs == 1 + statuses.count(200)
        assert post(url).status_code == 200


def test_shutdown_finishes_what_was_accepted(gate: Gate) -> None:
    with ThreadPoolExecutor(3) as clients:
        with running(make_service(NEWS)) as url:
            answers = [clients.submit(post, url) for _ in range(3)]
            assert gate.reached.wait(60)
            while not metric(url, 'squeezebert_waiting_tokens{model="news"'):
                time.sleep(0.01)
            threading.Timer(0.2, gate.open).start()  # long after the server was told to stop
        assert [answer.result().status_code for answer in answers] == [200] * 3
        with pytest.raises(httpx2.ConnectError):
            post(url)


def test_a_reload_loses_no_request() -> None:
    service = make_service(NEWS)

    async def main() -> list[Any]:
        await service.start()
        old = service.model("news")

        async def client() -> list[Any]:
            answers: list[Any] = []
            while service.model("news").info.loaded < 4 or len(answers) < 5:
                asked = service.model("news").asked["text-classification"]
                answer, _ = await service.ask(
                    asked,
                    BODY,
                    [BODY.inputs],
                    lambda prepared, results, asked=asked: asked.operation.render(
                        BODY, prepared, results
                    ),
                    seconds=60.0,
                )
                answers.append(answer)
            return answers

        clients = [asyncio.create_task(client()) for _ in range(4)]
        for _ in range(3):
            await service.reload()
        answers = await asyncio.gather(*clients)
        assert service.model("news") is not old
        return [answer for row in answers for answer in row]

    answers = asyncio.run(main())
    service.close()
    assert len(answers) >= 20
    assert all(answer == answers[0] for answer in answers)


def test_a_reload_that_fails_leaves_the_model_as_it_is(
    tmp_path: Path, tiny_config: EncoderConfig, tiny_vocabulary: tuple[str, ...]
) -> None:
    directory = tmp_path / "model"

    def write(task: str) -> None:
        write_model(directory, tiny_config, tiny_vocabulary, SPECS[task])

    write("text_classification")
    service = make_service(f"news={directory}")

    async def main() -> None:
        await service.start()
        old = service.model("news")
        (directory / "task.json").write_text("{", encoding="utf-8")
        await service.reload()
        assert service.model("news") is old
        write("masked_lm")
        await service.reload()
        assert service.model("news") is old, "another task"
        write("text_classification")
        await service.reload()
        assert service.model("news").info.loaded == 2

    asyncio.run(main())
    assert b'reloads_total{model="news",outcome="failed"} 2.0' in service.metrics.text()
    assert b'reloads_total{model="news",outcome="ok"} 1.0' in service.metrics.text()
    service.close()


def test_vectors_of_a_model_without_a_head(
    tmp_path: Path, tiny_config: EncoderConfig, tiny_vocabulary: tuple[str, ...]
) -> None:
    import torch

    from squeezebert.model import Encoder, save_model
    from squeezebert.tokenizer import Tokenizer

    torch.manual_seed(0)
    save_model(Encoder(tiny_config), tmp_path / "bare")
    Tokenizer.from_vocabulary(tiny_vocabulary, lowercase=True).save(tmp_path / "bare")
    with (
        running(make_service(str(tmp_path / "bare"))) as url,
        httpx2.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        vector = client.post("/models/bare", json={"inputs": "the cat"}).json()
        assert len(vector) == 32
        path = "/models/bare/pipeline/feature-extraction"
        assert client.post(path, json={"inputs": ["the cat"]}).json() == [vector]
        assert client.get("/models/bare/info").json()["task"] == "feature-extraction"


def test_names() -> None:
    assert ModelSource.parse("squeezebert-mini-news").name == "squeezebert-mini-news"
    assert ModelSource.parse("a/b=squeezebert-mini-news").name == "a/b"
    assert ModelSource.parse("x=/some/where/model").model == "/some/where/model"
    with pytest.raises(InvalidInputError, match="cannot be served as"):
        ModelSource.parse("a model?")


def test_models_that_cannot_be_served() -> None:
    with pytest.raises(InvalidInputError, match="no model is given"):
        Service([])
    twice = [ModelSource.parse(NEWS), ModelSource.parse("news=squeezebert-mini-ner")]
    with pytest.raises(InvalidInputError, match="one name among news, news"):
        Service(twice)
    with pytest.raises(CheckpointError):
        Service([ModelSource.parse("a=/nowhere/at/all")])


def test_limits_are_checked() -> None:
    for wrong in ({"texts": 0}, {"deadline_seconds": float("nan")}, {"queue_tokens": 10}):
        with pytest.raises(ConfigError):
            Limits(**wrong)
    assert QueueFullError("full", retry_after_seconds=2).hint == "try again in 2 s"
