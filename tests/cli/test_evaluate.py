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


def test_labels_of_a_teacher_score_nothing(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("Rain in Rome again.\n\nThe match is on today.", encoding="utf-8")
    soft = tmp_path / "soft.safetensors"
    model = str(models["text_classification"])
    assert run(["label", model, str(texts), "--output", str(soft)]) == 0
    assert run(["evaluate", model, "--data", str(soft)]) == EXIT_ERROR
    assert "holds a teacher's labels" in capsys.readouterr().err


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


def _evaluate(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert run(["evaluate", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("label_map", ["0=bad,1=good", "position"])
def test_labels_that_are_numbers(
    label_map: str, models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "a.csv"
    table.write_text("text,label\nthe cat,1\nthe dog,0\n")
    words = [str(models["text_classification"]), "--data", str(table)]
    assert run(["evaluate", *words]) == EXIT_ERROR
    assert "--label-map" in capsys.readouterr().err
    found = _evaluate(capsys, *words, "--label-map", label_map)
    assert found["per_class"]["good"]["support"] == 1


def test_tags_that_are_numbers(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = tmp_path / "a.conll"
    columns.write_text("ada 3\nran 0\nhome 1\n")
    words = [str(models["token_classification"]), "--data", str(columns)]
    assert run(["evaluate", *words]) == EXIT_ERROR
    assert "--label-map" in capsys.readouterr().err
    by_name = _evaluate(capsys, *words, "--label-map", "0=O,1=B-LOC,3=B-PER")
    by_position = _evaluate(capsys, *words, "--label-map", "position")
    assert by_name["scores"] == by_position["scores"]
    assert {kind: row["support"] for kind, row in by_name["per_class"].items()} == {
        kind: row["support"] for kind, row in by_position["per_class"].items()
    }
    assert by_name["per_class"]["PER"]["support"] == 1


@pytest.mark.parametrize(
    ("task", "name", "content", "option"),
    [
        ("token_classification", "a.conll", "ada B-PER\nran O\nlondon I-LOC\n", "--scheme IOB1"),
        ("text_classification", "a.csv", "text,label\n,good\nthe cat,good\n", "--empty skip"),
        ("text_classification", "a.csv", "text;label\nthe cat;good\n", "--delimiter ;"),
        ("text_classification", "a.csv", 'text,label\n"the cat,good\n', "--no-quoted"),
        ("text_classification", "a.tsv", 'text\tlabel\n"the\tcat"\tgood\n', "--quoted"),
    ],
)
def test_what_a_hint_says_can_be_passed(
    task: str,
    name: str,
    content: str,
    option: str,
    models: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_text(content)
    words = [str(models[task]), "--data", str(tmp_path / name)]
    assert run(["evaluate", *words]) == EXIT_ERROR
    assert f"pass {option}" in capsys.readouterr().err.replace("';'", ";")
    assert _evaluate(capsys, *words, *option.split())["texts"] == 1


def test_texts_read_in_part_are_counted(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "a.csv"
    table.write_text(f"text,label\n{'the cat ' * 40},good\nthe dog,bad\n")
    words = [str(models["text_classification"]), "--data", str(table)]
    assert _evaluate(capsys, *words)["truncated_texts"] == 1
    assert run(["evaluate", *words]) == 0
    assert "1 of 2 texts are longer than 32 tokens" in capsys.readouterr().out


def test_a_part_is_named_by_what_it_is(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part, texts in (("dev", 3), ("test", 5)):
        (tmp_path / f"{part}.csv").write_text("text,label\n" + "a cat,good\n" * texts)
    words = ["evaluate", str(models["text_classification"]), "--json"]
    for named in (["--dev", str(tmp_path)], ["--data", str(tmp_path), "--split", "dev"]):
        assert run([*words, *named]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["split"], found["texts"]) == ("dev", 3)
    assert run([*words, "--test", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["texts"] == 5
    for named in ([], ["--dev", str(tmp_path), "--test", str(tmp_path)]):
        assert run([*words, *named]) == EXIT_ERROR
        assert f"one data set to score the model on, not {len(named) // 2}" in (
            capsys.readouterr().err
        )
