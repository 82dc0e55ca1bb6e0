"""The tables of a report as plain text, for every format to set in its own way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from squeezebert.comparison.schema import Report, Result, Spread, StudyPair
from squeezebert.report.grouping import Group
from squeezebert.report.words import (
    MISSING,
    Measure,
    count,
    listed,
    significant,
    task_title,
    times,
)
from squeezebert.shown import plural
from squeezebert.tasks.resampling import NOISE

NOISE_MARK = "≈"
"""Before a difference that chance explains well enough."""


@dataclass(frozen=True)
class Table:
    """Rows under columns; the first ``heads`` columns name the row, the others hold numbers.

    Args:
        columns: Titles.
        rows: As many cells as columns in each.
        best: ``(row, column)`` of the cells that are best in their column.
        heads: How many columns name the row.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: frozenset[tuple[int, int]] = frozenset()
    heads: int = 1


def spread_text(spread: Spread) -> str:
    """``1.38–1.47``."""
    if not (math.isfinite(spread.low) and math.isfinite(spread.high)):
        return MISSING
    return f"{times(spread.low)[:-1]}–{times(spread.high)[:-1]}"


def speedup_text(group: Group, result: Result) -> str:
    """The speed-up with its spread; a baseline is 1 by definition."""
    if group.baseline_of(result) is None:
        return "baseline" if group.has_contenders else MISSING
    return f"{times(result.speedup)} ({spread_text(result.speedup_spread)})"


def interval_text(measure: Measure, result: Result) -> str:
    """``81.3–91.3``, the interval of a score in the score's own unit."""
    around = result.intervals.get(measure.name)
    if around is None:
        return MISSING
    return f"{measure.show(around.low).removesuffix('%')}–{measure.show(around.high)}"


def difference_text(group: Group, result: Result) -> str:
    """How the main score differs from the baseline's, marked where that is within noise."""
    baseline = group.baseline_of(result)
    theirs = group.score(baseline) if baseline else None
    text = group.measure.difference(group.score(result), theirs)
    return f"{NOISE_MARK} {text}" if group.is_noise(result, baseline) else text


def remarks_of(group: Group) -> list[str]:
    """What a reader must know of a data set's table: sentences."""
    remarks = [
        f"{result.label} is no neural network: it was fitted here, to the "
        f"{plural(result.training.texts, 'text')} of the train part, in "
        f"{significant(result.training.cpu_seconds)} seconds of CPU time."
        for result in group.results
        if result.training is not None
    ]
    if group.differences:
        shown = {(one.label, one.baseline) for one in group.results}
        noise = [
            f"{one.first} and {one.second}"
            for one in group.differences
            if one.is_noise and not {(one.first, one.second), (one.second, one.first)} & shown
        ]
        remarks.append(
            f"{NOISE_MARK} within noise (paired test over {plural(group.size, 'text')}, "
            f"p ≥ {NOISE})" + (f"; so are {'; '.join(noise)}." if noise else ".")
        )
    return remarks


def pairs_table(group: Group) -> Table | None:
    """Every two models: how much better the first is, and whether that is more than noise."""
    if not group.differences:
        return None
    measure = group.measure
    rows = tuple(
        (
            one.first,
            one.second,
            measure.difference(one.difference, 0.0),
            f"{measure.difference(one.low, 0.0)} to {measure.difference(one.high, 0.0)}",
            f"{one.p_value:.3f}",
            "noise" if one.is_noise else "different",
        )
        for one in group.differences
    )
    unit = "points" if measure.has_points else "difference"
    columns = ("first", "second", f"first − second, {unit}", "95 % interval", "p", "verdict")
    return Table(columns, rows, heads=2)


