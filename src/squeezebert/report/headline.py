"""The sentence on top of a report, computed from its numbers, and true whichever way they fall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from squeezebert.comparison.schema import Result
from squeezebert.report.grouping import Group, families_of, labels_of
from squeezebert.report.words import listed, significant, times
from squeezebert.shown import plural

SAME_SPEED = 1.05
"""Ratios below this, or its inverse, read "about as fast": less is noise on a shared machine."""


Part = tuple[str, Literal["", "news", "name"]]


@dataclass(frozen=True)
class Headline:
    """A sentence in parts, each with what it is: ``news``, the ``name`` of a model, or neither."""

    parts: tuple[Part, ...]

    @property
    def plain(self) -> str:
        """The sentence."""
        return "".join(part for part, _ in self.parts)


@dataclass(frozen=True)
class Contender:
    """A model or family against its baseline, over all data sets where both were measured.

    Args:
        label: The model's, or the family's name.
        baselines: The models or families it was compared with.
        pairs: Data set, its result and its baseline's.
    """

    label: str
    baselines: tuple[str, ...]
    pairs: tuple[tuple[Group, Result, Result], ...]

    @property
    def speedups(self) -> list[float]:
        """Of every data set where it is known."""
        found = [result.speedup for _, result, _ in self.pairs]
        return [one for one in found if math.isfinite(one) and one > 0]

    @property
    def speedup(self) -> float | None:
        """The geometric mean over the data sets."""
        return geometric_mean(self.speedups)

    @property
    def points(self) -> list[float]:
        """How much better than the baseline, in points, of every data set where it is known."""
        found = [group.points(result) for group, result, _ in self.pairs]
        return [one for one in found if one is not None]

    @property
    def mean_points(self) -> float | None:
        """The mean of ``points``."""
        return sum(self.points) / len(self.points) if self.points else None


def geometric_mean(values: Sequence[float]) -> float | None:
    """The mean of ratios; None of none.

    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    if not values or any(value <= 0 or not math.isfinite(value) for value in values):
        return None
    return math.exp(sum(math.log(value) for value in values) / len(values))


def contenders_of(groups: Sequence[Group]) -> list[Contender]:
    """Every encoder or family of them that has a baseline."""
    return [one for one in _compared(groups) if not _is_classical(one)]


def classical_of(groups: Sequence[Group]) -> Contender | None:
    """The classical models, where some took part; no contender: they were made for these very data
    sets, and are shown as the bar to pass.
    """
    return next((one for one in _compared(groups) if _is_classical(one)), None)


def _is_classical(contender: Contender) -> bool:
    return all(result.is_classical for _, result, _ in contender.pairs)


def _compared(groups: Sequence[Group]) -> list[Contender]:
    families = families_of(groups)
    family = {label: name for name, labels in families.items() for label in labels}
    found: list[Contender] = []
    for name, labels in families.items():
        pairs = tuple(
            (group, result, baseline)
            for group in groups
            for result in group.results
            if result.label in labels and (baseline := group.baseline_of(result)) is not None
        )
        if pairs:
            against = dict.fromkeys(family[baseline.label] for _, _, baseline in pairs)
            found.append(Contender(name, tuple(against), pairs))
    return found


def headline_of(groups: Sequence[Group]) -> Headline:
    """What the report has to say in one sentence, of quality and of speed.

    A pair is set side by side. Of several models it names the best and the fastest, each with what
    it gives up, but only where all ran on the same data sets beside the same baseline; else the one
    that ran on most. Without a contender it says what the one model reaches.
    """
    contenders = contenders_of(groups)
    if not contenders:
        return _alone(groups)
    most = max(len(contender.pairs) for contender in contenders)
    eligible = [contender for contender in contenders if len(contender.pairs) == most]
    fastest = max(eligible, key=lambda contender: contender.speedup or 0.0)
    sentence: list[Part] = [(fastest.label, "name"), *_speed(fastest), *_quality(fastest)]
    # Speed-ups over different baselines, or on different data, do not make one the fastest.
    is_fair = len(eligible) == len(contenders) and len({one.baselines for one in contenders}) == 1
    if len(contenders) == 1 or not is_fair:
        return Headline(tuple(sentence))
    models = sum(not _all_classical(groups, labels) for labels in families_of(groups).values())
    is_fast = (fastest.speedup or 0.0) >= SAME_SPEED
    best = max(eligible, key=lambda contender: contender.mean_points or 0.0)
    if round(best.mean_points or 0.0, 1) <= 0:
        if not any(contender.points for contender in contenders):
            lead: list[Part] = [(f"Fastest of {models} models: ", "")] if is_fast else []
            return Headline((*lead, *sentence))
        lead = [
            (f"None of {models} models is better than ", ""),
            (listed(list(best.baselines)), "name"),
        ]
        return Headline((*lead, *([("; ", ""), *sentence] if is_fast else [])))
    if best is fastest:
        lead = [(f"{'Best and fastest' if is_fast else 'Best'} of {models} models: ", "")]
        return Headline((*lead, *sentence))
    speed = times(best.speedup)
    lead = [
        (f"Best of {models} models: ", ""),
        (best.label, "name"),
        *_gain(best),
        (" at ", ""),
        (f"{speed} the speed", "news"),
        (" of ", ""),
        (listed(list(best.baselines)), "name"),
    ]
    return Headline((*lead, *([("; ", ""), *sentence] if is_fast else [])))


