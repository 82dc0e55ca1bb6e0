"""Files and directories that are either whole or not there.

What is being written stands beside its target as ``.NAME.RANDOM.tmp``, locked for as long as its
process lives. The next to write the same target removes what a killed process left.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from squeezebert.errors import CheckpointError, InvalidInputError

try:
    import fcntl
except ModuleNotFoundError:  # not a Unix
    fcntl = None


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
    _remove_left(path)
    temporary, handle = _new(path, _make_file)
    try:
        yield temporary
        sync(temporary)
        # mkstemp makes files private; what is published follows the umask like any other file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
        sync(path.parent)
    finally:
        os.close(handle)
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
    taken = InvalidInputError(
        f"{output} is there already", hint="name a new directory, or remove that one"
    )
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise taken
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(output)
        temporary, handle = _new(output, _make_directory)
    except OSError as error:
        raise CheckpointError(f"cannot write {output}: {error.strerror or error}") from error
    try:
        # mkdtemp makes directories private; this one gets what any new one would.
        (temporary / "mode").mkdir()
        temporary.chmod((temporary / "mode").stat().st_mode)
        (temporary / "mode").rmdir()
        yield temporary
        try:
            for directory, _, names in os.walk(temporary):
                for name in names:
                    sync(Path(directory, name))
                sync(Path(directory))
            temporary.replace(output)
            sync(output.parent)
        except OSError as error:
            if output.is_dir() and any(output.iterdir()):  # another process was faster
                raise taken from error
            raise CheckpointError(f"cannot write {output}: {error}") from error
    finally:
        os.close(handle)
        shutil.rmtree(temporary, ignore_errors=True)


_SUFFIX = ".tmp"


def _prefix(target: Path) -> str:
    return f".{target.name}."


def _make_file(target: Path) -> tuple[Path, int]:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=_prefix(target), suffix=_SUFFIX)
    return Path(name), handle


def _make_directory(target: Path) -> tuple[Path, int]:
    name = tempfile.mkdtemp(dir=target.parent, prefix=_prefix(target), suffix=_SUFFIX)
    return Path(name), os.open(name, os.O_RDONLY)


def _new(target: Path, make: Callable[[Path], tuple[Path, int]]) -> tuple[Path, int]:
    """A new file or directory under a temporary name, with a handle that holds its lock."""
    while True:
        temporary, handle = make(target)
        if fcntl is not None:
            # What has no lock is removed with it: then another process was here in between.
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
        if temporary.exists():
            return temporary, handle
        os.close(handle)


def _remove_left(target: Path) -> None:
    """Removes what stands beside ``target`` under a temporary name and belongs to no process."""
    if fcntl is None:
        return
    for left in target.parent.glob(f"{_escaped(_prefix(target))}*{_SUFFIX}"):
        # Of another target, as ".a.b.x.tmp" beside "a" and "a.b".
        if "." in left.name[len(_prefix(target)) : -len(_SUFFIX)]:
            continue
        try:
            handle = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            continue  # gone in the meantime, or someone else's
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # its process lives
        else:
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
        finally:
            os.close(handle)


def _escaped(text: str) -> str:
    return "".join(f"[{one}]" if one in "*?[" else one for one in text)


def sync(path: Path) -> None:
    """Waits until the disk has what was written to a file or directory."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():  # some file systems cannot sync a directory
            raise
    finally:
        os.close(handle)