def summary_table(group: Group) -> Table:
    """What matters most of every model on one data set."""
    measure = group.measure
    sign = "points" if measure.has_points else "difference"
    columns = (
        "model",
        measure.title,
        "95 % interval",
        sign,
        "CPU ms/text",
        "speed-up (spread)",
        "p50 ms",
        "size MB",
    )
    rows = tuple(
        (
            result.label,
            measure.show(group.score(result)),
            interval_text(measure, result),
            difference_text(group, result),
            significant(cpu_ms_a_text(result)),
            speedup_text(group, result),
            significant(result.latency_ms.p50),
            significant(result.size_mb),
        )
        for result in group.results
    )
    best = [
        *_best([group.score(result) for result in group.results], measure.higher_is_better, 1),
        *_best([cpu_ms_a_text(result) for result in group.results], False, 4),
        *_best([result.latency_ms.p50 for result in group.results], False, 6),
        *_best([result.size_mb for result in group.results], False, 7),
    ]
    return Table(columns, rows, frozenset(best))


def cpu_ms_a_text(result: Result) -> float:
    """CPU time a text, in milliseconds."""
    return 1000 * result.cpu_seconds / max(1, result.texts)


def score_table(group: Group) -> Table:
    """Every score of every model on one data set."""
    measures = [Measure(name) for name in group.score_names()]
    rows = tuple(
        (result.label, *(_with_interval(measure, result) for measure in measures))
        for result in group.results
    )
    best = _best(
        [group.score(result) for result in group.results], group.measure.higher_is_better, 1
    )
    return Table(("model", *(measure.title for measure in measures)), rows, frozenset(best))


def _with_interval(measure: Measure, result: Result) -> str:
    text = measure.show(result.scores.get(measure.name))
    around = interval_text(measure, result)
    return text if around == MISSING else f"{text} ({around.removesuffix('%')})"


def cost_table(group: Group) -> Table:
    """Time, memory and size of every model on one data set."""
    has_fitted = any(result.training is not None for result in group.results)
    columns = (
        "model",
        "backend",
        "CPU s",
        "wall s",
        "speed-up, CPU",
        "speed-up, wall",
        "texts/s",
        "tokens/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "memory MB",
        "parameters",
        "GFLOP",
        "size MB",
        *(["fitting, CPU s"] if has_fitted else []),
    )
    rows = tuple(
        (
            result.label,
            ", ".join(filter(None, (result.backend, result.precision))),
            significant(result.cpu_seconds),
            significant(result.wall_seconds),
            speedup_text(group, result),
            times(result.speedup_wall) if group.baseline_of(result) else MISSING,
            significant(result.texts_per_second),
            significant(result.tokens_per_second),
            significant(result.latency_ms.p50),
            significant(result.latency_ms.p95),
            significant(result.latency_ms.p99),
            significant(result.peak_memory_mb),
            count(result.parameters),
            significant(result.gflop),
            significant(result.size_mb),
            *([significant(result.training and result.training.cpu_seconds)] if has_fitted else []),
        )
        for result in group.results
    )
    return Table(columns, rows, heads=2)


def class_table(group: Group) -> Table | None:
    """F1 (precision/recall) of every class under every model, commonest class first."""
    results = [result for result in group.results if result.per_class]
    if not results:
        return None
    names = dict.fromkeys(name for result in results for name in result.per_class)
    supports = {
        name: max(_cell(result, name, "support") or 0.0 for result in results) for name in names
    }
    ordered = sorted(names, key=lambda name: -supports[name])
    rows: list[tuple[str, ...]] = []
    best: list[tuple[int, int]] = []
    for at, name in enumerate(ordered):
        cells = [_class_cell(result, name) for result in results]
        rows.append((name, f"{supports[name]:,.0f}", *cells))
        scores = [_cell(result, name, "f1") for result in results]
        best += [(at, 2 + row) for row, _ in _best(scores, True, 0)]
    unit = "texts" if group.task == "text_classification" else "entities"
    return Table(
        ("class", unit, *(result.label for result in results)),
        tuple(rows),
        frozenset(best),
    )


