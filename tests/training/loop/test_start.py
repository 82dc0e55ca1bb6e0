from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from squeezebert.config import EncoderConfig, as_bert
from squeezebert.errors import CheckpointError, ConfigError
from squeezebert.model import HeadConfig, build_model, save_model
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.loop.hardware import seed_everything
from squeezebert.training.loop.start import start_model, start_tokenizer, with_learning_rate
from squeezebert.training.recipe.run import (
    FinetuneRecipe,
    ModelRecipe,
    OptimizerRecipe,
    PretrainRecipe,
)

MASKED_LM = HeadConfig(kind="masked_lm")
TOPICS = HeadConfig(kind="text_classification", labels=("a", "b"))
SMALL = {"hidden_size": 32, "embedding_size": 16, "num_hidden_layers": 1, "intermediate_size": 64}


@pytest.fixture
def pretrained(tiny_config: EncoderConfig, tokenizer: Tokenizer, tmp_path: Path) -> Path:
    directory = tmp_path / "pretrained"
    save_model(build_model(tiny_config, MASKED_LM), directory)
    tokenizer.save(directory)
    return directory


def test_a_preset_with_a_vocabulary(tokenizer: Tokenizer, vocabulary: Path) -> None:
    recipe = ModelRecipe(start="bert-mini", tokenizer=str(vocabulary), shape=SMALL)
    assert start_tokenizer(recipe).tokens == tokenizer.tokens
    model = start_model(recipe, TOPICS, tokenizer)
    assert model.config.model_type == "bert"
    assert model.config.hidden_size == 32
    assert model.config.vocab_size == tokenizer.vocab_size
    assert model.config.num_attention_heads == 4  # the preset's
    assert model.head_config == TOPICS


def test_random_weights_follow_the_seed(tokenizer: Tokenizer) -> None:
    recipe = ModelRecipe(tokenizer="given", shape=SMALL)

    def weights(seed: int) -> torch.Tensor:
        seed_everything(seed, 0)
        return start_model(recipe, TOPICS, tokenizer).head.classifier.weight

    assert weights(1).equal(weights(1))
    assert not weights(1).equal(weights(2))