def _all_classical(groups: Sequence[Group], labels: Sequence[str]) -> bool:
    return all(
        result.is_classical
        for group in groups
        for result in group.results
        if result.label in labels
    )


def _gain(contender: Contender) -> list[Part]:
    """The quality of a contender that is better on the whole."""
    quality = _quality(contender)
    return [(part.removeprefix(" and"), kind) for part, kind in quality]


def _alone(groups: Sequence[Group]) -> Headline:
    if not groups:
        return Headline((("Nothing was measured", ""),))
    group = groups[0]
    if len(labels_of(groups)) > 1:
        return Headline(
            (
                (plural(len(labels_of(groups)), "model"), "news"),
                (f" on {plural(len(groups), 'data set')}, without a common baseline", ""),
            )
        )
    result = group.results[0]
    return Headline(
        (
            (result.label, "name"),
            (" reaches ", ""),
            (f"{group.measure.show(group.score(result))} {group.measure.title}", "news"),
            (f" on {group.dataset} at ", ""),
            (f"{significant(result.texts_per_second)} texts a second", "news"),
        )
    )


def _speed(contender: Contender) -> list[Part]:
    against = listed(list(contender.baselines))
    mean, speedups = contender.speedup, contender.speedups
    if mean is None:
        return [(" stands beside ", ""), (against, "name")]
    low, high = min(speedups), max(speedups)
    rest: list[Part] = [(against, "name"), (" on average" if len(speedups) > 1 else "", "")]
    if low <= 1 / SAME_SPEED and high >= SAME_SPEED:
        faster = sum(one >= SAME_SPEED for one in speedups)
        return [
            (" is faster than ", ""),
            (against, "name"),
            (" on ", ""),
            (f"{faster} of {plural(len(speedups), 'data set')}", "news"),
            (f" ({times(low, 1)} to {times(high, 1)})", ""),
        ]
    if mean >= SAME_SPEED:
        news = f"{times(mean, 1)} faster"
        return [(" answers ", ""), (news, "news"), (" than ", ""), *rest]
    if mean <= 1 / SAME_SPEED:
        news = f"{times(1 / mean, 1)} slower"
        return [(" answers ", ""), (news, "news"), (" than ", ""), *rest]
    return [(" is ", ""), ("about as fast", "news"), (" as ", ""), *rest]


def _quality(contender: Contender) -> list[Part]:
    known = [
        (group, result, baseline)
        for group, result, baseline in contender.pairs
        if group.points(result) is not None
    ]
    if not known:
        return _plain_scores(contender)
    measures = {group.measure.title for group, _, _ in known}
    noun = measures.pop() if len(measures) == 1 else "quality"
    gains = [round(one, 1) + 0.0 for one in contender.points]
    low, high = min(gains), max(gains)
    where = f" across {plural(len(gains), 'data set')}" if len(gains) > 1 else ""
    noise = _noise(contender)
    if low == high == 0:
        return [(" with ", ""), (f"the same {noun}", "news"), (where, "")]
    if low < 0 < high:
        return [
            (", scoring between ", ""),
            (f"{-low:.1f} points worse and {high:.1f} better", "news"),
            (where + noise, ""),
        ]
    verb = "loses" if low < 0 else "gains"
    nearer, further = sorted((abs(low), abs(high)))
    if nearer == further:
        amount = f"{further:.1f} points"
        where = f" on each of {plural(len(gains), 'data set')}" if len(gains) > 1 else ""
    elif nearer == 0:
        amount = f"up to {further:.1f} points"
    else:
        amount = f"{nearer:.1f} to {further:.1f} points"
    return [(f" and {verb} ", ""), (amount, "news"), (f" of {noun}{where}{noise}", "")]


def _noise(contender: Contender) -> str:
    """On how many data sets the difference is no more than chance explains."""
    noisy = sum(group.is_noise(result, baseline) for group, result, baseline in contender.pairs)
    if not noisy:
        return ""
    of = len(contender.pairs)
    return ", which is within noise" if of == 1 else f", within noise on {noisy} of them"


def _plain_scores(contender: Contender) -> list[Part]:
    for group, result, baseline in contender.pairs:
        ours, theirs = group.score(result), group.score(baseline)
        if ours is not None and theirs is not None:
            show = group.measure.show
            where = f" on {group.dataset}" if len(contender.pairs) > 1 else ""
            return [
                (f" with {group.measure.title} ", ""),
                (show(ours), "news"),
                (f" against {show(theirs)}{where}", ""),
            ]
    return []
