"""What the machine can do at most, as often as it is asked: other programs only ever take away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from squeezebert.benchmark.schema import Bandwidth, Peak
from squeezebert.engine import PRECISIONS
from squeezebert.engine.peaks import machine_peak, machine_reads

LONGEST_S = 0.15
"""One measurement lasts no longer."""

LEVELS = 4
"""Caches and memory: about so many readings a thread count."""


@dataclass(frozen=True)
class Limits:
    """The machine's roofs.

    Args:
        peaks: 10⁹ operations a second by instruction set, precision and threads.
        reads: 10⁹ bytes a second by threads, level and bytes that each thread reads.
    """

    peaks: Mapping[tuple[str, str, int], float]
    reads: Mapping[tuple[int, int, int], float]

    def best_with(self, other: Limits) -> Limits:
        """The better of both, figure by figure."""
        return Limits(
            {key: max(rate, other.peaks.get(key, 0.0)) for key, rate in self.peaks.items()},
            {key: max(rate, other.reads.get(key, 0.0)) for key, rate in self.reads.items()},
        )

    def peak_rows(self) -> tuple[Peak, ...]:
        """As the report has them. More threads can do no less than fewer, whatever was measured
        while other programs had the cores.
        """
        return tuple(
            Peak(
                isa=isa,
                precision=precision,
                threads=threads,
                giga_operations_per_second=max(
                    rate
                    for (one, other, fewer), rate in self.peaks.items()
                    if (one, other) == (isa, precision) and fewer <= threads
                ),
            )
            for isa, precision, threads in self.peaks
        )

    def bandwidth_rows(self) -> tuple[Bandwidth, ...]:
        """As the report has them; more threads read no less than fewer."""
        return tuple(
            Bandwidth(
                threads=threads,
                level=level,
                bytes=size,
                gigabytes_per_second=max(
                    rate
                    for (fewer, other, _), rate in self.reads.items()
                    if other == level and fewer <= threads
                ),
            )
            for threads, level, size in self.reads
        )


def measure_limits(isas: Sequence[str], counts: Sequence[int], seconds: float) -> Limits:
    """Peaks of every instruction set, precision and thread count, and what caches and memory give,
    in about ``seconds``.
    """
    rounds = len(isas) * len(PRECISIONS) * len(counts) + LEVELS * len(counts)
    each = min(LONGEST_S, seconds / rounds)
    return Limits(
        {
            (isa, precision, count): machine_peak(isa, precision, threads=count, seconds=each)
            for isa in isas
            for precision in PRECISIONS
            for count in counts
        },
        {
            (count, level, size): rate
            for count in counts
            for level, size, rate in machine_reads(threads=count, seconds=each)
        },
    )
