"""The study's own table, as a check: "Exploring SqueezeBERT", a student talk at Padova, on CPU."""

from __future__ import annotations

from collections.abc import Sequence

from squeezebert.comparison.schema import Result, StudyCell, StudyPair, StudyRow

STUDY: tuple[StudyRow, ...] = (
    StudyRow(
        task="masked_lm",
        data="DailyDialog, an improved version",
        measure="average_cosine_similarity",
        squeezebert=StudyCell(model="SqueezeBERT", score=0.6972, cpu_seconds=115.056),
        bert=StudyCell(model="BERT-base", score=0.7820, cpu_seconds=174.756),
    ),
    StudyRow(
        task="text_classification",
        data="news articles by category",
        measure="accuracy",
        squeezebert=StudyCell(model="SqueezeBERT", score=0.9463, cpu_seconds=62.666),
        bert=StudyCell(model="BERT-base", score=0.9705, cpu_seconds=99.316),
    ),
    StudyRow(
        task="token_classification",
        data="CoNLL-2003, English and German",
        measure="token_accuracy",
        squeezebert=StudyCell(model="SqueezeBERT", score=0.9674, cpu_seconds=172.922),
        bert=StudyCell(model="BERT-base", score=0.9756, cpu_seconds=300.034),
    ),
)


def beside_study(results: Sequence[Result]) -> tuple[StudyPair, ...]:
    """Each row of the study beside the same row of ``results``, one pair a data set of its task;
    a pair without ours where the task was not measured. Nothing where none was: the study tells
    nothing then.

    Ours are the first BERT on the data set and the SqueezeBERT that comes nearest to its size from
    below, as in the study, or else the first; by our own backend if they were run by several. A
    data set on which one of them is missing gives no row.
    """
    pairs: list[StudyPair] = []
    for row in STUDY:
        datasets = dict.fromkeys(item.dataset for item in results if item.task == row.task)
        ours = [_row(row, name, results) for name in datasets]
        found = [StudyPair(study=row, ours=own) for own in ours if own is not None]
        pairs += found or [StudyPair(study=row, ours=None)]
    return tuple(pairs) if any(pair.ours for pair in pairs) else ()


def _row(row: StudyRow, dataset: str, results: Sequence[Result]) -> StudyRow | None:
    # transformers last, so that it is taken only where nothing else was run.
    here = [
        item
        for item in sorted(results, key=lambda item: item.backend == "transformers")
        if (item.dataset, item.task) == (dataset, row.task)
        and not item.is_classical
        and row.measure in item.scores
    ]
    bert = next((item for item in here if item.family == "bert"), None)
    grouped = [item for item in here if item.family == "squeezebert"]
    if bert is None or not grouped:
        return None
    smaller = [item for item in grouped if item.parameters < bert.parameters]
    nearest = max(smaller, key=lambda item: item.parameters, default=grouped[0])
    squeezebert, bert_cell = (
        StudyCell(model=item.label, score=item.scores[row.measure], cpu_seconds=item.cpu_seconds)
        for item in (nearest, bert)
    )
    return StudyRow(
        task=row.task,
        data=dataset,
        measure=row.measure,
        squeezebert=squeezebert,
        bert=bert_cell,
    )
