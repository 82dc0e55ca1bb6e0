from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.errors import ConfigError
from squeezebert.training.recipe.file import load_recipe, save_recipe, to_mapping
from squeezebert.training.recipe.run import CorpusSource, DataSource, FinetuneRecipe, PretrainRecipe

RECIPE = """
task = "token_classification"

[data]
train = ["conll2003_en", { path = "mine.conll", tag_column = 1, label_map = { GPE = "LOC" } }]

[loop]
epochs = 5
batch_size = 8
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_defaults_then_file_then_overrides(file: Path) -> None:
    recipe = load_recipe(file, "finetune", {"loop.batch_size": "4", "optimizer.warmup": "0.5"})
    assert recipe.loop.epochs == 5.0
    assert recipe.loop.batch_size == 4
    assert recipe.optimizer.warmup == 0.5
    assert recipe.optimizer.beta1 == 0.9
    assert recipe.data.train == (
        DataSource(path="conll2003_en"),
        DataSource(path="mine.conll", tag_column=1, label_map={"GPE": "LOC"}),
    )


def test_a_string_stands_for_a_list_of_one_source() -> None:
    recipe = load_recipe(None, "pretrain", {"corpus.sources": "texts/all of it.txt"})
    assert recipe.corpus.sources == (CorpusSource(path="texts/all of it.txt"),)


def test_the_task_is_needed() -> None:
    with pytest.raises(ConfigError, match="'task' is missing"):
        load_recipe(None, "finetune")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("loop.max_step", "5", "did you mean max_steps"),
        ("optimzer.learning_rate", "1", "did you mean optimizer"),
        ("corpus.sources", '[{path = "a", wheight = 2}]', "did you mean weight"),
        ("nothing.like_it", "1", "the settings here are name"),
        ("loop.batch_size", "many", "'many', expected a whole number"),
        ("loop.batch_size", "2.5", "2.5, expected a whole number"),
        ("loop.batch_size", "true", "True, expected a whole number"),
        ("loop.epochs", '"3"', "'3', expected a number"),
        ("loop.tensorboard", "1", "expected true or false"),
        ("loop.precision", "fp8", "expected one of auto, float32, bf16"),
        ("loop", "5", "expected a section"),
        ("name.first", "x", "no setting|not a section|expected a string"),
        ("model.shape", "[1]", "expected a table"),
        ("model.shape", "{a = [1]}", "model: shape.a is"),
        ("optimizer.warmup", "2", "the recipe: optimizer: warmup is 2.0"),
    ],
)
def test_messages_say_where_and_what(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe(None, "pretrain", {name: value})


def test_a_setting_is_no_section(file: Path) -> None:
    with pytest.raises(ConfigError, match="task is not a section"):
        load_recipe(file, "finetune", {"task.name": "x"})


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the recipe .*none\.toml"):
        load_recipe(tmp_path / "none.toml", "pretrain")
    (tmp_path / "bad.toml").write_text("a = = 1")
    with pytest.raises(ConfigError, match=r"bad\.toml is not TOML"):
        load_recipe(tmp_path / "bad.toml", "pretrain")
    (tmp_path / "latin.toml").write_bytes('name = "é"'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.toml is not TOML"):
        load_recipe(tmp_path / "latin.toml", "pretrain")


def test_every_setting_is_saved(file: Path, tmp_path: Path) -> None:
    recipe = load_recipe(file, "finetune")
    save_recipe(recipe, tmp_path / "saved.toml")
    assert load_recipe(tmp_path / "saved.toml", "finetune") == recipe
    text = (tmp_path / "saved.toml").read_text(encoding="utf-8")
    for section, settings in to_mapping(recipe).items():
        assert section in text
        if isinstance(settings, dict):
            assert all(f"\n{name} = " in text for name in settings)


@given(
    name=st.text(st.characters(codec="utf-8", exclude_characters="\x7f")),
    labels=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x7f")), unique=True),
    rate=st.floats(min_value=1e-12, max_value=1e6),
)
def test_any_recipe_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, name: str, labels: list[str], rate: float
) -> None:
    values = to_mapping(FinetuneRecipe(task="text_classification", name=name))
    values["data"]["labels"] = labels
    values["optimizer"]["learning_rate"] = rate
    from squeezebert.training.recipe.file import from_mapping

    recipe = from_mapping(FinetuneRecipe, values, "test")
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    save_recipe(recipe, path)
    assert load_recipe(path, "finetune") == recipe


def test_the_default_pretraining_recipe_survives_the_file(tmp_path: Path) -> None:
    save_recipe(PretrainRecipe(), tmp_path / "recipe.toml")
    assert load_recipe(tmp_path / "recipe.toml", "pretrain") == PretrainRecipe()
