"""Files and directories that are either whole or not there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from squeezebert.errors import CheckpointError, InvalidInputError


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A temporary path beside ``path`` that takes its name when the block ends well.

    Whatever happens in between, ``path`` holds the old content or the new one, never a part.

    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
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
        raise CheckpointError(f"cannot write beside {output}: {error}") from error
    try:
        # mkdtemp makes directories private; this one gets what any new one would.
        (temporary / "mode").mkdir()
        temporary.chmod((temporary / "mode").stat().st_mode)
        (temporary / "mode").rmdir()
        yield temporary
        temporary.replace(output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
