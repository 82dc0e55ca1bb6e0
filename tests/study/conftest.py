"""A hub on loopback with tiny checkpoints, and a client that asks it and nothing else."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.loopback_hub.published import published
from experiments.loopback_hub.server import Hub, serving

WORDS = 2600


@pytest.fixture(scope="session")
def content() -> Hub:
    """What is served, made once."""
    return published("tiny", words=WORDS)


Client = Callable[[Hub, Path, pytest.MonkeyPatch], None]


@pytest.fixture(scope="session")
def client() -> Client:
    """Has the hub's client ask a hub on loopback, keep files in a cache, and not wait."""
    return ask_only


def ask_only(hub: Hub, cache: Path, patch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    patch.setattr(constants, "ENDPOINT", hub.endpoint)
    template = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    patch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 60)
    patch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 60)
    patch.setattr(time, "sleep", lambda _: None)


@pytest.fixture
def hub(
    content: Hub, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hub]:
    """The hub without faults; a test may lay some into it."""
    own = Hub(repositories=copy.copy(content.repositories))
    with serving(own):
        client(own, tmp_path / "cache", monkeypatch)
        yield own


@pytest.fixture
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty data directory."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(tmp_path / "empty"))