@pytest.mark.parametrize("start", ["bert-mini", "pretrained"])
def test_dropout_of_any_start(
    start: str, pretrained: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """As the start has it, or as it is set, wherever it came from; the config says so too."""
    recipe = (
        ModelRecipe(start=str(pretrained))
        if start == "pretrained"
        else ModelRecipe(start=start, tokenizer="given", shape=SMALL)
    )
    ids = torch.arange(5, 15)[None]

    def differs(dropout: float) -> bool:
        model = start_model(dataclasses.replace(recipe, dropout=dropout), TOPICS, tokenizer)
        set_to = (model.config.hidden_dropout_prob, model.encoder.config.hidden_dropout_prob)
        assert set_to == (max(dropout, 0.0),) * 2
        assert model.config.attention_probs_dropout_prob == max(dropout, 0.0)
        model.train()
        return not model(ids).logits.equal(model(ids).logits)

    assert not differs(-1.0)
    assert differs(0.3)
    assert not differs(0.0)


def test_a_checkpoint_keeps_its_head_or_gets_one(pretrained: Path, tokenizer: Tokenizer) -> None:
    recipe = ModelRecipe(start=str(pretrained))
    assert start_tokenizer(recipe).tokens == tokenizer.tokens
    same = start_model(recipe, MASKED_LM, tokenizer)
    new = start_model(recipe, TOPICS, tokenizer)
    other = start_model(recipe, TOPICS, tokenizer)
    assert same.head.decoder.weight is same.encoder.embeddings.word.weight
    for name, weight in same.encoder.state_dict().items():
        assert weight.equal(new.encoder.state_dict()[name])
    assert not new.head.classifier.weight.equal(other.head.classifier.weight)


def test_models_share_embeddings(
    pretrained: Path, tiny_config: EncoderConfig, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    bert = as_bert(dataclasses.replace(tiny_config, num_hidden_layers=1))
    save_model(build_model(bert, MASKED_LM), tmp_path / "bert")
    recipe = ModelRecipe(
        start=str(tmp_path / "bert"), embeddings=str(pretrained), freeze_embeddings=True
    )
    model = start_model(recipe, MASKED_LM, tokenizer)
    donor = start_model(ModelRecipe(start=str(pretrained)), MASKED_LM, tokenizer)
    for name in ("word", "position", "token_type"):
        table = getattr(model.encoder.embeddings, name).weight
        assert table.equal(getattr(donor.encoder.embeddings, name).weight)
        assert not table.requires_grad
    assert not model.head.decoder.weight.requires_grad
    assert model.encoder.blocks[0].output.weight.requires_grad
    assert model.encoder.blocks[0].output.weight.shape[0] == 1


@pytest.mark.parametrize(
    ("recipe", "error", "message"),
    [
        (ModelRecipe(), ConfigError, "preset 'squeezebert-mini' has no vocabulary"),
        (
            ModelRecipe(start="PRETRAINED", shape={"hidden_size": 64}),
            ConfigError,
            "a trained model",
        ),
        (ModelRecipe(tokenizer="t", shape={"layers": 3}), ConfigError, "the field 'layers'"),
        (
            ModelRecipe(tokenizer="t", shape={"vocab_size": 3}),
            ConfigError,
            "the field 'vocab_size'",
        ),
        (ModelRecipe(tokenizer="t", shape={"hidden_size": 30}), ConfigError, "does not divide"),
        (
            ModelRecipe(tokenizer="t", shape=SMALL, embeddings="PRETRAINED"),
            ConfigError,
            r"embeddings of .* have shape .* expected",
        ),
        (ModelRecipe(start="/nowhere/at all"), CheckpointError, "no model is called"),
    ],
)
def test_what_cannot_be_started(
    recipe: ModelRecipe,
    error: type[Exception],
    message: str,
    pretrained: Path,
    tokenizer: Tokenizer,
) -> None:
    recipe = dataclasses.replace(
        recipe,
        start=recipe.start.replace("PRETRAINED", str(pretrained)),
        embeddings=recipe.embeddings.replace("PRETRAINED", str(pretrained)),
    )

    def start() -> None:
        if not recipe.tokenizer:
            start_tokenizer(recipe)
        start_model(recipe, MASKED_LM, tokenizer)

    with pytest.raises(error, match=message):
        start()


def test_a_tokenizer_larger_than_the_model(pretrained: Path, tokenizer: Tokenizer) -> None:
    larger = Tokenizer.from_vocabulary([*tokenizer.tokens, "more"], lowercase=True)
    with pytest.raises(ConfigError, match=r"has \d+ tokens, but the model's embeddings only"):
        start_model(ModelRecipe(start=str(pretrained)), MASKED_LM, larger)


@pytest.mark.parametrize(
    ("start", "shape", "finetuning", "pretraining"),
    [
        ("squeezebert-mini", {}, 5e-4, 1e-3),
        ("squeezebert-base", {}, 5.6e-5, 3.3e-4),
        ("squeezebert-mini", {"hidden_size": 512}, 1.3e-4, 5e-4),
        ("PRETRAINED", {}, 5e-4, 1e-3),
    ],
)
def test_the_rate_follows_the_width(
    start: str, shape: dict[str, int], finetuning: float, pretraining: float, pretrained: Path
) -> None:
    model = ModelRecipe(start=start.replace("PRETRAINED", str(pretrained)), shape=shape)
    finetune = with_learning_rate(FinetuneRecipe(task="masked_lm", model=model))
    pretrain = with_learning_rate(PretrainRecipe(model=model))
    assert finetune.optimizer.learning_rate == pytest.approx(finetuning)
    assert pretrain.optimizer.learning_rate == pytest.approx(pretraining)


def test_a_given_rate_stays() -> None:
    recipe = PretrainRecipe(optimizer=OptimizerRecipe(learning_rate=0.5))
    assert with_learning_rate(recipe) is recipe
