from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.cli.main import EXIT_ERROR, run

SETTINGS = ("max_length=16", "loop.max_steps=2", "loop.batch_size=4", "loop.tensorboard=false")


@pytest.fixture
def words(models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    folder = tmp_path / "data" / "glue" / "RTE"
    folder.mkdir(parents=True)
    rows = [f"{n}\tthe cat\tit sat\t{'not_' * (n % 2)}entailment" for n in range(8)]
    for name in ("train.tsv", "dev.tsv"):
        (folder / name).write_text("\n".join(["index\tsentence1\tsentence2\tlabel", *rows]) + "\n")
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(tmp_path / "data"))
    given = ["glue", str(models["masked_lm"]), "--tasks", "rte", "--seeds", "2"]
    given += ["--output", str(tmp_path / "runs")]
    return [*given, *(word for setting in SETTINGS for word in ("--set", setting))]


def test_tables_in_the_terminal_and_in_markdown_and_json(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 0
    shown = capsys.readouterr()
    assert "glue: RTE, seed 1 (run 2 of 2)" in shown.err
    assert "over 2 seeds" in shown.out
    assert "run_glue.py" in shown.out
    page = (tmp_path / "runs" / "glue.md").read_text(encoding="utf-8")
    content = json.loads((tmp_path / "runs" / "glue.json").read_text(encoding="utf-8"))
    mean = content["tasks"]["rte"]["scores"]["float32"]["rte"]["accuracy"]["mean"]
    for text in (shown.out, page):
        (line,) = (line for line in text.splitlines() if "RTE" in line)
        assert f"{100 * mean:.1f} ±" in line
        assert "65.7" in line

    assert run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"] == content["tasks"]


def test_what_cannot_be(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--tasks", "rte,imdb"]) == EXIT_ERROR
    assert "GLUE has no task 'imdb'" in capsys.readouterr().err
    assert run([*words, "--set", "data.train=x"]) == EXIT_ERROR
    assert "which GLUE's runs set themselves" in capsys.readouterr().err
