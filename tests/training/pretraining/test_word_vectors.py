"""Word vectors from co-occurrence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from squeezebert.config import EncoderConfig
from squeezebert.errors import ConfigError, InvalidInputError
from squeezebert.model import HeadConfig
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.loop.start import start_model
from squeezebert.training.pretraining import word_vectors as module
from squeezebert.training.recipe.run import ModelRecipe
from squeezebert.wordpiece import SPECIAL_TOKENS

ANIMALS, FOODS = ("cat", "dog", "cow"), ("rice", "bread", "soup")
VERBS = {"animal": ("runs", "sleeps"), "food": ("cooks", "cools")}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    words = [*SPECIAL_TOKENS, *ANIMALS, *FOODS, *VERBS["animal"], *VERBS["food"], "the", "never"]
    return Tokenizer.from_vocabulary(words, lowercase=True)


@pytest.fixture(scope="module")
def stream(tokenizer: Tokenizer) -> np.ndarray:
    draw = np.random.default_rng(0)
    texts = []
    for _ in range(400):
        names, verbs = (ANIMALS, VERBS["animal"]) if draw.random() < 0.5 else (FOODS, VERBS["food"])
        texts.append(f"the {draw.choice(names)} {draw.choice(verbs)} [SEP]")
    return tokenizer.encode([" ".join(texts)])[0].ids.astype(np.uint16)


def test_pairs_are_counted_both_ways_by_distance_within_texts(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(["cat dog cow [SEP] rice"])[0].ids
    counts = module.count_pairs([ids], tokenizer, window=2).toarray()
    cat, dog, cow, rice = (tokenizer.token_id(w) for w in ("cat", "dog", "cow", "rice"))
    assert counts[cat, dog] == counts[dog, cat] == 1.0
    assert counts[cat, cow] == 0.5
    assert counts[cow, rice] == 0.0  # [SEP] stands between
    assert counts.sum() == 2 * (1.0 + 1.0 + 0.5)


def test_chunks_change_nothing(
    tokenizer: Tokenizer, stream: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = module.count_pairs([stream], tokenizer, window=1).toarray()
    monkeypatch.setattr(module, "CHUNK", 64)
    np.testing.assert_allclose(module.count_pairs([stream], tokenizer, window=1).toarray(), whole)


def test_words_of_like_company_are_near(tokenizer: Tokenizer, stream: np.ndarray) -> None:
    table = module.reference_embeddings([stream], tokenizer, dimensions=3)
    near = dict(module.neighbors(table, "cat", len(table)))
    assert len(near) == len(table) - 1
    assert min(near["dog"], near["cow"]) > 0.9 > max(near[food] for food in FOODS)
    assert "never" not in table.tokens
    assert not set(table.tokens) & set(SPECIAL_TOKENS)
    again = module.reference_embeddings([stream], tokenizer, dimensions=3)
    np.testing.assert_array_equal(table.vectors, again.vectors)


def test_too_little_text_is_refused(tokenizer: Tokenizer, stream: np.ndarray) -> None:
    with pytest.raises(InvalidInputError, match="expected more than 96"):
        module.reference_embeddings([stream], tokenizer)
    table = module.reference_embeddings([stream], tokenizer, dimensions=3)
    with pytest.raises(InvalidInputError, match="lack the token 'never'"):
        module.neighbors(table, "never", 1)


def test_a_model_can_start_from_them(
    tokenizer: Tokenizer, stream: np.ndarray, tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    table = module.reference_embeddings([stream], tokenizer, dimensions=4)
    path = tmp_path / "vectors.safetensors"
    table.save(path)
    tokenizer.save(tmp_path)
    shape = {
        "embedding_size": 4,
        "hidden_size": 8,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
    }
    recipe = ModelRecipe(tokenizer=str(tmp_path), shape=shape, embeddings=str(path))
    head = HeadConfig(kind="masked_lm")
    model = start_model(recipe, head, tokenizer)
    word = model.encoder.embeddings.word.weight.detach().numpy()
    cat, dog, soup = (tokenizer.token_id(w) for w in ("cat", "dog", "soup"))
    # The table's own numbers, scaled: not what the seed drew.
    expected = table.vectors[table.rows(["cat", "dog", "soup"])]
    rows = word[[cat, dog, soup]]
    np.testing.assert_allclose(rows / np.linalg.norm(rows, axis=1)[:, None], expected, atol=0.01)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    assert model.head.decoder.weight is model.encoder.embeddings.word.weight
    with pytest.raises(ConfigError, match="have 4 dimensions, but the model's embeddings 8"):
        start_model(
            ModelRecipe(
                tokenizer=str(tmp_path),
                shape=shape | {"embedding_size": 8},
                embeddings=str(path),
            ),
            head,
            tokenizer,
        )
