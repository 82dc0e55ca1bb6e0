"""The deployment on Ray Serve: its parts without Ray, and real replicas of which one is killed."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from squeezebert.serving.cluster import ATTEMPTS, Arguments, Door, Models, build
from squeezebert.serving.in_process import Question, Reply
from squeezebert.serving.limits import Limits

NEWS = "news=squeezebert-mini-news"
QUESTION = Question(
    "POST",
    "/models/news",
    b"",
    [(b"content-type", b"application/json")],
    b'{"inputs": "The striker scored twice."}',
)


class LostError(Exception):
    """As when a replica has died."""


class FullError(Exception):
    """As when too many wait."""


class Replicas:
    """A handle: each call fails or answers as told."""

    def __init__(self, *outcomes: Exception | Reply) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[Question] = []
        self.answer = self

    def remote(self, question: Question) -> Any:
        self.asked.append(question)
        outcome = self.outcomes.pop(0)

        async def answer() -> Reply:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return asyncio.ensure_future(answer())


def through_door(replicas: Replicas, body: bytes = b"a question") -> httpx2.Response | Any:
    door = Door(replicas, lost=(LostError,), full=(FullError,), limits=Limits(body_bytes=100))

    async def endpoint(request: Any) -> Response:
        return await door(request)

    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=["POST"])])
    return TestClient(app).post("/models/news?a=b", content=body, headers={"X-Request-ID": "7"})


def test_a_replica_answers_as_a_server_does() -> None:
    async def main() -> None:
        replica = Models(Arguments(models=NEWS), token="word")
        refused = await replica.answer(QUESTION)
        assert refused.status == 401
        known = (b"authorization", b"Bearer word")
        reply = await replica.answer(QUESTION._replace(headers=[*QUESTION.headers, known]))
        assert reply.status == 200
        assert json.loads(reply.body)[0][0]["label"] == "sport"

    asyncio.run(main())


def test_the_door_asks_again_when_a_replica_dies() -> None:
    answer = Reply(201, [(b"x-more", b"1"), (b"content-length", b"2")], b"ok")
    replicas = Replicas(LostError(), LostError(), answer)
    response = through_door(replicas)
    assert (response.status_code, response.text, response.headers["x-more"]) == (201, "ok", "1")
    first = replicas.asked[0]
    assert replicas.asked == [first] * 3
    assert (first.method, first.path, first.query) == ("POST", "/models/news", b"a=b")
    assert first.body == b"a question"
    assert (b"x-request-id", b"7") in first.headers


def test_the_door_gives_up_in_the_end() -> None:
    replicas = Replicas(*[LostError()] * ATTEMPTS)
    assert through_door(replicas).status_code == 503
    assert len(replicas.asked) == ATTEMPTS


def test_the_door_refuses_what_is_too_much() -> None:
    response = through_door(Replicas(FullError()))
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    unasked = Replicas()
    assert through_door(unasked, b"x" * 101).status_code == 413
    assert unasked.asked == []


def test_ray_finds_what_to_make_of_the_words_on_its_command_line() -> None:
    # It looks at the annotation itself, and hands on a dictionary where that is no class.
    (parameter,) = inspect.signature(build).parameters.values()
    assert parameter.annotation is Arguments
    given = Arguments.model_validate({"models": NEWS, "max_replicas": "2", "cpus": "0.5"})
    assert (given.max_replicas, given.cpus) == (2, 0.5)


# -- on Ray ---------------------------------------------------------------------------------------


# Two CPUs to count with, whatever the machine has, since replicas ask for half of one. In a process
# of its own: Ray warns of much, and leaves threads behind.
SERVER = """
import sys
import ray
from ray import serve
from squeezebert.serving.cluster import Arguments, build
try:
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 << 20)
except Exception as error:
    print("no cluster:", error, flush=True)
    raise
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
serve.run(build(Arguments(models=sys.argv[2], min_replicas=2, max_replicas=2)))
print("ready", flush=True)
sys.stdin.read()
serve.shutdown()
"""


class Deployment(NamedTuple):
    """A running one: where it answers, and the process that started it."""

    url: str
    pid: int


@pytest.fixture
def deployment(ray_starts: None) -> Iterator[Deployment]:
    """Two replicas on a cluster of this machine's."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port), NEWS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Its own five seconds are too few for a machine that does something else.
        env=os.environ | {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "240"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("no cluster"):
                pytest.skip(f"Ray does not start here: {line}")
            if line == "ready\n":
                break
        else:
            pytest.fail("the replicas did not come up")
        # What it still has to say must not stop it.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Deployment(f"http://127.0.0.1:{port}", process.pid)
        process.stdin.close()


def replicas(starter: int) -> list[int]:
    """The processes of the replicas that hold models, below that which started them: another
    cluster on this machine is nothing to this test.
    """
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            pid = int(path.parent.name)
            name = path.read_text()
            if name.startswith("ray::ServeReplica:default:Models") and starter in ancestors(pid):
                found.append(pid)
    return found


def ancestors(pid: int) -> Iterator[int]:
    """The parent of a process, its parent, and so on."""
    while pid > 1:
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])  # a name may hold anything, even brackets
        yield pid


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds replicas in /proc")
def test_it_loses_no_request_when_a_replica_is_killed(deployment: Deployment) -> None:
    texts = [f"The striker scored {number} times for the team." for number in range(64)]
    statuses: list[int] = []
    answers: set[str] = set()
    stop = threading.Event()

    def client() -> None:
        with httpx2.Client(base_url=deployment.url, timeout=120, trust_env=False) as session:
            while not stop.is_set():
                response = session.post("/models/news", json={"inputs": texts})
                statuses.append(response.status_code)
                answers.add(response.text)

    clients = [threading.Thread(target=client) for _ in range(8)]
    for thread in clients:
        thread.start()
    try:
        wait_for(statuses, 20)
        before = replicas(deployment.pid)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        wait_for(statuses, len(statuses) + 40)
    finally:
        stop.set()
        for thread in clients:
            thread.join()
    assert before[0] not in replicas(deployment.pid)
    assert set(statuses) == {200}
    assert len(answers) == 1


def wait_for(statuses: list[int], count: int) -> None:
    end = time.monotonic() + 240
    while len(statuses) < count:
        assert time.monotonic() < end, statuses
        time.sleep(0.02)
