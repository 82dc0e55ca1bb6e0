"""From what was measured on a set to the cells of the study's table, and what differs there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from squeezebert.comparison.schema import Result
from squeezebert.study.measuring import MeasuredSet, setting_of
from squeezebert.study.published import DIFFERENCES, PROTOCOLS, ROWS
from squeezebert.study.result import Cell, Setting, StudySetResult
from squeezebert.study.sets import ChosenSet


def set_result(one: ChosenSet, measured: MeasuredSet) -> StudySetResult:
    """Everything on one set, as the study's table shows it.

    Args:
        one: The set.
        measured: What was measured on it.
    """
    measure = ROWS[one.task].measure
    encoders = [result for result in measured.report.results if not result.is_classical]
    families = {result.model: result.family for result in encoders}
    cells = [
        Cell(
            model=name,
            family=families[name],
            setting="study",
            score=measured.own_cosine.get(name),
            cpu_ms=padded.cpu_ms,
            wall_ms=padded.wall_ms,
            texts=padded.texts,
        )
        for name, padded in measured.padded.items()
    ]
    cells += [
        Cell(
            model=result.model,
            family=result.family,
            setting=cast(Setting, setting_of(result)),
            score=result.scores.get(measure),
            cpu_ms=1000 * result.cpu_seconds / max(1, result.texts),
            wall_ms=1000 * result.wall_seconds / max(1, result.texts),
            texts=result.texts,
            entity_f1=result.scores.get("entity_f1"),
        )
        for result in encoders
    ]
    return StudySetResult(
        name=one.name,
        title=one.title,
        task=one.task,
        origin=one.origin,
        license=one.license,
        languages=one.languages,
        measure=measure,
        texts=encoders[0].texts,
        cells=tuple(cells),
        differs=tuple(_differs(one, encoders)),
    )


def _differs(one: ChosenSet, results: Sequence[Result]) -> list[str]:
    protocol = PROTOCOLS[one.task]
    sentences: list[str] = []
    if protocol.data.partition(",")[0] not in one.origin:
        sentences.append(
            f"The study reads {protocol.data}; here it is {one.origin}, another set or another "
            "form of it."
        )
    sentences.append(
        f"The study's test part has {protocol.texts:,} texts, ours {results[0].texts:,} of "
        f"{results[0].mean_tokens:.0f} tokens on average; the study pads to {protocol.length}."
    )
    return [*sentences, DIFFERENCES[one.task]]
