"""``squeezebert quantize``: what it says and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert import load
from squeezebert.cli.main import run
from squeezebert.engine.precision import recorded_precision


def test_a_model_is_measured_and_the_choice_recorded(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "compact"
    task = "text_classification"
    words = ["quantize", str(models[task]), "--data", str(data[task]), "--output", str(output)]
    assert run([*words, "--threads", "1"]) == 0
    out, err = capsys.readouterr()
    assert "float32" in out
    assert "answered" in out
    assert "Recorded: int8" in out
    assert f"wrote {output}" in err
    assert recorded_precision(output) is not None
    assert load(output)("the cat").label in ("bad", "good")


@pytest.mark.parametrize("task", ["masked_lm", "token_classification"])
def test_every_task_can_be_measured_as_json(
    task: str,
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["quantize", str(models[f"bert_{task}"]), "--data", str(data[task]), "--json"]
    assert run([*words, "--output", str(tmp_path / "compact")]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["trials"][0]["name"] == "float32"
    assert row["chosen"] in [trial["name"] for trial in row["trials"]]
    assert list(row["texts"]) == [str(data[task])]


def test_texts_alone_will_do(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("the cat sat\n\nthe dog ran home\n", encoding="utf-8")
    words = ["quantize", str(models["masked_lm"]), "--unlabeled", str(texts), "--tolerance", "1"]
    assert run([*words, "--output", str(tmp_path / "compact")]) == 0
    out = capsys.readouterr().out
    assert "token_cosine" in out
    assert "texts.txt, 2 texts" in out


def test_without_data_nothing_is_measured_and_that_is_said(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "compact"
    assert run(["quantize", str(models["masked_lm"]), "--output", str(output)]) == 0
    assert "Nothing was measured, so nothing is recorded" in capsys.readouterr().out
    assert recorded_precision(output) is None


def test_too_few_texts_are_called_that(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    task = "text_classification"
    words = ["quantize", str(models[task]), "--data", str(data[task]), "--limit", "4"]
    assert run([*words, "--output", str(tmp_path / "compact")]) == 0
    assert "One text is worth 25.0 points here: too few" in capsys.readouterr().out


def test_what_cannot_be(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, table = str(models["masked_lm"]), str(data["masked_lm"])
    output = tmp_path / "compact"
    assert run(["quantize", model, "-d", table, "--no-data", "-o", str(output)]) == 2
    assert "one of --data, --unlabeled and --no-data" in capsys.readouterr().err
    assert run(["quantize", model, "-d", "sample_news", "-o", str(output)]) == 2
    assert "is a data set for text_classification" in capsys.readouterr().err
    assert run(["quantize", "nothing such", "-o", str(output)]) == 2
    assert "no model is called" in capsys.readouterr().err
    assert not output.exists()


def test_nothing_is_chosen_by_a_test_part(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["quantize", str(models["text_classification"]), "--json"]
    words += ["--output", str(tmp_path / "compact")]
    assert run([*words, "--test", str(data["text_classification"])]) == 2
    assert "measure on --dev" in capsys.readouterr().err
    assert run([*words, "--dev", str(data["text_classification"])]) == 0
    assert list(json.loads(capsys.readouterr().out)["texts"].values()) == [16]
