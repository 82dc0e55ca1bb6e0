"""What stands under the headline: how it was found, and the numbers to remember."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from squeezebert.comparison.schema import Report, Result
from squeezebert.report.grouping import Group, families_of
from squeezebert.report.headline import Contender, classical_of, geometric_mean
from squeezebert.report.tables import Table
from squeezebert.report.words import (
    MISSING,
    count,
    listed,
    signed,
    significant,
    times,
)
from squeezebert.shown import plural

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Tile:
    """A number to remember, what it counts, and where it comes from."""

    figure: str
    what: str
    detail: str


def lede_of(groups: Sequence[Group], contenders: Sequence[Contender], report: Report) -> str:
    """One or two sentences: what was run, how often and where; the best of several models."""
    texts = sum(group.size for group in groups)
    where = plural(len(groups), "data set")
    machine = report.machine
    how = (
        f"{'Process CPU time and quality' if contenders else 'Quality and speed'} over {where} "
        f"({plural(texts, 'text')}), {'models taken in turn, ' if contenders else ''}"
        f"{plural(report.settings.repetitions, 'repetition')}, on {machine.cpu} "
        f"with {plural(machine.threads, 'thread')}."
    )
    sentences = [how]
    sentences += filter(None, [_bar_of(groups)])
    if any(contender.points for contender in contenders):
        sentences.append("A point is a hundredth of the score.")
    return " ".join(sentences)


def _bar_of(groups: Sequence[Group]) -> str | None:
    """Where classical models, the bar that an encoder has to pass, stand."""
    with_bar = [
        (group, classical)
        for group in groups
        for classical in group.results
        if classical.is_classical and group.score(classical) is not None
    ]
    if not with_bar:
        return None
    ahead = [
        group.dataset
        for group, classical in with_bar
        if all(
            (group.measure.points(group.score(classical), group.score(one)) or 0) > 0
            for one in group.encoders
        )
    ]
    over = plural(len(with_bar), "data set")
    if not ahead:
        return f"A classical model, fitted to the train part, is behind the best encoder on {over}."
    return (
        f"A classical model, fitted to the train part, beats every encoder on {len(ahead)} of "
        f"{over}: {listed(ahead)}."
    )


def tiles_of(groups: Sequence[Group], contenders: Sequence[Contender]) -> list[Tile]:
    """Four numbers for a pair, or for a model alone; none for more, which have a table."""
    if len(contenders) == 1:
        return _pair_tiles(contenders[0])
    if not contenders and len(groups) == 1 and len(groups[0].results) == 1:
        return _single_tiles(groups[0], groups[0].results[0])
    return []


def _pair_tiles(contender: Contender) -> list[Tile]:
    against = listed(list(contender.baselines))
    several = len(contender.pairs) > 1
    group, ours, theirs = contender.pairs[0]
    tiles = [
        Tile(
            times(contender.speedup),
            f"the speed of {against}",
            "by CPU time"
            + (f": {listed([times(one) for one in contender.speedups])}" if several else ""),
        )
    ]
    points = contender.points
    if points:
        each = listed([signed(one, 1, plus=True) for one in points])
        tiles.append(
            Tile(
                signed(contender.mean_points, 1, plus=True),
                "points of quality" + (" on average" if len(points) > 1 else ""),
                each if len(points) > 1 else group.measure.title,
            )
        )
    quicker = geometric_mean(
        [
            baseline.latency_ms.p50 / result.latency_ms.p50
            for _, result, baseline in contender.pairs
            if result.latency_ms.p50 > 0
        ]
    )
    if quicker is not None:
        tiles.append(
            Tile(
                times(quicker if quicker >= 1 else 1 / quicker),
                f"{'quicker' if quicker >= 1 else 'slower'} with a single text",
                f"median {significant(ours.latency_ms.p50)} ms against "
                f"{significant(theirs.latency_ms.p50)} ms"
                + (f" on {group.dataset}" if several else ""),
            )
        )
    tiles.append(
        Tile(
            f"{significant(ours.size_mb)} MB",
            f"on disk against {significant(theirs.size_mb)} MB",
            f"{count(ours.parameters)} parameters against {count(theirs.parameters)}",
        )
    )
    return tiles


def _single_tiles(group: Group, result: Result) -> list[Tile]:
    latency = result.latency_ms
    return [
        Tile(group.measure.show(group.score(result)), group.measure.title, f"on {group.dataset}"),
        Tile(
            significant(result.texts_per_second),
            "texts a second",
            f"{significant(result.tokens_per_second)} tokens a second",
        ),
        Tile(
            f"{significant(latency.p50)} ms",
            "for a single text",
            f"{significant(latency.p95)} ms at the 95th percentile",
        ),
        Tile(
            f"{significant(result.size_mb)} MB",
            "on disk",
            f"{count(result.parameters)} parameters",
        ),
    ]


def overview_of(groups: Sequence[Group], contenders: Sequence[Contender]) -> Table:
    """Every model's or family's means and its score on every data set."""
    classical = classical_of(groups)
    compared = [*contenders, *([classical] if classical else [])]
    by_label = {contender.label: contender for contender in compared}
    rows: list[tuple[str, ...]] = []
    for name, labels in families_of(groups).items():
        own = [result for group in groups for result in group.results if result.label in labels]
        contender = by_label.get(name)
        cells = [
            name,
            times(contender.speedup) if contender else "baseline",
            signed(contender.mean_points, 1, plus=True) if contender else MISSING,
            _span([result.parameters for result in own], count),
            _span([result.size_mb for result in own if result.size_mb is not None], significant),
        ]
        for group in groups:
            found = next((one for one in group.results if one.label in labels), None)
            cells.append(group.measure.show(group.score(found)) if found else MISSING)
        rows.append(tuple(cells))
    columns = (
        "model",
        "mean speed-up",
        "mean points",
        "parameters",
        "size MB",
        *(f"{group.dataset}, {group.measure.title}" for group in groups),
    )
    return Table(columns, tuple(rows))


def _span(values: Sequence[Number], show: Callable[[Number], str]) -> str:
    """The least and the most, once where they read alike; a dash of nothing."""
    if not values:
        return MISSING
    return "–".join(dict.fromkeys(show(value) for value in (min(values), max(values))))
