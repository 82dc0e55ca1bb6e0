"""What this machine can do at most: the roofs over everything that the engine computes."""

from __future__ import annotations

from squeezebert.engine import _native


def machine_peak(isa: str, precision: str, *, threads: int, seconds: float) -> float:
    """10⁹ operations a second of all threads together, a multiplication and an addition counted
    as two, with all operands in registers: the best of many short windows.

    Args:
        isa: One of :func:`squeezebert.engine.available_isas`.
        precision: Of the operands, one of :data:`squeezebert.engine.PRECISIONS`.
        threads: How many compute at once.
        seconds: About how long it takes.

    Raises:
        InvalidInputError: an instruction set that does not run here, or a number out of range.
    """
    return _native.peak(isa, precision, threads, seconds)


def machine_reads(*, threads: int, seconds: float) -> list[tuple[int, int, float]]:
    """``(level, bytes, gigabytes_per_second)`` of each cache and, as level 0, of memory: what all
    threads together read, each from ``bytes`` of its own. Each takes about ``seconds``.

    Raises:
        InvalidInputError: a number out of range.
    """
    return _native.read_roofs(threads, seconds)
