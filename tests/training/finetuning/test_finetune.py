from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import squeezebert
from squeezebert.checkpoint.directory import read_spec
from squeezebert.errors import CheckpointError, ConfigError, DataError
from squeezebert.model import load_model
from squeezebert.tasks import Classification
from squeezebert.training.finetuning.finetune import finetune
from squeezebert.training.recipe.file import load_recipe
from squeezebert.training.recipe.run import DataRecipe, DataSource, FinetuneRecipe


@pytest.fixture
def trained(tiny_classification: FinetuneRecipe, tmp_path: Path) -> Path:
    output = tmp_path / "run"
    finetune(tiny_classification, output)
    return output


def test_from_a_table_to_a_model_that_answers(
    tiny_classification: FinetuneRecipe, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    result = finetune(tiny_classification, output)
    assert result.output == output
    assert result.stopped == "complete"
    assert result.main_score == "accuracy"
    assert result.scores["accuracy"] == 1.0
    assert result.tokens_per_second > 0
    pipeline = squeezebert.load(output)
    good, bad = pipeline(["the cat is good", "the dog sat bad"])
    assert isinstance(good, Classification)
    assert isinstance(bad, Classification)
    assert (good.label, bad.label) == ("yes", "no")


def test_what_lies_in_the_directory(trained: Path, tiny_classification: FinetuneRecipe) -> None:
    assert {entry.name for entry in trained.iterdir()} == {
        ".lock",
        "README.md",
        "config.json",
        "metrics.jsonl",
        "model.safetensors",
        "recipe.toml",
        "task.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
        "vocab.txt",
    }
    spec = read_spec(trained)
    assert spec is not None
    assert (spec.labels, spec.max_length) == (("no", "yes"), 16)
    assert spec.temperature != 1.0
    assert load_recipe(trained / "recipe.toml", "finetune") == tiny_classification
    card = (trained / "README.md").read_text(encoding="utf-8")
    for words in (
        "sentiment.csv",
        "| dev |",
        "seed 0",
        "| accuracy | 1.0000 |",
        "Labels: no, yes.",
    ):
        assert words in card


def test_a_run_is_not_overwritten(trained: Path, tiny_classification: FinetuneRecipe) -> None:
    before = (trained / "model.safetensors").read_bytes()
    with pytest.raises(ConfigError, match="already holds a run"):
        finetune(tiny_classification, trained)
    result = finetune(tiny_classification, trained, resume=True)
    assert result.scores["accuracy"] == 1.0
    assert (trained / "model.safetensors").read_bytes() == before


def test_another_recipe_cannot_resume(trained: Path, tiny_classification: FinetuneRecipe) -> None:
    loop = dataclasses.replace(tiny_classification.loop, seed=1, max_minutes=5.0)
    other = dataclasses.replace(tiny_classification, loop=loop)
    # The seed alone: more time is no other recipe.
    with pytest.raises(ConfigError, match=r"another recipe: loop\.seed was 0, is 1\nhint"):
        finetune(other, trained, resume=True)
    loop = dataclasses.replace(tiny_classification.loop, max_minutes=5.0)
    finetune(dataclasses.replace(tiny_classification, loop=loop), trained, resume=True)


def test_fine_tuning_goes_on_from_a_trained_model(
    trained: Path, tiny_classification: FinetuneRecipe, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(
        tiny_classification,
        model=dataclasses.replace(
            tiny_classification.model,
            start=str(trained),
            tokenizer="",
            shape={},
            freeze_embeddings=True,
        ),
        loop=dataclasses.replace(tiny_classification.loop, max_steps=2),
    )
    result = finetune(recipe, tmp_path / "again")
    assert result.scores["accuracy"] == 1.0
    before, after = (load_model(path).state_dict() for path in (trained, result.output))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "encoder.embeddings.word.weight" not in changed
    assert "encoder.embeddings.projection.weight" in changed
    assert "encoder.blocks.0.attention.query.weight" in changed


@pytest.mark.parametrize(
    ("task", "data", "score"),
    [
        ("token_classification", "sample_ner_en", "entity_f1"),
        ("masked_lm", "sample_dialogues", "accuracy"),
    ],
)
def test_the_other_tasks(
    task: str, data: str, score: str, tiny_classification: FinetuneRecipe, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(
        tiny_classification,
        task=task,  # type: ignore[arg-type]
        max_length=32,
        data=DataRecipe(train=(DataSource(path=data, limit=40),)),
        loop=dataclasses.replace(tiny_classification.loop, max_steps=4, token_budget=256),
    )
    result = finetune(recipe, tmp_path / "run")
    assert result.main_score == score
    assert 0.0 <= result.scores[score] <= 1.0
    spec = read_spec(result.output)
    assert spec is not None
    assert spec.task == task
    assert spec.languages == ("en",)
    if task == "token_classification":
        cells = [cell for row in spec.transitions for cell in row]
        assert None in cells
        assert any(cells)  # fitted, not the rules alone
    else:
        assert spec.transitions == ()
    prediction = squeezebert.load(result.output)("the cat [MASK]")
    assert isinstance(prediction, tuple)


def test_several_labels_and_numbers(tiny_classification: FinetuneRecipe, tmp_path: Path) -> None:
    rows = [
        json.dumps({"text": f"the cat {w}", "label": x})
        for w, x in (("good", ["a", "b"]), ("bad", ["a"]), ("ran", []), ("sat", ["b"]))
    ] * 10
    (tmp_path / "many.jsonl").write_text("\n".join(rows) + "\n")
    numbers = [f"the cat ran {n},{n / 4}" for n in range(40)]
    (tmp_path / "numbers.csv").write_text("\n".join(["text,label", *numbers]) + "\n")
    for name, kind, score in (
        ("many.jsonl", "multi_label", "micro_f1"),
        ("numbers.csv", "regression", "pearson"),
    ):
        recipe = dataclasses.replace(
            tiny_classification,
            problem_type=kind,  # type: ignore[arg-type]
            data=DataRecipe(train=(DataSource(path=str(tmp_path / name)),)),
            loop=dataclasses.replace(tiny_classification.loop, max_steps=5),
        )
        result = finetune(recipe, tmp_path / kind)
        assert result.main_score == score
        spec = read_spec(result.output)
        assert spec is not None
        assert spec.problem_type == kind
        assert (spec.temperature == 1.0) == (kind == "regression")


def test_a_length_that_the_model_cannot_take(
    tiny_classification: FinetuneRecipe, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="max_length is 100"):
        finetune(dataclasses.replace(tiny_classification, max_length=100), tmp_path / "run")
    # Nothing was trained, so the directory is free for the corrected recipe.
    loop = dataclasses.replace(tiny_classification.loop, max_steps=1)
    finetune(dataclasses.replace(tiny_classification, loop=loop), tmp_path / "run")


def test_a_label_outside_the_recipe_s_list(
    tiny_classification: FinetuneRecipe, tmp_path: Path
) -> None:
    data = dataclasses.replace(tiny_classification.data, labels=("yes", "maybe"))
    with pytest.raises(DataError, match="unknown label 'no'"):
        finetune(dataclasses.replace(tiny_classification, data=data), tmp_path / "run")


def test_the_temperature_fits_the_dev_set(trained: Path) -> None:
    """A model that is right throughout is made as sure as the fit allows."""
    spec = read_spec(trained)
    assert spec is not None
    assert np.isclose(spec.temperature, 0.05, atol=1e-3)


def test_words_are_labeled_and_cut_texts_told(
    tiny_classification: FinetuneRecipe, tmp_path: Path
) -> None:
    file = tmp_path / "train.conll"
    file.write_text("cat NOUN\nran VERB\n\nthe DET\ndog NOUN\nsat VERB\n\n" * 8)
    recipe = dataclasses.replace(
        tiny_classification,
        task="token_classification",
        data=DataRecipe(train=(DataSource(path=str(file)),)),
    )
    result = finetune(recipe, tmp_path / "run")
    assert result.main_score == "token_accuracy"
    spec = read_spec(tmp_path / "run")
    assert spec is not None
    assert (spec.labels, spec.transitions, spec.words) == (("DET", "NOUN", "VERB"), (), "conll")
    tags = squeezebert.load(tmp_path / "run")("the cat ran")
    assert [word.text for word in tags] == ["the", "cat", "ran"]

    table = tmp_path / "long.csv"
    rows = [f"{'the cat ' * 12},yes", "the dog,no"] * 8
    table.write_text("\n".join(["text,label", *rows]) + "\n")
    data = DataRecipe(train=(DataSource(path=str(table)),))
    finetune(dataclasses.replace(tiny_classification, data=data), tmp_path / "long")
    card = (tmp_path / "long" / "README.md").read_text(encoding="utf-8")
    assert " training texts are longer than 16 tokens; what is beyond was not read." in card
