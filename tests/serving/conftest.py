"""A server on loopback, with models that ship."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx2
import pytest

from squeezebert.serving.app import create_app
from squeezebert.serving.limits import Limits
from squeezebert.serving.run import listen, make_server
from squeezebert.serving.service import ModelSource, Service

MODELS = (
    "news=squeezebert-mini-news",
    "ner=squeezebert-mini-ner",
    "mlm=squeezebert-mini-mlm",
)


def make_service(*models: str, limits: Limits | None = None) -> Service:
    return Service([ModelSource.parse(m) for m in models], limits=limits, threads=1)


@contextmanager
def running(service: Service, *, token: str | None = None) -> Iterator[str]:
    """Serves in a thread; the URL. At the end it is told to stop and waited for."""
    with listen("127.0.0.1", 0) as place:
        server = make_server(create_app(service, token=token), service)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            host, port = place.getsockname()
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            thread.join()


Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def serve() -> Serve:
    """``with serve(*models, limits=…, token=…) as url``."""

    @contextmanager
    def started(
        *models: str, limits: Limits | None = None, token: str | None = None
    ) -> Iterator[str]:
        with running(make_service(*(models or MODELS[:1]), limits=limits), token=token) as url:
            yield url

    return started


@pytest.fixture(scope="session")
def url(serve: Serve) -> Iterator[str]:
    """A server with a model of each task, small limits and no token."""
    limits = Limits(body_bytes=20_000, texts=8, tokens=600, queue_tokens=5000)
    with serve(*MODELS, limits=limits) as url:
        yield url


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client
