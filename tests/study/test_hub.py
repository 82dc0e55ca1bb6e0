"""Downloads from a hub that behaves, and from one that does not."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest
from huggingface_hub import constants

from experiments.loopback_hub.server import Fault, Hub
from squeezebert.errors import CheckpointError
from squeezebert.study.hub import HubUnreachable, Repository, fetch, is_cached, look_up

NAME = "squeezebert/squeezebert-uncased"
WEIGHTS = "pytorch_model.bin"


def download(repository: Repository, path: str) -> Path:
    file = repository.file(path)
    assert file is not None
    return fetch(repository, file)


def gets(hub: Hub, path: str) -> int:
    return sum(line.startswith("GET") and line.endswith(path) for line in hub.asked)


def served(hub: Hub, path: str) -> bytes:
    return hub.repositories[f"models/{NAME}", "main"][path]


def test_a_repository_tells_its_files_with_their_hashes(hub: Hub) -> None:
    found = look_up("model", NAME)
    assert len(found.commit) == 40
    weights, config = found.file(WEIGHTS), found.file("config.json")
    assert weights is not None
    assert config is not None
    assert weights.digest == f"sha256:{hashlib.sha256(served(hub, WEIGHTS)).hexdigest()}"
    assert config.digest.startswith("git:")
    assert found.file("model.safetensors") is None


def test_files_are_downloaded_once(hub: Hub) -> None:
    repository = look_up("model", NAME)
    for path in (WEIGHTS, "vocab.txt"):
        assert download(repository, path).read_bytes() == served(hub, path)
        assert download(repository, path).read_bytes() == served(hub, path)
        assert gets(hub, path) == 1


def test_a_download_that_broke_off_goes_on_where_it_was(hub: Hub) -> None:
    repository = look_up("model", NAME)
    hub.faults[WEIGHTS] = "cut once"
    assert download(repository, WEIGHTS).read_bytes() == served(hub, WEIGHTS)
    assert gets(hub, WEIGHTS) == 2


def test_a_download_that_always_breaks_off_loses_nothing_else(hub: Hub) -> None:
    repository = look_up("model", NAME)
    download(repository, "vocab.txt")
    # Nothing comes at all: what comes in pieces is put together by the client.
    hub.faults[WEIGHTS] = "nothing"
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin of squeezebert/") as caught:
        download(repository, WEIGHTS)
    assert "the same command goes on from there" in str(caught.value)
    vocabulary, weights = repository.file("vocab.txt"), repository.file(WEIGHTS)
    assert vocabulary is not None
    assert weights is not None
    assert is_cached(repository, vocabulary)
    assert not is_cached(repository, weights)
    del hub.faults[WEIGHTS]
    assert download(repository, WEIGHTS).read_bytes() == served(hub, WEIGHTS)


def test_other_content_than_the_hub_says_is_downloaded_again(hub: Hub) -> None:
    repository = look_up("model", NAME)
    hub.faults[WEIGHTS] = "changed once"
    assert download(repository, WEIGHTS).read_bytes() == served(hub, WEIGHTS)
    assert gets(hub, WEIGHTS) == 2


@pytest.mark.parametrize("path", [WEIGHTS, "vocab.txt"])
def test_content_that_is_wrong_twice_is_refused_and_not_kept(hub: Hub, path: str) -> None:
    repository = look_up("model", NAME)
    hub.faults[path] = "changed"
    with pytest.raises(CheckpointError, match="came twice with other content") as caught:
        download(repository, path)
    file = repository.file(path)
    assert file is not None
    assert file.digest in str(caught.value)
    assert not is_cached(repository, file)


def test_a_file_that_a_disk_spoilt_is_downloaded_again(hub: Hub) -> None:
    repository = look_up("model", NAME)
    place = download(repository, WEIGHTS)
    content = place.read_bytes()
    place.resolve().write_bytes(content[:-1] + b"?")
    assert download(repository, WEIGHTS).read_bytes() == content


def test_a_file_that_is_known_to_be_whole_is_not_read_again(hub: Hub) -> None:
    repository = look_up("model", NAME)
    place = download(repository, WEIGHTS)
    place.resolve().write_bytes(b"never looked at")
    file = repository.file(WEIGHTS)
    assert file is not None
    assert fetch(repository, file, is_checked=True).read_bytes() == b"never looked at"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("missing", "404"),
        ("broken", "500"),
        ("slow", r"timed out\s+hint: set HF_HUB_DOWNLOAD_TIMEOUT"),
    ],
)
def test_what_the_hub_refuses_is_named_with_the_reason(
    hub: Hub, fault: Fault, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = look_up("model", NAME)
    hub.faults[WEIGHTS] = fault
    if fault == "slow":
        for name in ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"):
            monkeypatch.setattr(constants, name, 0.2)
    with pytest.raises(CheckpointError, match=rf"pytorch_model\.bin of squeezebert/.*{message}"):
        download(repository, WEIGHTS)


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [("someone/nothing", "main", "no such repository"), (NAME, "v9", "404")],
)
def test_what_is_not_there(hub: Hub, name: str, revision: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        look_up("model", name, revision)
    assert not isinstance(caught.value, HubUnreachable)


def test_no_connection_is_told_apart(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = look_up("model", NAME)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    with pytest.raises(HubUnreachable, match="could not be had"):
        look_up("model", NAME)
    with pytest.raises(HubUnreachable, match="could not be had"):
        download(repository, WEIGHTS)


def test_told_to_stay_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE"):
        look_up("model", NAME)


def test_a_listing_that_does_not_fit_its_files(hub: Hub) -> None:
    repository = look_up("model", NAME)
    file = repository.file("vocab.txt")
    assert file is not None
    longer = dataclasses.replace(file, size=file.size + 1)
    with pytest.raises(CheckpointError, match=f"expected {file.size + 1:,} bytes"):
        fetch(repository, longer)
