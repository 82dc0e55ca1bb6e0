from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.tasks.reference import ReferenceEmbeddings
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS


@pytest.fixture
def table() -> ReferenceEmbeddings:
    rng = np.random.default_rng(0)
    common = 5.0  # a large part shared by all, as models' tables have
    return ReferenceEmbeddings([f"t{i}" for i in range(50)], rng.normal(size=(50, 8)) + common)


def test_vectors_are_centred_and_of_length_one(table: ReferenceEmbeddings) -> None:
    np.testing.assert_allclose(np.linalg.norm(table.vectors, axis=1), 1.0, rtol=1e-5)
    every = np.repeat(np.arange(50), 50), np.tile(np.arange(50), 50)
    assert abs(table.cosines(*every).mean()) < 0.05
    assert len(table) == 50


def test_a_common_part_and_a_scale_change_nothing() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(9, 4))
    tokens = list("abcdefghi")
    plain, moved = (
        ReferenceEmbeddings(tokens, vectors),
        ReferenceEmbeddings(tokens, 3 * vectors + 7),
    )
    np.testing.assert_allclose(plain.vectors, moved.vectors, atol=1e-5)


def test_saved_and_loaded(table: ReferenceEmbeddings, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "reference.safetensors"
    table.save(path)
    loaded = ReferenceEmbeddings.load(path)
    assert loaded.tokens == table.tokens
    assert (loaded.vectors * table.vectors).sum(axis=1).min() > 0.9995
    assert path.stat().st_size < 50 * 8 + 1500
    assert [item.name for item in path.parent.iterdir()] == ["reference.safetensors"]
    loaded.save(path)
    np.testing.assert_allclose(ReferenceEmbeddings.load(path).vectors, loaded.vectors, atol=0.02)


def test_a_vector_equal_to_the_mean_has_no_direction(tmp_path: Path) -> None:
    table = ReferenceEmbeddings(["a", "b", "mean"], [[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    table.save(tmp_path / "r.safetensors")
    for each in (table, ReferenceEmbeddings.load(tmp_path / "r.safetensors")):
        assert each.cosines(np.array([2, 0]), np.array([0, 1])).tolist() == [0.0, -1.0]


def test_rows_by_token_or_its_lower_case() -> None:
    table = ReferenceEmbeddings(["haus", "Rot", "rot", "##er"], np.eye(4))
    assert table.rows(["Haus", "Rot", "rot", "##ER", "baum"]).tolist() == [0, 1, 2, 3, -1]


def test_from_a_models_table_leaves_out_what_is_no_word() -> None:
    tokenizer = Tokenizer.from_vocabulary(
        [*SPECIAL_TOKENS, "[unused0]", "a", "b", "c"], lowercase=True
    )
    padded = np.random.default_rng(0).normal(size=(16, 4))  # more rows than the vocabulary has
    table = ReferenceEmbeddings.from_embeddings(tokenizer, padded)
    assert table.tokens == ("a", "b", "c")
    np.testing.assert_allclose(
        table.vectors, ReferenceEmbeddings(["a", "b", "c"], padded[6:9]).vectors
    )
    with pytest.raises(InvalidInputError, match=r"expected \(9, d\)"):
        ReferenceEmbeddings.from_embeddings(tokenizer, padded[:8])


def test_similarity_scores_agree_with_their_definition(table: ReferenceEmbeddings) -> None:
    rng = np.random.default_rng(2)
    true = rng.integers(-1, 50, size=60)
    true[:20] = 7
    guessed = rng.integers(-1, 50, size=60)
    scores = table.similarity_scores(true, guessed)

    def cosine(a: int, b: int) -> float:
        return 0.0 if a < 0 else float(table.vectors[a] @ table.vectors[b])

    kept = [i for i in range(60) if true[i] >= 0]
    assert scores["cosine_coverage"] == pytest.approx(len(kept) / 60)
    assert scores["average_cosine_similarity"] == pytest.approx(
        np.mean([cosine(guessed[i], true[i]) for i in kept]), abs=1e-6
    )
    assert scores["most_frequent_cosine"] == pytest.approx(
        np.mean([cosine(7, true[i]) for i in kept]), abs=1e-6
    )
    assert scores["random_pair_cosine"] == pytest.approx(
        np.mean([cosine(true[i], true[j]) for i in kept for j in kept if i != j]), abs=1e-6
    )


def test_perfect_guesses_score_one_and_unknown_tokens_nothing(table: ReferenceEmbeddings) -> None:
    rows = np.arange(10)
    assert table.similarity_scores(rows, rows)["average_cosine_similarity"] == pytest.approx(1.0)
    assert table.similarity_scores(np.full(3, -1), np.arange(3)) == {"cosine_coverage": 0.0}
    assert table.similarity_scores(rows[:0], rows[:0]) == {"cosine_coverage": 0.0}


@pytest.mark.parametrize(
    ("tokens", "vectors"),
    [
        (["a"], np.eye(2)),
        ([], np.zeros((0, 3))),
        (["a", "b"], np.zeros(2)),
        (["a", "a"], np.eye(2)),
        (["a", "b\n"], np.eye(2)),
        (["a", "b"], np.full((2, 2), np.nan)),
    ],
)
def test_tables_that_cannot_be(tokens: list[str], vectors: np.ndarray) -> None:
    with pytest.raises(InvalidInputError):
        ReferenceEmbeddings(tokens, vectors)


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "reference.safetensors"
    with pytest.raises(CheckpointError, match="no reference embeddings at"):
        ReferenceEmbeddings.load(path)
    path.write_bytes(b"not safetensors")
    with pytest.raises(CheckpointError, match="cannot be read"):
        ReferenceEmbeddings.load(path)
    save_file({"weight": np.zeros((2, 2), dtype=np.float32)}, str(path))
    with pytest.raises(CheckpointError, match="does not hold reference embeddings"):
        ReferenceEmbeddings.load(path)
    metadata = {"format": "squeezebert reference embeddings 1", "tokens": "a\nb\nc"}
    save_file({"vectors": np.zeros((2, 2), dtype=np.int8)}, str(path), metadata)
    with pytest.raises(CheckpointError, match="is damaged: 3 tokens"):
        ReferenceEmbeddings.load(path)
