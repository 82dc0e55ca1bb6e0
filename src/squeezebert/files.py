"""Files and directories that are either whole or not there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from squeezebert.errors import CheckpointError, InvalidInputError


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Names ``path`` where the disk does not take what the block writes there.

    An error about a file elsewhere, which the block reads, passes as it is.

    Raises:
        CheckpointError: a full or read-only disk, a missing permission, a file in the way.
    """
    try:
        yield
    except OSError as error:
        if not _concerns(error, path):
            raise
        raise CheckpointError(f"cannot write {path}: {error.strerror or error}") from error
    except SafetensorError as error:  # wraps what the system said
        raise CheckpointError(f"cannot write {path}: {error}") from error


def _concerns(error: OSError, path: Path) -> bool:
    """Whether an error is about ``path``, something in or beside it, or a directory it is in."""
    if not isinstance(error.filename, (str, bytes)):
        return True
    place, wanted = (Path(os.fsdecode(one)).absolute() for one in (error.filename, path))
    return wanted.is_relative_to(place) or place.is_relative_to(wanted.parent)


def check_writable(directory: Path) -> None:
    """Makes a directory and tries it, before the work whose results shall go there.

    Raises:
        CheckpointError: nothing can be written there.
    """
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as tried:
            tried.write(b"\0")


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A temporary path beside ``path`` that takes its name when the block ends well.

    Whatever happens in between, ``path`` holds the old content or the new one, never a part.

    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'

    Raises:
        CheckpointError: the disk does not take it.
    """
    with writing(path):
        yield from _replacing(path)


def _replacing(path: Path) -> Generator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes files private; what is published follows the umask like any other file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a whole UTF-8 file or leaves the old one."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def appearing(output: Path) -> Generator[Path]:
    """A temporary directory beside ``output`` that takes its name when the block ends well.

    Raises:
        InvalidInputError: something is there already.
        CheckpointError: the disk does not take it.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InvalidInputError(
            f"{output} is there already", hint="name a new directory, or remove that one"
        )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(
            tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}.", suffix=".tmp")
        )
    except OSError as error:
        raise CheckpointError(f"cannot write {output}: {error.strerror or error}") from error
    try:
        # mkdtemp makes directories private; this one gets what any new one would.
        (temporary / "mode").mkdir()
        temporary.chmod((temporary / "mode").stat().st_mode)
        (temporary / "mode").rmdir()
        yield temporary
        temporary.replace(output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
