from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from squeezebert.cli.main import run


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        lines = [
            {"step": n, "kind": "train", "loss": 9 / n, "tokens": 1000 * n, "seconds": n}
            for n in range(1, 30)
        ]
        (tmp_path / name / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return [str(tmp_path / "one"), str(tmp_path / "two")]


def test_draws_runs(runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "pictures" / "curves.svg"
    assert run(["curves", *runs, "--output", str(output), "--name", "A", "--name", "B"]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    assert ">A 0.31<" in output.read_text()
    assert ">B 0.31<" in output.read_text()
    assert run(["curves", runs[0], "--against", "minutes", "--output", str(output)]) == 0
    assert ">one 0.31<" in output.read_text()


def test_names_and_runs_must_agree(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["curves", *runs, "--name", "A", "--output", str(tmp_path / "x.svg")]) == 2
    assert "2 runs have 1 names" in capsys.readouterr().err


def test_a_fine_tuning_run_is_named_with_its_dev_score(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path(runs[0], "metrics.jsonl").open("a") as stream:
        for step, score in ((10, 0.5), (20, 0.75), (29, 0.625)):
            stream.write(f'\n{{"step": {step}, "kind": "dev", "accuracy": {score}, "macro_f1": 0}}')
    output = tmp_path / "curves.svg"
    assert run(["curves", runs[0], "--output", str(output)]) == 0
    drawn = output.read_text()
    assert ">one 0.31 · dev accuracy 0.750<" in drawn
    assert ">Training loss and dev scores<" in drawn
    assert ">dev accuracy, more is better ↑<" in drawn
    assert drawn.count("<circle") == 3
    assert drawn.count('r="5"') == 1  # the best


def test_the_ending_of_the_name_says_what_is_written(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path(runs[0], "metrics.jsonl").open("a") as stream:
        stream.write('\n{"step": 10, "kind": "dev", "accuracy": 0.5}')
    assert run(["curves", *runs, "--output", str(tmp_path / "c.csv")]) == 0
    with (tmp_path / "c.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["run"] for row in rows] == ["one"] * 30 + ["two"] * 29
    assert rows[29] == {"run": "one", "measure": "dev accuracy", "tokens": "10000", "value": "0.5"}
    assert run(["curves", *runs, "--output", str(tmp_path / "c.html"), "--title", "A < B"]) == 0
    page = (tmp_path / "c.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<title>A &lt; B</title>" in page
    assert page.count("<svg") == 1
    assert run(["curves", runs[0], "--output", str(tmp_path / "c.png")]) == 2
    assert "expected a name that ends in .svg, .html, .csv" in capsys.readouterr().err
