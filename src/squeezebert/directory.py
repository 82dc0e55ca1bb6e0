"""New directories that appear whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from squeezebert.errors import CheckpointError, InvalidInputError


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
