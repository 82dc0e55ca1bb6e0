"""The walk of a new user: a CSV and a laptop, commands as one would type them, no recipe file."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import pytest

from squeezebert.cli.main import EXIT_ERROR, run


def typed(line: str) -> int:
    return run(shlex.split(line))


def test_from_a_csv_to_predictions_in_a_csv(
    models: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    kinds = [("sport", "the cat ran home"), ("home", "the dog sat on the mat")]
    with Path("news.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "headline", "category"])
        writer.writerows([n, f"{kinds[n % 2][1]} {n}", kinds[n % 2][0]] for n in range(40))
        stream.write("41,one cell too few\n")
    with Path("dev.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "headline", "category"])
        writer.writerows([n, kinds[n % 2][1], kinds[n % 2][0]] for n in range(6))

    train = f"train text_classification --data news.csv --model {models['masked_lm']} --output run"
    quick = "--set max_length=32 --set loop.torch_threads=1 --set loop.tensorboard=false"
    assert typed(f"{train} {quick}") == EXIT_ERROR
    assert "news.csv:42: 2 columns, expected 3" in capsys.readouterr().err
    assert typed(f"{train} {quick} --dev dev.csv --bad-rows report") == 0
    assert "loop.epochs=20: 40 training texts" in capsys.readouterr().err
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "news.csv: the text is read from the column 'headline' (--text)" in said
    assert "the label is read from the column 'category' (--label)" in said
    assert said.count("news.csv: 1 row left out") == 1, "training reads its data once"
    (told,) = map(json.loads, Path("news.bad.jsonl").read_text().splitlines())
    assert (told["file"], told["line"]) == ("news.csv", 42)

    assert typed("evaluate run --data dev.csv --split dev --json") == 0
    score = json.loads(capsys.readouterr().out)["scores"]["accuracy"]
    assert typed("evaluate run --data dev.csv --split dev --text headlines") == EXIT_ERROR
    assert "did you mean 'headline'? --text names the column" in capsys.readouterr().err
    assert typed("quantize run --output small --data dev.csv --json") == 0
    assert typed("quantize run --output small2 --json") == 0
    capsys.readouterr()

    with Path("new.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "headline"])
        writer.writerows([n, kinds[n % 2][1] if n % 5 else ""] for n in range(20))
    assert typed("predict small --input new.csv --output answers.csv") == 0
    assert "4 without a text" in capsys.readouterr().err
    with Path("answers.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [str(n) for n in range(20)]
    assert list(rows[0]) == ["id", "headline", "label", "score", "truncated_tokens"]
    right = [row["label"] == kinds[n % 2][0] for n, row in enumerate(rows) if row["headline"]]
    assert len(right) == 16
    assert typed("predict small --test dev.csv --label category --output checked.csv") == 0
    assert "of 6 answers agree with the column 'category'" in capsys.readouterr().err
    assert sum(right) / len(right) == pytest.approx(score, abs=0.35)


def test_a_label_map_means_the_same_everywhere(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "names.conll"
    file.write_text("ada\tB-PERSON\nran\tO\n\nlondon\tB-GPE\n\nmonday\tB-DATE\n\n" * 6)
    mapped = ["--label-map", "PERSON=PER,GPE=LOC,DATE="]
    model = str(models["token_classification"])
    assert run(["evaluate", model, "--data", str(file), *mapped, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["per_class"]) <= {"PER", "LOC"}
    settings = ["max_length=32", "loop.max_steps=2", "loop.tensorboard=false"]
    given = ["train", "token_classification", "--data", str(file), "--model", model, *mapped]
    given += ["--output", str(tmp_path / "run"), *(x for s in settings for x in ("--set", s))]
    assert run(given) == 0
    spec = json.loads((tmp_path / "run" / "task.json").read_text())
    assert {label[2:] for label in spec["labels"]} == {"", "PER", "LOC"}


def test_a_type_that_the_gold_has_not_is_told(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "names.conll"
    file.write_text("ada\tB-PER\nran\tO\n\n" * 3)
    assert run(["evaluate", str(models["token_classification"]), "--data", str(file)]) == 0
    assert "holds no LOC, which the model finds" in capsys.readouterr().err
