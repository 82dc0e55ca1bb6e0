"""Which commit of each repository a study took, written down: a later call asks the hub nothing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from squeezebert import files
from squeezebert.errors import CheckpointError
from squeezebert.structured import build, read_json
from squeezebert.study import hub
from squeezebert.study.hub import HubFile, Kind, Repository

SOURCES = "sources.json"


@dataclass(frozen=True, kw_only=True)
class _Content:
    """Of the file."""

    repositories: tuple[Repository, ...] = ()
    checked: tuple[str, ...] = ()


@dataclass
class Sources:
    """The repositories of one study.

    Args:
        path: Where they are written down.

    Raises:
        CheckpointError: a file there that cannot be read.
    """

    path: Path
    _content: _Content = field(init=False, default_factory=_Content)

    def __post_init__(self) -> None:
        if self.path.is_file():
            try:
                self._content = build(_Content, read_json(self.path), str(self.path))
            except Exception as error:
                raise CheckpointError(
                    f"cannot read {self.path}: {error}",
                    hint="delete it: the hub is then asked again",
                ) from error

    def repository(self, kind: Kind, name: str, revision: str = "main") -> Repository:
        """A repository as it was when it was first asked for.

        Raises:
            HubUnreachable, CheckpointError: as :func:`squeezebert.study.hub.look_up`.
        """
        for known in self._content.repositories:
            if (known.kind, known.name, known.revision) == (kind, name, revision):
                return known
        found = hub.look_up(kind, name, revision)
        self._write(repositories=(*self._content.repositories, found))
        return found

    def missing(self, repository: Repository, wanted: Sequence[HubFile]) -> list[HubFile]:
        """Those files that have not been downloaded yet."""
        return [file for file in wanted if not hub.is_cached(repository, file)]

    def fetch(self, repository: Repository, wanted: Sequence[HubFile]) -> dict[str, Path]:
        """The files, downloaded and checked once; see :func:`squeezebert.study.hub.fetch`."""
        places: dict[str, Path] = {}
        for file in wanted:
            known = file.digest in self._content.checked
            places[file.path] = hub.fetch(repository, file, is_checked=known)
            if not known:
                self._write(checked=(*self._content.checked, file.digest))
        return places

    def _write(self, **changed: tuple[object, ...]) -> None:
        self._content = dataclasses.replace(self._content, **changed)
        text = json.dumps(dataclasses.asdict(self._content), indent=1)
        files.write_text(self.path, text + "\n")
