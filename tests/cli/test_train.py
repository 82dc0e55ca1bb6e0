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


def test_scores_on_a_test_part_beside_a_classical_model(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("sklearn")
    output, test = tmp_path / "run", tmp_path / "test.csv"
    test.write_text("label,text\ngood,the cat sat\nbad,the dog ran\ngood,the dog ran home\n")
    given = words(models, data, "text_classification", output, "--test", str(test), "--classical")
    assert run(given) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "(test)" in line]
    ours, classical = told
    assert "run: accuracy" in ours
    assert "(classical): accuracy 0.6667" in classical
    assert "3 texts" in ours
    assert "CPU seconds to fit" in classical
    assert run(["evaluate", str(output), "--data", str(test), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert f"accuracy {scores['accuracy']:.4f}" in ours


def test_a_test_part_that_cannot_be_read_is_noticed_before_training(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "run"
    given = words(models, data, "text_classification", output, "--test", str(tmp_path / "no.csv"))
    assert run(given) == EXIT_ERROR
    assert "no.csv" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize("task", ["text_classification", "token_classification"])
def test_the_dev_score_is_the_one_that_evaluate_gives(
    task: str,
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "run"
    # Texts that are hard to tell apart: a score of 0 or 1 would show little.
    dev = tmp_path / f"dev{data[task].suffix}"
    dev.write_text(
        "label,text\ngood,the cat ran home\nbad,the dog sat\ngood,the mat 3\n"
        if task == "text_classification"
        else data[task].read_text() + "london\tB-PER\nran\tO\n\n"
    )
    more = ["--dev", str(dev), "--set", "optimizer.learning_rate=3e-3"]
    assert run([*words(models, data, task, output, *more), "--set", "loop.max_steps=12"]) == 0
    told = capsys.readouterr().err
    trained = json.loads((output / "training.json").read_text())
    main = trained["main_score"]
    assert f"dev {main} {trained['scores'][main]:.4f}" in told
    evaluate = ["evaluate", str(output), "--data", str(dev), "--precision", "float32", "--json"]
    assert run(evaluate) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert trained["scores"] == pytest.approx(scores, abs=1e-4)
    assert 0.0 < scores[main] < 1.0
    if task == "text_classification":  # nothing is fitted that changes answers
        metrics = [json.loads(x) for x in (output / "metrics.jsonl").read_text().splitlines()]
        [best] = [
            line
            for line in metrics
            if line["kind"] == "dev" and line["step"] == trained["best_step"]
        ]
        assert best[main] == pytest.approx(scores[main])


def test_nothing_to_train_on_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "masked_lm", "--output", str(tmp_path / "run")]) == EXIT_ERROR
    assert "a data set for masked_lm, a file or a folder with --data" in capsys.readouterr().err


def test_training_on_the_dev_part_asks_for_another_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "text_classification", "--data", "sample_news", "--split", "dev"]
    assert run([*words, "--output", str(tmp_path / "run")]) == EXIT_ERROR
    assert "name with --dev what the best weights are chosen on" in capsys.readouterr().err
