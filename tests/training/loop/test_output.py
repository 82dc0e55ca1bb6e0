from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from squeezebert.errors import CheckpointError, ConfigError
from squeezebert.training.loop.output import open_output, read_result
from squeezebert.training.recipe.file import load_recipe
from squeezebert.training.recipe.run import CorpusSource, FinetuneRecipe, PretrainRecipe

RECIPE = PretrainRecipe(name="first")


def test_a_new_directory_gets_the_recipe(tmp_path: Path) -> None:
    output = tmp_path / "deep" / "run"
    assert open_output(output, RECIPE, resume=False) is None
    assert load_recipe(output / "recipe.toml", "pretrain") == RECIPE
    # A run killed before its first checkpoint starts again, with any recipe.
    assert open_output(output, PretrainRecipe(name="second"), resume=False) is None


def test_resuming_where_nothing_is_starts(tmp_path: Path) -> None:
    assert open_output(tmp_path / "run", RECIPE, resume=True) is None


def test_a_run_in_progress_is_left_alone(tmp_path: Path) -> None:
    open_output(tmp_path, RECIPE, resume=False)
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(
        ConfigError,
        match=r"already holds a run or a model \(checkpoints\)\nhint: go on with --resume",
    ):
        open_output(tmp_path, RECIPE, resume=False)
    assert open_output(tmp_path, RECIPE, resume=True) is None


def test_a_model_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"already holds a run or a model \(config\.json\)"):
        open_output(tmp_path, RECIPE, resume=False)


def test_a_page_of_a_person_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(ConfigError, match=r"README\.md, which the model's card would replace"):
        open_output(tmp_path, RECIPE, resume=False)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_every_difference_is_named(tmp_path: Path) -> None:
    open_output(tmp_path, RECIPE, resume=False)
    other = dataclasses.replace(
        RECIPE,
        corpus=dataclasses.replace(
            RECIPE.corpus, sources=(CorpusSource(path="a.txt"),), cache="elsewhere"
        ),
        optimizer=dataclasses.replace(RECIPE.optimizer, warmup=0.5),
        loop=dataclasses.replace(RECIPE.loop, max_minutes=1.0, tensorboard=False),
    )
    with pytest.raises(ConfigError) as caught:
        open_output(tmp_path, other, resume=True)
    message = caught.value.message
    assert "optimizer.warmup was 0.06, is 0.5" in message
    assert "corpus.sources was []" in message
    assert "max_minutes" not in message
    assert "cache" not in message


def test_another_kind_of_run(tmp_path: Path) -> None:
    open_output(tmp_path, RECIPE, resume=False)
    with pytest.raises(ConfigError):
        open_output(tmp_path, FinetuneRecipe(task="masked_lm"), resume=True)


def test_a_damaged_result(tmp_path: Path) -> None:
    assert read_result(tmp_path) is None
    for content in ("{", "[" * 5000, "[]", '{"steps": 1}'):
        (tmp_path / "training.json").write_text(content)
        with pytest.raises(CheckpointError, match=r"training\.json"):
            read_result(tmp_path)
