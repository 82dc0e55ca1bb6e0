"""Repositories of the Hugging Face hub: what they hold, and their files, each checked by its hash.

The hub's own client downloads: it keeps whole files in its cache, goes on within a file after a
broken connection, and asks again after a time-out. It compares lengths, not content; that is done
here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from squeezebert.checkpoint.hub import hub_reason
from squeezebert.errors import CheckpointError

Kind = Literal["model", "dataset"]

PIECE = 1 << 20
"""Bytes that are hashed at a time."""


class HubUnreachable(CheckpointError):  # noqa: N818 - a state, as a person would call it
    """There is no connection to the hub."""


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """A file of a repository.

    Args:
        path: In the repository.
        size: In bytes.
        digest: Of its content: ``sha256:…`` of large files, ``git:…`` (git's own name of it) of
            others.
    """

    path: str
    size: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository at one commit.

    Args:
        kind: What it holds.
        name: ``owner/name``, or an old name without owner.
        revision: The branch that was asked for.
        commit: What that was.
        files: All of them.
    """

    kind: Kind
    name: str
    revision: str
    commit: str
    files: tuple[HubFile, ...]

    @property
    def title(self) -> str:
        """As messages call it."""
        return f"{'the data set ' if self.kind == 'dataset' else ''}{self.name}"

    def file(self, path: str) -> HubFile | None:
        """The file at ``path``, if there is one."""
        return next((file for file in self.files if file.path == path), None)


def look_up(kind: Kind, name: str, revision: str = "main") -> Repository:
    """Asks the hub what a repository holds.

    Raises:
        HubUnreachable: no connection, or ``HF_HUB_OFFLINE``.
        CheckpointError: no such repository or revision, or none for us.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    api = HfApi()
    try:
        commit = api.repo_info(name, repo_type=kind, revision=revision).sha
        assert commit is not None
        found = list(api.list_repo_tree(name, repo_type=kind, revision=commit, recursive=True))
    except Exception as error:  # the library's own, and those of its HTTP client
        raise _refused(f"{kind} {name} on the Hugging Face hub", error) from error
    return Repository(
        kind=kind,
        name=name,
        revision=revision,
        commit=commit,
        files=tuple(
            HubFile(
                path=file.path,
                size=file.size if file.lfs is None else file.lfs.size,
                digest=f"git:{file.blob_id}" if file.lfs is None else f"sha256:{file.lfs.sha256}",
            )
            for file in found
            if isinstance(file, RepoFile)
        ),
    )


def is_cached(repository: Repository, file: HubFile) -> bool:
    """Whether a file has been downloaded before."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        repository.name, file.path, repo_type=repository.kind, revision=repository.commit
    )
    return isinstance(found, str)


def fetch(repository: Repository, file: HubFile, *, is_checked: bool = False) -> Path:
    """Downloads a file if it is not in the cache, and checks what it holds.

    Args:
        repository: Where it is.
        file: Which one.
        is_checked: Whether its content has been compared with its hash before; one in the cache
            is then taken as it is.

    Returns:
        Where it lies.

    Raises:
        HubUnreachable: no connection, and a file that is not in the cache.
        CheckpointError: a download that breaks off for good, or whose content is not what the hub
            says it is, twice.
    """
    known = is_checked and is_cached(repository, file)
    place = _download(repository, file)
    if known or _is_whole(place, file):
        return place
    _forget(place)  # once more, as a proxy or a disk may have spoilt it
    place = _download(repository, file)
    if _is_whole(place, file):
        return place
    _forget(place)
    raise CheckpointError(
        f"{file.path} of {repository.title} came twice with other content than the hub says: "
        f"expected {file.size:,} bytes with {file.digest}",
        hint="a proxy or mirror (HF_ENDPOINT) may change files; what came whole is kept, so the "
        "same command goes on from there",
    )


def _download(repository: Repository, file: HubFile) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(
            hf_hub_download(
                repository.name, file.path, repo_type=repository.kind, revision=repository.commit
            )
        )
    except Exception as error:  # the library's own, and those of its HTTP client
        raise _refused(f"{file.path} of {repository.title}", error) from error


def _is_whole(place: Path, file: HubFile) -> bool:
    if place.stat().st_size != file.size:
        return False
    kind, _, expected = file.digest.partition(":")
    if kind == "git":
        digest = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    else:
        digest = hashlib.sha256()
    with place.open("rb") as content:
        while piece := content.read(PIECE):
            digest.update(piece)
    return digest.hexdigest() == expected


def _forget(place: Path) -> None:
    """Takes a file out of the cache: the name in the snapshot and what it points to."""
    content = place.resolve()
    place.unlink(missing_ok=True)
    content.unlink(missing_ok=True)


def _refused(what: str, error: Exception) -> CheckpointError:
    reason, way_out = hub_reason(error)
    if "timed out" in reason:
        way_out = "set HF_HUB_DOWNLOAD_TIMEOUT and HF_HUB_ETAG_TIMEOUT to more than 10 seconds"
    kind = HubUnreachable if is_unreachable(error) else CheckpointError
    return kind(
        f"{what} could not be had: {reason}",
        hint=f"{way_out}; what came whole is kept, so the same command goes on from there",
    )


def is_unreachable(error: BaseException) -> bool:
    """Whether the hub's client found no connection at all, or was told to look for none."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, HfHubHTTPError):
            return False
        # By name: which HTTP library the client uses changes with its version.
        if isinstance(seen, OfflineModeIsEnabled) or type(seen).__name__ in (
            "ConnectError",
            "ConnectTimeout",
            "ProxyError",
        ):
            return True
        seen = seen.__cause__
    return False
