"""One run a directory: a lock that the kernel frees when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import filelock

from squeezebert.errors import ConfigError
from squeezebert.files import write_text, writing
from squeezebert.locking import take
from squeezebert.training.loop.hardware import in_main_process, processes

LOCK = ".lock"
"""Stays in the directory, empty: a file that is removed could be locked twice."""

HOLDER = ".holder"
"""Who holds the lock, for messages alone: a killed run leaves it behind."""


@contextmanager
def held(output: Path) -> Generator[None]:
    """Holds a run's directory, which is made where it is missing, for as long as the block runs.

    Of processes that train together the main one holds it for all. A holder may take it again (a
    scored run fine-tunes), and keeps it until the outermost block ends.

    Raises:
        ConfigError: another run holds it.
        CheckpointError: nothing can be written there.
    """
    # One lock a file in a process, so that taking it again counts instead of waiting for itself.
    lock = filelock.FileLock(output / LOCK, is_singleton=True)
    in_main_process(lambda: _take(lock, output))
    try:
        yield
    finally:
        if processes().is_main_process and lock.is_locked:
            if lock.lock_counter == 1:
                with contextlib.suppress(OSError):
                    (output / HOLDER).unlink(missing_ok=True)
            lock.release()


def _take(lock: filelock.BaseFileLock, output: Path) -> None:
    with writing(output):
        output.mkdir(parents=True, exist_ok=True)
        if not take(lock, output):
            raise ConfigError(
                f"{output} is in use: {_holder(output)}",
                hint="wait until it ends, or choose another output directory",
            )
    if lock.lock_counter == 1:
        about = {
            "process": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        }
        write_text(output / HOLDER, json.dumps(about) + "\n")


def _holder(output: Path) -> str:
    try:
        about = json.loads((output / HOLDER).read_text(encoding="utf-8"))
        return (
            f"the run of process {about['process']} on {about['host']} writes there since "
            f"{about['since']}"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return "another run writes there"
