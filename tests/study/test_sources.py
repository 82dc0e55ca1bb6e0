"""What a study took from the hub is written down, so that a later call asks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.loopback_hub.server import Hub
from squeezebert.errors import CheckpointError
from squeezebert.study.models import wanted_files
from squeezebert.study.sources import SOURCES, Sources

NAME = "squeezebert/squeezebert-uncased"


def test_a_later_call_takes_the_same_commit_and_asks_the_hub_nothing(
    hub: Hub, tmp_path: Path
) -> None:
    first = Sources(tmp_path / SOURCES)
    repository = first.repository("model", NAME)
    files = wanted_files(repository)
    assert first.missing(repository, files) == list(files)
    places = first.fetch(repository, files)
    assert {place.parent.name for place in places.values()} == {repository.commit}

    hub.asked.clear()
    hub.repositories.clear()  # whatever becomes of it there
    later = Sources(tmp_path / SOURCES)
    assert later.repository("model", NAME) == repository
    assert later.missing(repository, files) == []
    assert later.fetch(repository, files) == places
    assert hub.asked == []


def test_a_file_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / SOURCES).write_text('{"repositories": 5}')
    with pytest.raises(CheckpointError, match="delete it"):
        Sources(tmp_path / SOURCES)
