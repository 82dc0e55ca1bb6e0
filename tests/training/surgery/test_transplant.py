"""A trained model under another vocabulary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.cli.main import cli
from squeezebert.config import EncoderConfig
from squeezebert.errors import ConfigError, InvalidInputError
from squeezebert.model import Encoder, HeadConfig, TaskModel, build_model, load_model, save_model
from squeezebert.tasks.reference import ReferenceEmbeddings
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.surgery.transplant import (
    new_rows,
    sparsemax,
    spelled_rows,
    transplant,
)
from squeezebert.unigram import ROLES as UNIGRAM_ROLES
from squeezebert.wordpiece import SPECIAL_TOKENS

WORDS = [f"w{number}" for number in range(60)]
OLD = Tokenizer.from_vocabulary([*SPECIAL_TOKENS, *WORDS, "haus"], lowercase=True)
# In another order, with capitals, two words of its own and one that no text has.
NEW = Tokenizer.from_vocabulary(
    [*SPECIAL_TOKENS, "new", *(word.upper() for word in reversed(WORDS)), "newer", "unseen"],
    lowercase=False,
)


@pytest.fixture
def vectors() -> ReferenceEmbeddings:
    """``new`` is like W3 and W4, ``newer`` is W5 again."""
    known = np.random.default_rng(0).normal(size=(60, 24))
    new = [known[3] + known[4], 2 * known[5]]
    tokens = [*(word.upper() for word in WORDS), "new", "newer"]
    return ReferenceEmbeddings(tokens, np.concatenate([known, new]), centred=True)


def config(tokenizer: Tokenizer) -> EncoderConfig:
    return EncoderConfig(
        vocab_size=tokenizer.vocab_size,
        embedding_size=16,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=32,
        max_position_embeddings=32,
    )


def test_rows(vectors: ReferenceEmbeddings) -> None:
    table = np.random.default_rng(1).normal(size=(OLD.vocab_size, 16)).astype(np.float32)
    rows, found = new_rows(table, OLD, NEW, vectors, seed=0)

    def old(word: str) -> np.ndarray:
        return table[OLD.token_id(word)]

    def new(word: str) -> np.ndarray:
        return rows[NEW.token_id(word)]

    assert (found.shared, found.mixed, found.drawn) == (65, 2, 1)
    for token in SPECIAL_TOKENS:
        np.testing.assert_array_equal(new(token), old(token))
    for word in WORDS:
        np.testing.assert_array_equal(new(word.upper()), old(word))
    np.testing.assert_allclose(new("newer"), old("w5"), atol=0.2)
    both = (old("w3") + old("w4")) / 2
    assert np.linalg.norm(new("new") - both) < 0.5 * np.linalg.norm(both)
    # As far out as the others, and again the same.
    assert 0.3 < np.linalg.norm(new("unseen")) / np.linalg.norm(table, axis=1).mean() < 3
    again, _ = new_rows(table, OLD, NEW, vectors, seed=0)
    np.testing.assert_array_equal(again, rows)


def test_rows_of_what_spells_them() -> None:
    scores = {
        "\u2581": -5.0,
        "\u2581haus": -1.0,
        "tür": -1.0,
        "\u2581t": -3.0,
        "ür": -3.0,
        "s": -2.0,
    }
    old = Tokenizer.from_pieces([*UNIGRAM_ROLES, *scores], [0.0] * 5 + list(scores.values()))
    new = Tokenizer.from_vocabulary(
        [*SPECIAL_TOKENS, "haus", "haustür", "##tür", "##s", "s", "漢"], lowercase=False
    )
    table = np.random.default_rng(1).normal(size=(old.vocab_size, 16)).astype(np.float32)
    rows, found = spelled_rows(table, old, new, seed=0)

    def of(*pieces: str) -> np.ndarray:
        return table[[old.token_id(piece) for piece in pieces]].mean(axis=0)

    for token, pieces in {
        **{ours: (theirs,) for ours, theirs in zip(new.roles, old.roles, strict=True)},
        "haus": ("\u2581haus",),
        "haustür": ("\u2581haus", "tür"),
        "##tür": ("tür",),
        "##s": ("s",),
        "s": ("s",),
    }.items():
        np.testing.assert_allclose(rows[new.token_id(token)], of(*pieces), rtol=1e-5)
    assert (found.shared, found.mixed, found.drawn) == (9, 1, 1)
    # And back: WordPiece spells within words too.
    back, found = spelled_rows(rows, new, old, seed=0)
    np.testing.assert_allclose(back[old.token_id("tür")], rows[new.token_id("##tür")])
    np.testing.assert_allclose(back[old.token_id("\u2581haus")], rows[new.token_id("haus")])
    assert found.drawn == 3  # the mark alone, and two parts that the new one lacks


def test_too_little_in_common(vectors: ReferenceEmbeddings) -> None:
    table = np.zeros((OLD.vocab_size, 16), dtype=np.float32)
    words = [word.upper() for word in WORDS[:9]]
    other = Tokenizer.from_vocabulary([*SPECIAL_TOKENS, *words, "new"], lowercase=False)
    with pytest.raises(ConfigError, match="share 9 tokens"):
        new_rows(table, OLD, other, vectors, seed=0)


@pytest.mark.parametrize("kind", ["masked_lm", "encoder"])
def test_all_but_the_words_stays(kind: str, vectors: ReferenceEmbeddings, tmp_path: Path) -> None:
    torch.manual_seed(0)
    before: TaskModel | Encoder = build_model(config(OLD), HeadConfig(kind="masked_lm"))
    if kind == "encoder":
        before = before.encoder
    save_model(before, tmp_path / "old")
    OLD.save(tmp_path / "old")
    NEW.save(tmp_path / "vocabulary")
    vectors.save(tmp_path / "vectors.safetensors")
    words = ["transplant", str(tmp_path / "old"), "--tokenizer", str(tmp_path / "vocabulary")]
    words += ["--vectors", str(tmp_path / "vectors.safetensors"), "-o", str(tmp_path / "new")]
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert "65 tokens keep their embeddings, 2 are mixtures of these, 1 are drawn" in result.stderr

    after = load_model(tmp_path / "new")
    assert isinstance(after, TaskModel)
    assert after.config.vocab_size == NEW.vocab_size
    assert Tokenizer.load(tmp_path / "new").tokens == NEW.tokens
    text = ["w7", "w8", "w9"]
    old_ids = torch.tensor([[OLD.token_id(word) for word in text]])
    new_ids = torch.tensor([[NEW.token_id(word.upper()) for word in text]])
    encoder = before.encoder if isinstance(before, TaskModel) else before
    with torch.inference_mode():
        theirs = encoder.eval()(old_ids).last_hidden_state
        ours = after.encoder(new_ids).last_hidden_state
        torch.testing.assert_close(ours, theirs)
        if isinstance(before, TaskModel):
            logits, others = after(new_ids).logits, before.eval()(old_ids).logits
            torch.testing.assert_close(
                logits[..., [NEW.token_id("W3")]], others[..., [OLD.token_id("w3")]]
            )


def test_an_output_that_is_there(vectors: ReferenceEmbeddings, tmp_path: Path) -> None:
    save_model(build_model(config(OLD), HeadConfig(kind="masked_lm")), tmp_path / "old")
    OLD.save(tmp_path / "old")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "file").touch()
    with pytest.raises(InvalidInputError, match="new"):
        transplant(str(tmp_path / "old"), NEW, vectors, tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


@given(
    st.lists(st.lists(st.floats(-5, 5), min_size=4, max_size=4), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_sparsemax_is_the_nearest_distribution(scores: list[list[float]], seed: int) -> None:
    rows = np.array(scores)
    found = sparsemax(rows)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    others = np.random.default_rng(seed).dirichlet([0.3] * 4, size=50)
    for row, nearest in zip(rows, found, strict=True):
        distances = ((others - row) ** 2).sum(axis=1)
        assert ((nearest - row) ** 2).sum() <= distances.min() + 1e-9
