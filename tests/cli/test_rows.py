"""`predict` of data that has labels, and the options that it shares with the other verbs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from squeezebert.cli.main import EXIT_ERROR, run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "mail.csv"
    file.write_text("title,kind\ngood cat,fine\nbad dog,bad\n,bad\nthe mat,\nthe cat,eggs\n")
    return file


def test_answers_are_compared_with_a_column(
    models: dict[str, Path], table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.csv"
    words = ["predict", str(models["text_classification"]), "--input", str(table)]
    words += ["--label", "kind", "--label-map", "fine=good"]
    assert run([*words, "--output", str(output)]) == 0
    told = capsys.readouterr().err
    with output.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["kind"] for row in rows] == ["fine", "bad", "bad", "", "eggs"]
    right = (rows[0]["label"] == "good") + (rows[1]["label"] == "bad")
    assert f"{right} of 3 answers agree with the column 'kind'" in told
    assert "does not have count as wrong, 1 in all, such as 'eggs'" in told
    assert run(words) == 0
    assert f"{right} of 3 answers agree" in capsys.readouterr().err


def test_a_label_column_keeps_its_name(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "out.csv"
    words = ["predict", str(models["text_classification"]), "--label", "label"]
    words += ["--input", str(data["text_classification"]), "--output", str(output)]
    assert run(words) == 0
    assert "--prefix predicted_: the column 'label'" in capsys.readouterr().err
    assert output.read_text().startswith("label,text,predicted_label,predicted_score,")


@pytest.mark.parametrize(
    ("empty", "code", "answered", "told"),
    [
        ("keep", 0, 5, "answers agree"),
        ("skip", 0, 4, "1 without a text left out"),
        ("error", EXIT_ERROR, 2, "mail.csv:4: the text (column 'title') is empty"),
    ],
)
def test_what_becomes_of_empty_texts(
    empty: str,
    code: int,
    answered: int,
    told: str,
    models: dict[str, Path],
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["predict", str(models["text_classification"]), "--input", str(table)]
    words += ["--label", "kind", "--empty", empty]
    assert run(words) == code
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == answered
    assert told in shown.err
    output = tmp_path / "out.csv"
    assert run([*words, "--output", str(output), "--bad-rows", "skip"]) == 0
    assert len(output.read_text().splitlines()) == 1 + (5 if empty == "keep" else 4)


@pytest.mark.parametrize("asked", [["--dev", "{}"], ["--input", "{}", "--split", "dev"]])
def test_a_part_of_a_folder_is_read(
    asked: list[str],
    models: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for part in ("train", "dev", "test"):
        (tmp_path / f"{part}.csv").write_text(f"text\n{part}\n")
    for task in ("text_classification", "token_classification"):
        assert run(["predict", str(models[task]), *(x.format(tmp_path) for x in asked)]) == 0
        (row,) = map(json.loads, capsys.readouterr().out.splitlines())
        assert row["text"] == "dev"
    assert run(["predict", str(models["text_classification"]), "--input", str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_tagged_words_are_answered_and_compared(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(models["token_classification"])
    for name, more in (("a.conll", []), ("a.txt", ["--format", "conll"])):
        file = tmp_path / name
        file.write_text("ada\tI-PER\nran\tO\n\nlondon\tI-GPE\n")
        words = ["predict", model, "--input", str(file), *more, "--scheme", "IOB1"]
        assert run([*words, "--label-map", "GPE=LOC"]) == 0
        shown = capsys.readouterr()
        first, second = map(json.loads, shown.out.splitlines())
        assert first["gold"] == [{"text": "ada", "start": 0, "end": 3, "type": "PER"}]
        assert second["gold"][0]["type"] == "LOC"
        assert "which has 2 (entity F1" in shown.err
    assert run([*words[:4], "--scheme", "IOB1"]) == EXIT_ERROR
    assert "say --format conll" in capsys.readouterr().err


def test_what_is_told_is_what_evaluate_scores(
    models: dict[str, Path], data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for task, score in (("text_classification", "accuracy"), ("token_classification", "entity_f1")):
        model, file = str(models[task]), str(data[task])
        assert run(["evaluate", model, "--dev", file, "--json"]) == 0
        value = json.loads(capsys.readouterr().out)["scores"][score]
        column = ["--label", "label"] if task == "text_classification" else []
        assert run(["predict", model, "--dev", file, *column]) == 0
        assert f"{score.removeprefix('entity_').replace('f1', 'F1')} {value:.4f}" in (
            capsys.readouterr().err
        )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["good cat", "--label", "kind"], "--label is about rows of --input"),
        (["--input", "{}", "--label", "kinds"], "did you mean 'kind'? --label names the column"),
        (["--input", "{}", "--label-map", "a=b"], "name their column with --label"),
        (["--input", "{}", "--label", "kind", "--label-map", "position"], "write OLD=NEW"),
        (["--input", "{}", "--scheme", "IOB1"], "is about CoNLL columns"),
        (["--input", "{}", "--format", "conll"], "this one is for text_classification"),
        (["--input", "{}", "--test", "{}"], "name one input"),
        (["--input", "sample_news", "--label", "kind"], "compared without it"),
        (["--input", "sample_nws"], "did you mean 'sample_news'"),
    ],
)
def test_options_that_make_no_sense_say_what_does(
    words: list[str],
    told: str,
    models: dict[str, Path],
    table: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [word.format(table) for word in words]
    assert run(["predict", str(models["text_classification"]), *given]) == EXIT_ERROR
    assert told in capsys.readouterr().err


def test_a_killed_job_goes_on_counting(
    models: dict[str, Path], table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_text(table.read_text() + "one cell too few\n")
    words = ["predict", str(models["text_classification"]), "--input", str(table)]
    words += ["--label", "kind", "--output", str(tmp_path / "out.csv")]
    assert run(words) == EXIT_ERROR
    assert run([*words, "--label-map", "fine=good"]) == EXIT_ERROR
    assert "begun with another label map" in capsys.readouterr().err
    table.write_text("\n".join([*table.read_text().splitlines()[:-1], "the dog,bad\n"]))
    assert run(words) == 0
    assert "of 4 answers agree" in capsys.readouterr().err
