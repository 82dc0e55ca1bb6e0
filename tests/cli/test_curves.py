from __future__ import annotations

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
