"""Texts on which models differ, each with all answers side by side, to be shown to a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from squeezebert.comparison.schema import ExampleRow, Shown
from squeezebert.data.catalog import Dataset
from squeezebert.data.examples import Document, TextExample, TokenExample
from squeezebert.data.tags import entity_spans
from squeezebert.tasks import Entity, FilledMask, MultiClassification, Regression, TextPrediction

LONGEST = 320
"""Longer texts are shown only where there are no shorter ones, and cut."""

NOTHING = "(none)"
"""How an answer without any label or entity reads."""


def differing(
    dataset: Dataset,
    labels: Sequence[str],
    predictions: Sequence[Sequence[Any]],
    *,
    count: int,
    seed: int,
) -> list[ExampleRow]:
    """Up to ``count`` texts on which the models differ, drawn at random; short ones on which one
    is right and another wrong come first. Of several gaps in a text one is shown.

    Args:
        dataset: What was predicted.
        labels: What to call the models.
        predictions: (models, examples) typed predictions.
        count: Rows wanted.
        seed: Of the draw.
    """
    rows: list[tuple[int, ExampleRow]] = []
    columns = zip(*predictions, strict=True)
    for at, (example, answers) in enumerate(zip(dataset.examples, columns, strict=True)):
        for text, gold, shown in _rows(example, answers):
            if len(set(shown)) > 1:
                told = tuple(
                    Shown(label=label, prediction=answer, right=answer == gold)
                    for label, answer in zip(labels, shown, strict=True)
                )
                row = ExampleRow(
                    dataset=dataset.name,
                    task=dataset.task,
                    text=_clip(text),
                    gold=gold,
                    predictions=told,
                )
                rows.append((at, row))
    drawn = np.random.default_rng(seed).permutation(len(rows)).tolist()
    ranked = sorted((rows[at] for at in drawn), key=lambda item: _rank(item[1]))
    one_each: dict[int, ExampleRow] = {}
    for at, row in ranked:
        one_each.setdefault(at, row)
    return list(one_each.values())[:count]


def _rank(row: ExampleRow) -> tuple[bool, bool]:
    return len(row.text) >= LONGEST, not any(shown.right for shown in row.predictions)


def _rows(example: Any, answers: Sequence[Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Text, gold answer and each model's answer; for masked LM one row a gap."""
    if isinstance(example, TextExample):
        text = example.text if example.pair is None else f"{example.text} ‖ {example.pair}"
        yield text, _gold_label(example), [show_label(answer) for answer in answers]
    elif isinstance(example, TokenExample):
        yield example.text, _gold_entities(example), [show_entities(answer) for answer in answers]
    elif isinstance(example, Document):
        yield from _gaps("\n".join(example.turns), answers)


def show_label(answer: TextPrediction) -> str:
    """A class, several classes or a number, as text."""
    if isinstance(answer, Regression):
        return f"{answer.value:.1f}"
    if isinstance(answer, MultiClassification):
        return ", ".join(answer.labels) or NOTHING
    return answer.label


def _gold_label(example: TextExample) -> str:
    label = example.label
    if isinstance(label, tuple):
        return ", ".join(label) or NOTHING
    return f"{label:.1f}" if isinstance(label, float) else str(label)


def show_entities(entities: Sequence[Entity]) -> str:
    """``Ada [PER], London [LOC]``."""
    return ", ".join(f"{entity.text} [{entity.type}]" for entity in entities) or NOTHING


def _gold_entities(example: TokenExample) -> str:
    spans = entity_spans(example)
    found = [f"{example.text[span.start : span.end]} [{span.type}]" for span in spans]
    return ", ".join(found) or NOTHING


def _gaps(
    text: str, answers: Sequence[Sequence[FilledMask]]
) -> Iterator[tuple[str, str, list[str]]]:
    """One row a gap that all models had; models with different vocabularies share few."""
    by_place = [{(gap.start, gap.end): gap for gap in gaps} for gaps in answers]
    places = set(by_place[0]).intersection(*by_place[1:])
    for start, end in sorted(places):
        gaps = [own[start, end] for own in by_place]
        if len({gap.expected for gap in gaps}) == 1:
            guesses = [gap.candidates[0].token if gap.candidates else NOTHING for gap in gaps]
            others = sorted(place for place in by_place[0] if place != (start, end))
            yield _with_gap(text, (start, end), others), str(gaps[0].expected), guesses


def _with_gap(text: str, gap: tuple[int, int], others: Sequence[tuple[int, int]]) -> str:
    """The surroundings of a gap as the models saw them: this gap as ``[____]``, others as
    ``[MASK]``.
    """
    room = LONGEST // 2 - 20
    low, high = max(0, gap[0] - room), min(len(text), gap[1] + room)
    pieces: list[str] = ["…" if low > 0 else ""]
    at = low
    for start, end in sorted([gap, *others]):
        if start >= at and end <= high:
            pieces += [text[at:start], "[____]" if (start, end) == gap else "[MASK]"]
            at = end
    pieces += [text[at:high], "…" if high < len(text) else ""]
    return "".join(pieces)


def _clip(text: str) -> str:
    return text if len(text) <= 2 * LONGEST else text[: 2 * LONGEST] + "…"
