"""The machine's roofs: the best of what was measured, on this very machine."""

from __future__ import annotations

from squeezebert.benchmark.limits import Limits, measure_limits
from squeezebert.engine import available_isas


def test_the_better_of_two_measurements_counts_figure_by_figure() -> None:
    first = Limits({("avx2", "int8", 1): 5.0, ("avx2", "int8", 2): 9.0}, {(1, 2, 64): 30.0})
    second = Limits({("avx2", "int8", 1): 6.0, ("avx2", "int8", 2): 8.0}, {(1, 2, 64): 20.0})
    best = first.best_with(second)
    assert best.peaks == {("avx2", "int8", 1): 6.0, ("avx2", "int8", 2): 9.0}
    assert best.reads == {(1, 2, 64): 30.0}


def test_more_threads_can_do_no_less() -> None:
    found = Limits(
        {("avx2", "int8", 2): 3.0, ("avx2", "int8", 1): 5.0, ("avx2", "bf16", 1): 9.0},
        {(2, 0, 64): 10.0, (1, 0, 128): 12.0, (1, 2, 32): 99.0},
    )
    peaks = {(one.precision, one.threads): one for one in found.peak_rows()}
    assert peaks["int8", 2].giga_operations_per_second == 5.0
    assert peaks["int8", 1].giga_operations_per_second == 5.0
    reads = {(one.name, one.threads): one for one in found.bandwidth_rows()}
    assert reads["memory", 2].gigabytes_per_second == 12.0
    assert reads["memory", 2].bytes == 64
    assert reads["L2", 1].gigabytes_per_second == 99.0


def test_this_machine_computes_and_reads() -> None:
    isas = available_isas()[-1:]
    found = measure_limits(isas, (1,), 0.2)
    assert {key[1] for key in found.peaks} == {"int8", "bf16", "float32"}
    assert all(rate > 0 for rate in found.peaks.values())
    assert 0 in {level for _, level, _ in found.reads}  # memory
    assert all(rate > 0 for rate in found.reads.values())
