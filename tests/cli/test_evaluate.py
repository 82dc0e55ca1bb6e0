from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.cli.main import EXIT_ERROR, run
from squeezebert.engine import available_isas

TASKS = ["masked_lm", "text_classification", "token_classification"]
MAIN_SCORES = {
    "masked_lm": "accuracy",
    "text_classification": "accuracy",
    "token_classification": "entity_f1",
}


@pytest.mark.parametrize("task", TASKS)
def test_scores_as_json(
    task: str, models: dict[str, Path], data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(models[task]), "--data", str(data[task]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["task"] == task
    assert found["texts"] == {"text_classification": 16, "token_classification": 12}.get(task, 6)
    assert 0.0 <= found["scores"][MAIN_SCORES[task]] <= 1.0
    assert (found["backend"], found["precision"]) == ("engine", "int8")
    assert found["instruction_set"] in available_isas()
    # The study's measure of masked LM, in the table that fits the model.
    assert ("average_cosine_similarity" in found["scores"]) is (task == "masked_lm")


@pytest.mark.parametrize("task", TASKS)
def test_scores_as_tables(
    task: str, models: dict[str, Path], data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(models[task]), "--data", str(data[task]), "--precision", "float32"]
    assert run(words) == 0
    shown = capsys.readouterr().out
    assert MAIN_SCORES[task] in shown
    assert "cpu_seconds" in shown
    assert "by engine in float32 on " in shown
    if task == "text_classification":
        assert "precision" in shown


def test_limit(
    models: dict[str, Path], data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model, table = str(models["text_classification"]), str(data["text_classification"])
    assert run(["evaluate", model, "--data", table, "--limit", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["texts"] == 3


def test_other_columns(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "mail.tsv"
    table.write_text("kind\tmessage\ngood\tthe cat\nbad\tthe dog\n", encoding="utf-8")
    model = str(models["text_classification"])
    columns = ["--text", "message", "--label", "kind"]
    assert run(["evaluate", model, "--data", str(table), *columns, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["texts"] == 2


def test_a_missing_column_is_named(
    models: dict[str, Path], data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model, table = str(models["text_classification"]), str(data["text_classification"])
    assert run(["evaluate", model, "--data", table, "--text", "body"]) == EXIT_ERROR
    complaint = capsys.readouterr().err
    assert "body" in complaint
    assert table in complaint


def test_a_label_that_the_model_does_not_know(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "reviews.csv"
    table.write_text("label,text\ngood,the cat\nmiddling,the dog\n", encoding="utf-8")
    model = str(models["text_classification"])
    assert run(["evaluate", model, "--data", str(table)]) == EXIT_ERROR
    assert "middling" in capsys.readouterr().err
