"""Locks that the kernel frees when their holder dies, however it dies."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

import filelock

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)


def take(lock: filelock.BaseFileLock, place: Path) -> bool:
    """Takes a lock without waiting for it.

    A file system without locks is warned of, and nothing is held.

    Args:
        lock: Released by the caller.
        place: What is to be written by one process alone, for the warning.

    Returns:
        False where another process holds it.

    Raises:
        OSError: the lock's file cannot be made.
    """
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        logging.getLogger(__name__).warning(
            "%s is on a file system without locks: see to it that nothing else writes there", place
        )
    return True
