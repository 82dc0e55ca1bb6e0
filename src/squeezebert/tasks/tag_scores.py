"""How right tags are: of whole entities, and of words that are labeled one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from squeezebert.tasks.base import Scores
from squeezebert.tasks.entities import EntityCounts, WordSpan
from squeezebert.tasks.metrics import class_table, confusion_matrix, macro_f1
from squeezebert.tasks.resampling import Tally
from squeezebert.tasks.tag_sets import TagSet


def score_entities(
    tag_set: TagSet,
    texts: Sequence[tuple[list[WordSpan], list[WordSpan]]],
    words: tuple[NDArray[np.int64], NDArray[np.int32]],
    values: Mapping[str, float],
    tallies: Mapping[str, Tally],
) -> Scores:
    """Precision, recall and F1 of whole entities, over all and by type.

    Args:
        tag_set: The labels.
        texts: Each text's right entities and those found.
        words: (words,) each: the right labels and those found.
        values: What was scored of the words.
        tallies: The same by text.
    """
    counts = EntityCounts()
    sums: list[tuple[int, int]] = []
    for wanted, found in texts:
        counts.add_spans(true=wanted, predicted=found)
        sums.append((2 * len({*found} & {*wanted}), len(found) + len(wanted)))
    columns = [
        np.array([counter[kind] for kind in counts.types], dtype=np.int64)
        for counter in (counts.right, counts.predicted, counts.true)
    ]
    table = class_table(*columns)
    overall = class_table(*(column.sum(keepdims=True) for column in columns))
    names = ("O", *tag_set.types)
    kind_of = np.array([names.index(tag_set.type_of(label) or "O") for label in tag_set.labels])
    true, predicted = words
    return Scores(
        values={
            "entity_f1": float(overall.f1[0]),
            "entity_precision": float(overall.precision[0]),
            "entity_recall": float(overall.recall[0]),
            **values,
        },
        main="entity_f1",
        per_class={kind: table.row(i) for i, kind in enumerate(counts.types)},
        confusion=_rows(confusion_matrix(kind_of[true], kind_of[predicted], len(names))),
        labels=names,
        tallies={**tallies, "entity_f1": Tally(*np.array(sums, dtype=np.float64).T)},
    )


def score_words(
    labels: tuple[str, ...],
    words: tuple[NDArray[np.int64], NDArray[np.int32]],
    values: Mapping[str, float],
    tallies: Mapping[str, Tally],
) -> Scores:
    """Precision, recall and F1 of each label; arguments as for :func:`score_entities`."""
    confusion = confusion_matrix(*words, len(labels))
    table = class_table(np.diagonal(confusion), confusion.sum(axis=0), confusion.sum(axis=1))
    return Scores(
        values={**values, "macro_f1": macro_f1(confusion)},
        main="token_accuracy",
        per_class={label: table.row(i) for i, label in enumerate(labels)},
        confusion=_rows(confusion),
        labels=labels,
        tallies=dict(tallies),
    )


def _rows(confusion: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(number) for number in row) for row in confusion)
