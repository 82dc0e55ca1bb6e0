from __future__ import annotations

import dataclasses

import pytest

from squeezebert.comparison.schema import Report, StudyPair
from squeezebert.comparison.study import STUDY, beside_study
from squeezebert.report.grouping import groups_of
from squeezebert.report.tables import (
    class_table,
    cost_table,
    facts_of,
    pairs_table,
    remarks_of,
    score_table,
    study_table,
    summary_table,
)


def test_the_summary_says_what_matters_most(pair: Report) -> None:
    table = summary_table(groups_of(pair)[1])
    assert table.columns == (
        "model",
        "accuracy",
        "95 % interval",
        "points",
        "CPU ms/text",
        "speed-up (spread)",
        "p50 ms",
        "size MB",
    )
    assert table.rows[0][:6] == ("BERT-mini", "90.7%", "–", "–", "11.0", "baseline")
    assert table.rows[1][1:6] == ("89.3%", "–", "−1.3", "6.78", "1.62× (1.52–1.73)")
    assert table.best == {(0, 1), (1, 4), (1, 6), (1, 7)}


def test_a_difference_within_noise_is_marked(tested: Report) -> None:
    group = groups_of(tested)[0]
    table = summary_table(group)
    assert [row[2] for row in table.rows] == ["85.0–95.0%"] * 3
    assert [row[3] for row in table.rows] == ["–", "≈ −0.6", "+3.0"]
    assert table.rows[2][-1] == "–"  # a classical model has no size
    pairs = pairs_table(group)
    assert pairs is not None
    assert [row[-1] for row in pairs.rows] == ["noise", "different", "noise"]
    assert pairs.rows[0][2:5] == ("+0.6", "−1.0 to +1.0", "0.400")
    assert "90.6% (85.0–95.0)" in score_table(group).rows[0]
    assert cost_table(group).columns[-1] == "fitting, CPU s"
    assert [row[-1] for row in cost_table(group).rows] == ["–", "–", "1.50"]
    fitted, noise = remarks_of(group)
    assert "no neural network" in fitted
    assert "700 texts of the train part, in 1.50 seconds" in fitted
    assert noise.endswith("so are new and TF-IDF (classical).")


def test_groups_follow_the_tasks_and_baselines_come_first(pair: Report) -> None:
    shuffled = dataclasses.replace(pair, results=pair.results[::-1])
    groups = groups_of(shuffled)
    assert [group.task for group in groups] == [
        "masked_lm",
        "text_classification",
        "token_classification",
    ]
    assert all(group.results[0].is_baseline for group in groups)


@pytest.mark.parametrize("name", ["pair", "many", "single", "awkward", "missing"])
def test_rows_are_as_long_as_the_head_and_say_nothing_of_nan(
    name: str, request: pytest.FixtureRequest
) -> None:
    for group in groups_of(request.getfixturevalue(name)):
        tables = [summary_table(group), score_table(group), cost_table(group), class_table(group)]
        for table in filter(None, tables):
            assert {len(row) for row in table.rows} == {len(table.columns)}
            assert not {"nan", "inf", "None"} & {cell for row in table.rows for cell in row}


def test_all_scores_are_there_the_main_one_first(pair: Report) -> None:
    table = score_table(groups_of(pair)[2])
    assert table.columns[:3] == ("model", "entity F1", "entity precision")
    assert "token accuracy" in table.columns


def test_classes_go_from_common_to_rare_with_the_best_marked(pair: Report) -> None:
    group = groups_of(pair)[1]
    table = class_table(group)
    supports = [float(row[1].replace(",", "")) for row in table.rows]
    assert supports == sorted(supports, reverse=True)
    assert len(table.best) == len(table.rows)
    for row, column in table.best:
        cells = table.rows[row][2:]
        assert float(cells[column - 2].split("%")[0]) == max(
            float(cell.split("%")[0]) for cell in cells
        )


def test_the_study_stands_above_ours(pair: Report) -> None:
    rows = study_table(pair.study).rows
    assert rows[0] == (
        "Masked language modeling",
        "study: DailyDialog, an improved version",
        "average cosine similarity",
        "0.6972",
        "0.7820",
        "−0.0848",
        "115.1",
        "174.8",
        "1.52×",
    )
    assert rows[1][1:4] == ("here: sample_dialogues", "average cosine similarity", "0.5932")
    assert rows[4][-1] == "1.74×"


def test_several_data_sets_of_ours_share_a_row_of_the_study(many: Report) -> None:
    rows = study_table(beside_study(many.results)).rows
    assert [row[1].split(":")[0] for row in rows] == [
        *("study", "here"),
        *("study", "here", "here"),
        *("study", "here"),
    ]


def test_a_task_that_was_not_run_is_a_row_of_dashes() -> None:
    pairs = [StudyPair(study=STUDY[0], ours=None)]
    assert study_table(pairs).rows[1][1:] == ("here: not measured", *["–"] * 7)


def test_machine_and_method_are_told(pair: Report) -> None:
    facts = dict(facts_of(pair))
    assert facts["Machine"] == "Example 9000 processor, 8 cores, 2 threads used, 16.4 GB"
    assert "5 repetitions" in facts["Method"]
    assert facts["Versions"] == "python 3.11.8, torch 2.13.0 and squeezebert 0.1.0"
    assert facts["Data: sample_news"] == "test, 400 texts; en"
    assert "bert-mini" in facts["Cosine similarity"]


def test_a_limit_is_told_and_unknown_memory_is_not(pair: Report) -> None:
    report = dataclasses.replace(
        pair,
        settings=dataclasses.replace(pair.settings, limit=1, reference=None),
        machine=dataclasses.replace(pair.machine, memory_mb=None),
    )
    facts = dict(facts_of(report))
    assert facts["Limit"] == "the first 1 text of each data set"
    assert "GB" not in facts["Machine"]
    assert "Cosine similarity" not in facts
