from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.cli.main import EXIT_ERROR, run


@pytest.fixture
def words(models: dict[str, Path], tmp_path: Path) -> list[str]:
    given = ["study", "--quick", "--data", "sample_news", "--tasks", "text_classification"]
    given += ["-m", str(models["masked_lm"]), "-m", str(models["bert_masked_lm"])]
    for setting in ("max_length=16", "loop.max_steps=2", "loop.tensorboard=false"):
        given += ["--set", setting]
    return [*given, "--threads", "1", "--limit", "4", "--output", str(tmp_path / "out")]


def test_the_plan_alone(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--plan"]) == 0
    told = capsys.readouterr()
    assert "Nothing has to be downloaded." in told.err
    assert "fine-tune" in told.err
    assert told.out == ""
    assert run([*words, "--plan", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [part["what"] for part in plan["parts"]] == ["fine-tune", "fine-tune", "score and time"]
    assert plan["download_mb"] == 0
    assert not (tmp_path / "out" / "models").exists()


def test_nobody_is_asked_where_nobody_is(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == EXIT_ERROR
    told = capsys.readouterr().err
    assert "same command goes on" in told
    assert "add --yes to begin" in told
    assert not (tmp_path / "out" / "models").exists()


@pytest.mark.slow
def test_from_start_to_report(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--yes"]) == 0
    told = capsys.readouterr()
    assert "here, as the study did" in told.out
    assert "A quick look: SqueezeBERT beside BERT" in told.out
    assert "report.html" in told.err
    names = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert {"report.html", "report.md", "study.json", "report.json", "tradeoff.svg"} <= names
    assert run([*words, "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["quick"] is True


def test_without_network_it_says_so_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    assert run(["study", "--yes", "--output", str(tmp_path / "out")]) == EXIT_ERROR
    error, hint = (line for line in capsys.readouterr().err.splitlines() if line[:4] != "look")
    assert error.startswith("error: no network: model squeezebert/squeezebert-uncased")
    assert "make demo" in hint


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--tasks", "translation"], "the study has no task 'translation'"),
        (["--set", "loop.epoch=3"], "loop"),
        (["--set", "model.start=x"], "which a study sets itself"),
        (["--data", "sample_ner_en"], "which --tasks leaves out"),
        (["-m", "squeezebert-mini-mlm"], "transformers, which a study measures in"),
    ],
)
def test_what_cannot_be(
    words: list[str], more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, *more]) == EXIT_ERROR
    assert message in capsys.readouterr().err
