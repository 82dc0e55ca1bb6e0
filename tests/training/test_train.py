"""``squeezebert.train``: what a person calls to fine-tune."""

from __future__ import annotations

from pathlib import Path

import pytest

import squeezebert
from squeezebert import training
from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.training.recipe.file import save_recipe
from squeezebert.training.recipe.run import FinetuneRecipe


def test_a_recipe_file_becomes_a_model(tiny_classification: FinetuneRecipe, tmp_path: Path) -> None:
    save_recipe(tiny_classification, tmp_path / "recipe.toml")
    result = squeezebert.train(
        tmp_path / "recipe.toml", tmp_path / "model", settings={"loop.max_steps": "2"}
    )
    assert result.steps == 2
    classify = squeezebert.load(result.output, task="text_classification")
    assert classify("the good cat").label in classify.labels == ("no", "yes")


def test_settings_go_over_a_file_only(tiny_classification: FinetuneRecipe, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="settings go over those of a file"):
        squeezebert.train(tiny_classification, tmp_path, settings={"loop.epochs": "1"})


def test_what_is_missing_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"'torch'(.|\n)*squeezebert\[train\]"):
        squeezebert.train(None, tmp_path)
