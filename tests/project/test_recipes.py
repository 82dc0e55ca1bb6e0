"""Every recipe of the repository can be read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GLUE = ROOT / "recipes" / "glue.toml"
RECIPES = sorted(set((ROOT / "recipes").rglob("*.toml")) - {GLUE})


def test_there_are_recipes_for_both_kinds() -> None:
    kinds = {kind(path) for path in RECIPES}
    assert kinds == {"pretrain", "finetune"}


def test_the_recipe_for_glue_is_what_is_done_without_one() -> None:
    from squeezebert.glue.run import load_glue_recipe
    from squeezebert.tasks.glue import GLUE_TASKS

    for name in GLUE_TASKS:
        found, expected = (
            load_glue_recipe(path).finetuning(name, "squeezebert-mini-mlm", 0)
            for path in (GLUE, None)
        )
        assert found == expected


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_loads(path: Path, tmp_path: Path) -> None:
    from squeezebert.training.recipe.file import load_recipe, save_recipe

    recipe = load_recipe(path, kind(path))
    save_recipe(recipe, tmp_path / "recipe.toml")
    assert load_recipe(tmp_path / "recipe.toml", kind(path)) == recipe


def kind(path: Path) -> str:
    """A fine-tuning recipe names its task; a pretraining recipe has a corpus."""
    return "finetune" if "task" in tomllib.loads(path.read_text(encoding="utf-8")) else "pretrain"
