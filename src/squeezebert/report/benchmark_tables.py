"""The tables of a benchmark as plain text, for the terminal and the page alike."""

from __future__ import annotations

from collections.abc import Sequence

from squeezebert.benchmark.plan import BATCH_LENGTH
from squeezebert.benchmark.schema import Benchmark, Setting, StageTiming, Timing
from squeezebert.report.tables import Table
from squeezebert.report.words import MISSING, significant


def main_settings(found: Benchmark) -> list[Setting]:
    """Those that run all shapes: the best instruction set with the most threads, by precision."""
    settings = dict.fromkeys(timing.setting for timing in found.timings)
    return [
        setting
        for setting in settings
        if setting.isa == found.isas[0] and setting.threads == found.main_threads
    ]


def latency_table(found: Benchmark) -> Table:
    """Milliseconds of one text by its length, in each precision."""
    settings = main_settings(found)
    alone = [timing for timing in found.timings if timing.batch == 1]
    lengths = sorted({timing.length for timing in alone if timing.setting in settings})
    rows = [
        (str(length), *(_ms(_at(alone, setting, 1, length)) for setting in settings))
        for length in lengths
    ]
    return Table(("tokens", *(setting.precision for setting in settings)), tuple(rows))


def throughput_table(found: Benchmark) -> Table:
    """Tokens and texts a second by batch, in each precision."""
    settings = main_settings(found)
    length = batch_length(found)
    shown = [timing for timing in found.timings if timing.length == length]
    batches = sorted({timing.batch for timing in shown if timing.setting in settings})
    columns = ["texts"]
    for setting in settings:
        columns += [f"{setting.precision}, tokens/s", "texts/s", "GOP/s", "of peak"]
    rows: list[tuple[str, ...]] = []
    for batch in batches:
        cells = [str(batch)]
        for setting in settings:
            timing = _at(shown, setting, batch, length)
            cells += (
                [
                    f"{timing.tokens_per_second:,.0f}",
                    significant(timing.texts_per_second),
                    significant(timing.giga_operations_per_second),
                    share_of_peak(found, timing),
                ]
                if timing
                else [MISSING] * 4
            )
        rows.append(tuple(cells))
    return Table(tuple(columns), tuple(rows))


def settings_table(found: Benchmark) -> Table:
    """Instruction sets and thread counts, each on the few shapes that all of them ran."""
    length = batch_length(found)
    shown = [timing for timing in found.timings if timing.length == length]
    settings = sorted(
        dict.fromkeys(timing.setting for timing in shown),
        key=lambda one: (found.isas.index(one.isa), -one.threads),
    )
    others = [setting for setting in settings if setting not in main_settings(found)]
    batches = sorted({timing.batch for timing in shown if timing.setting in others})
    batches = batches or sorted({timing.batch for timing in shown})[:1]
    columns = ["instruction set", "threads", "precision", "peak, GOP/s"]
    for batch in batches:
        columns += [f"{batch} × {length}, ms", "GOP/s", "of peak"]
    rows: list[tuple[str, ...]] = []
    for setting in settings:
        cells = [setting.isa, str(setting.threads), setting.precision]
        cells.append(significant(found.peak(setting)))
        for batch in batches:
            timing = _at(shown, setting, batch, length)
            cells += (
                [
                    _ms(timing),
                    significant(timing.giga_operations_per_second),
                    share_of_peak(found, timing),
                ]
                if timing
                else [MISSING] * 3
            )
        rows.append(tuple(cells))
    return Table(tuple(columns), tuple(rows), heads=3)


def stage_tables(found: Benchmark) -> list[tuple[str, Table]]:
    """What a call spends its time on, ``(shape, table)`` by shape."""
    shapes = sorted({(stage.batch, stage.length) for stage in found.stages})
    return [(f"{b} × {s}", _stage_table(found, b, s)) for b, s in shapes]


def _stage_table(found: Benchmark, batch: int, length: int) -> Table:
    own = [one for one in found.stages if (one.batch, one.length) == (batch, length)]
    settings = list(dict.fromkeys(one.setting for one in own))
    columns = ["stage"]
    for setting in settings:
        columns += [f"{setting.precision}, ms", "share", "GOP/s", "of peak"]
    rows: list[tuple[str, ...]] = []
    for name in dict.fromkeys(one.stage for one in own):
        cells = [stage_title(name)]
        for setting in settings:
            stage = next((o for o in own if o.setting == setting and o.stage == name), None)
            cells += _stage_cells(found, stage)
        rows.append(tuple(cells))
    return Table(tuple(columns), tuple(rows))


def _stage_cells(found: Benchmark, stage: StageTiming | None) -> list[str]:
    if stage is None:
        return [MISSING] * 4
    rate = [MISSING, MISSING]
    if stage.giga_operations:
        rate = [significant(stage.giga_operations_per_second), share_of_peak(found, stage)]
    return [significant(stage.ms), f"{100 * stage.share:.0f} %", *rate]


def machine_table(found: Benchmark) -> Table:
    """What the caches and memory give, by thread count."""
    counts = sorted({one.threads for one in found.bandwidths})
    names = list(dict.fromkeys(one.name for one in found.bandwidths))
    rows: list[tuple[str, ...]] = []
    for name in names:
        cells = [name]
        for count in counts:
            rates = [
                one.gigabytes_per_second
                for one in found.bandwidths
                if (one.name, one.threads) == (name, count)
            ]
            cells.append(significant(rates[0] if rates else None))
        rows.append(tuple(cells))
    titles = (f"{count} thread{'' if count == 1 else 's'}, GB/s" for count in counts)
    return Table(("read from", *titles), tuple(rows))


def batch_length(found: Benchmark) -> int:
    """The length of a batch's texts: that of most shapes with several texts."""
    lengths = [timing.length for timing in found.timings if timing.batch > 1]
    if lengths:
        return max(set(lengths), key=lengths.count)
    longest = max(timing.length for timing in found.timings)
    return min(BATCH_LENGTH, longest)


def stage_title(name: str) -> str:
    """A stage's name in words.

    >>> stage_title("query_key_value")
    'query, key, value'
    """
    return {"query_key_value": "query, key, value"}.get(name, name.replace("_", " "))


def share_of_peak(found: Benchmark, timing: Timing | StageTiming) -> str:
    """What is reached of what the processor could compute."""
    peak = found.peak(timing.setting)
    if not peak:
        return MISSING
    return f"{100 * timing.giga_operations_per_second / peak:.0f} %"


def _at(timings: Sequence[Timing], setting: Setting, batch: int, length: int) -> Timing | None:
    for timing in timings:
        if (timing.setting, timing.batch, timing.length) == (setting, batch, length):
            return timing
    return None


def _ms(timing: Timing | None) -> str:
    """Fastest and median."""
    if timing is None:
        return MISSING
    return f"{significant(timing.min_ms)} / {significant(timing.median_ms)}"