def study_table(pairs: Sequence[StudyPair]) -> Table:
    """The study's rows, each with ours under it; what stands here begins with "here:"."""
    columns = (
        "task",
        "data",
        "measure",
        "SqueezeBERT",
        "BERT",
        "difference",
        "CPU s, SqueezeBERT",
        "CPU s, BERT",
        "speed-up",
    )
    rows: list[tuple[str, ...]] = []
    for before, pair in zip((None, *pairs), pairs, strict=False):
        # Several data sets of ours follow on the same row of the study.
        repeated = before is not None and before.study == pair.study
        both = (("study", pair.study), ("here", pair.ours))
        for whose, row in both[1:] if repeated else both:
            title = task_title(pair.study.task)
            if row is None:
                rows.append((title, f"{whose}: not measured", *[MISSING] * (len(columns) - 2)))
                continue
            fast, slow = row.squeezebert, row.bert
            known = fast.cpu_seconds > 0 and slow.cpu_seconds > 0
            rows.append(
                (
                    title,
                    f"{whose}: {row.data}",
                    row.measure.replace("_", " "),
                    four(fast.score),
                    four(slow.score),
                    four(fast.score - slow.score),
                    significant(fast.cpu_seconds, 4),
                    significant(slow.cpu_seconds, 4),
                    times(row.speedup) if known else MISSING,
                )
            )
    return Table(columns, tuple(rows), heads=3)


def facts_of(report: Report) -> list[tuple[str, str]]:
    """Where and how it was measured, as terms and their values."""
    machine, settings = report.machine, report.settings
    cores = f"{plural(machine.cores, 'core')}, {plural(machine.threads, 'thread')} used"
    memory = f", {significant(machine.memory_mb / 1000)} GB" if machine.memory_mb else ""
    method = (
        f"models taken in turn in blocks of {plural(settings.block_texts, 'text')}, after a "
        f"warm-up of {settings.warmup_texts}; {plural(settings.repetitions, 'repetition')}, "
        f"medians reported; batches of at most {plural(settings.batch_tokens, 'token')}; "
        f"latency at batch 1 over {plural(settings.latency_texts, 'text')}; "
        f"seed {settings.seed}"
    )
    facts = [
        ("Machine", f"{machine.cpu}, {cores}{memory}"),
        ("System", machine.system),
        ("Method", method),
    ]
    ran = {item.backend: item.instruction_set for item in report.results if item.instruction_set}
    if ran:
        facts.append(("Run by", listed([f"{name} on {what}" for name, what in ran.items()])))
    if settings.limit is not None:
        facts.append(("Limit", f"the first {plural(settings.limit, 'text')} of each data set"))
    if settings.reference:
        facts.append(("Cosine similarity", f"in {settings.reference}, mean-centred"))
    facts += [
        (f"Data: {info.name}", _described(info.split, info.texts, info.languages, info.note))
        for info in report.datasets
    ]
    versions = listed([f"{name} {version}" for name, version in report.versions.items()])
    facts += [("Versions", versions or MISSING), ("Date", report.date or MISSING)]
    return facts


def four(value: float | None) -> str:
    """Four decimals, the study's own notation."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.4f}".replace("-", "−")


def _described(split: str, texts: int, languages: Sequence[str], note: str) -> str:
    parts = [f"{split}, {plural(texts, 'text')}"]
    if languages:
        parts.append(", ".join(languages))
    return "; ".join([*parts, note] if note else parts)


def _cell(result: Result, name: str, column: str) -> float | None:
    value = result.per_class.get(name, {}).get(column)
    return value if value is not None and math.isfinite(value) else None


def _class_cell(result: Result, name: str) -> str:
    measure = Measure("f1")
    f1, precision, recall = (_cell(result, name, part) for part in ("f1", "precision", "recall"))
    if f1 is None:
        return MISSING
    if precision is None or recall is None:
        return measure.show(f1)
    return f"{measure.show(f1)} ({100 * precision:.0f}/{100 * recall:.0f})"


def _best(values: Sequence[float | None], higher: bool, column: int) -> list[tuple[int, int]]:
    """The places of the best values; none where there is nothing to be better than."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2 or min(known) == max(known):
        return []
    best = max(known) if higher else min(known)
    return [(row, column) for row, value in enumerate(values) if value == best]
