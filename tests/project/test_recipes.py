"""Every recipe of the repository can be read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "recipes").rglob("*.toml"))


def test_there_are_recipes_for_both_kinds() -> None:
    kinds = {kind(path) for path in RECIPES}
    assert kinds == {"pretrain", "finetune"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_loads(path: Path, tmp_path: Path) -> None:
    from squeezebert.training.recipe_file import load_recipe, save_recipe

    recipe = load_recipe(path, kind(path))
    save_recipe(recipe, tmp_path / "recipe.toml")
    assert load_recipe(tmp_path / "recipe.toml", kind(path)) == recipe


def kind(path: Path) -> str:
    """A fine-tuning recipe names its task; a pretraining recipe has a corpus."""
    return "finetune" if "task" in tomllib.loads(path.read_text(encoding="utf-8")) else "pretrain"
