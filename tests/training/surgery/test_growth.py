from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from squeezebert.cli.main import cli
from squeezebert.errors import InvalidInputError
from squeezebert.model import Encoder, TaskModel, load_model, save_model
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.pretraining.pretrain import pretrain
from squeezebert.training.recipe.file import save_recipe
from squeezebert.training.recipe.run import DistillationRecipe, PretrainRecipe
from squeezebert.training.surgery.growth import fit, grow
from squeezebert.training.surgery.regrouping import cut_to_groups, regroup


@pytest.fixture(scope="module")
def dense(
    tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A BERT that has seen the corpus."""
    output = tmp_path_factory.mktemp("dense")
    shape = {**tiny_pretraining.model.shape, "embedding_size": 32}
    model = dataclasses.replace(tiny_pretraining.model, start="bert-mini", shape=shape)
    loop = dataclasses.replace(tiny_pretraining.loop, max_steps=60, evaluate_steps=60)
    pretrain(dataclasses.replace(tiny_pretraining, model=model, loop=loop), output)
    return output


def growing(recipe: PretrainRecipe, start: Path) -> PretrainRecipe:
    model = dataclasses.replace(recipe.model, start=str(start), tokenizer="", shape={})
    return dataclasses.replace(recipe, model=model)


def test_least_squares_find_a_grouped_model_that_there_is(dense: Path) -> None:
    """Where the dense model is block-diagonal, the fit gives its own outputs from any weights."""
    model = load_model(dense)
    assert isinstance(model, TaskModel)
    regroup(model, 2)
    grouped = cut_to_groups(model, 2)
    same = cut_to_groups(model, 2)
    with torch.no_grad():
        for block in same.encoder.blocks:
            for layer in (block.intermediate, block.output):  # type: ignore[union-attr]
                layer.weight *= 0.5  # type: ignore[union-attr, operator]
    ids = torch.randint(5, 90, (64, 16), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        target = grouped.encoder(ids).last_hidden_state
        far = (same.encoder(ids).last_hidden_state - target).abs().mean()
    fit(same, grouped, ids)
    with torch.inference_mode():
        near = (same.encoder(ids).last_hidden_state - target).abs().mean()
    assert near < 0.1 * far


def test_it_grows_into_a_student_beside_its_teacher(
    dense: Path, tiny_pretraining: PretrainRecipe, tmp_path: Path
) -> None:
    recipe = growing(tiny_pretraining, dense)
    found = grow(recipe, 2, tmp_path / "grown", tmp_path / "teacher", embedding_size=24)
    assert 0.5 < found.energy < 1.0
    assert found.fitted < 0.8 * found.cut
    student, teacher = load_model(tmp_path / "grown"), load_model(tmp_path / "teacher")
    assert student.config.model_type == "squeezebert"
    assert (student.config.q_groups, student.config.embedding_size) == (2, 24)
    ids = torch.arange(5, 21)[None]
    with torch.inference_mode():
        original, reordered = load_model(dense)(ids).logits, teacher(ids).logits  # type: ignore[union-attr]
    torch.testing.assert_close(reordered, original, atol=1e-4, rtol=1e-4)
    learning = DistillationRecipe(teachers=(str(tmp_path / "teacher"),), task=0.0, hidden=1.0)
    result = pretrain(
        dataclasses.replace(growing(recipe, tmp_path / "grown"), distillation=learning),
        tmp_path / "distilled",
    )
    assert result.scores["distillation_loss"] < 1.0


def test_an_encoder_without_a_head_gets_one(
    dense: Path, tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = load_model(dense)
    assert isinstance(model, TaskModel)
    save_model(model.encoder, tmp_path / "bare")
    tokenizer.save(tmp_path / "bare")
    grow(growing(tiny_pretraining, tmp_path / "bare"), 4, tmp_path / "grown", tmp_path / "teacher")
    grown = load_model(tmp_path / "grown")
    assert isinstance(grown, TaskModel)
    assert grown.head_config.kind == "masked_lm"
    assert isinstance(load_model(tmp_path / "teacher"), Encoder)


def test_the_command_says_what_was_kept_and_overwrites_nothing(
    dense: Path, tiny_pretraining: PretrainRecipe, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.toml"
    save_recipe(growing(tiny_pretraining, dense), recipe)
    words = ["grow", str(dense), "--recipe", str(recipe), "--groups", "2"]
    words += ["--output", str(tmp_path / "grown"), "--teacher", str(tmp_path / "teacher")]
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert "of the squared weights kept (by chance 50%)" in result.stderr
    assert result.stdout.strip() == str(tmp_path / "grown")
    with pytest.raises(InvalidInputError, match="is there already"):
        CliRunner().invoke(cli, words, catch_exceptions=False)
