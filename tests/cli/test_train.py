from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.cli.main import EXIT_ERROR, run


def words(
    models: dict[str, Path], data: dict[str, Path], task: str, output: Path, *more: str
) -> list[str]:
    given = ["train", task, "--data", str(data[task]), "--model", str(models[task])]
    given += ["--output", str(output)]
    for setting in (
        "max_length=32",
        "loop.max_steps=3",
        "loop.batch_size=4",
        "loop.torch_threads=1",
        "loop.tensorboard=false",
    ):
        given += ["--set", setting]
    return [*given, *more]


@pytest.mark.parametrize("task", ["masked_lm", "text_classification", "token_classification"])
def test_writes_a_model_that_can_be_evaluated(
    task: str,
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "run"
    assert run(words(models, data, task, output)) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == str(output)
    assert "3 steps" in shown.err
    assert run(["evaluate", str(output), "--data", str(data[task]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["task"] == task


def test_a_recipe_file_and_the_command_line_over_it(
    models: dict[str, Path], data: dict[str, Path], tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'task = "text_classification"\nname = "From the file"\n[loop]\nmax_steps = 900\n',
        encoding="utf-8",
    )
    output = tmp_path / "run"
    given = words(models, data, "text_classification", output, "--recipe", str(recipe))
    assert run(given) == 0
    saved = (output / "recipe.toml").read_text(encoding="utf-8")
    assert 'name = "From the file"' in saved
    assert "max_steps = 3\n" in saved


def test_a_recipe_for_another_task(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('task = "masked_lm"\n', encoding="utf-8")
    given = words(models, data, "text_classification", tmp_path / "run", "--recipe", str(recipe))
    assert run(given) == EXIT_ERROR
    complaint = capsys.readouterr().err
    assert "masked_lm" in complaint
    assert "text_classification" in complaint


def test_an_unknown_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "ner", "--output", str(tmp_path)]) == EXIT_ERROR
    assert "token_classification" in capsys.readouterr().err


def test_without_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "masked_lm", "--output", str(tmp_path / "run")]) == EXIT_ERROR
    assert "error:" in capsys.readouterr().err
