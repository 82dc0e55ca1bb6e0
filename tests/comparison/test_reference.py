from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from squeezebert.comparison import reference
from squeezebert.comparison.reference import choose_reference, coverage, with_reference
from squeezebert.data.catalog import Dataset
from squeezebert.errors import InvalidInputError
from squeezebert.evaluation import evaluate
from squeezebert.pipeline import Pipeline, load
from squeezebert.tasks import MaskedLM, ReferenceEmbeddings


@pytest.fixture(scope="module")
def pipeline(tiny_models: dict[str, Path]) -> Pipeline:
    return load(tiny_models["bert-masked_lm"])


def _table(tokens: list[str]) -> ReferenceEmbeddings:
    return ReferenceEmbeddings(tokens, np.random.default_rng(0).normal(size=(len(tokens), 4)))


def _ship(table: ReferenceEmbeddings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table.save(folder / "shipped.safetensors")
    # An absolute path stands for itself, wherever the package lies.
    monkeypatch.setattr(reference, "SHIPPED", str(folder / "shipped.safetensors"))


def test_a_given_table_is_taken(pipeline: Pipeline, tmp_path: Path) -> None:
    _table(["cat", "dog"]).save(tmp_path / "mine.safetensors")
    table, name = choose_reference(
        tmp_path / "mine.safetensors", [pipeline], pipeline, tmp_path / "nowhere"
    )
    assert (table.tokens, name) == (("cat", "dog"), "the word vectors of mine.safetensors")


def test_the_shipped_table_is_taken_where_it_knows_the_vocabulary(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(pipeline.task, MaskedLM)
    _ship(_table(pipeline.task.tokenizer.tokens), tmp_path, monkeypatch)
    _, name = choose_reference(None, [pipeline], pipeline, tmp_path / "nowhere")
    assert name == "the word vectors that come with squeezebert"


def test_else_the_word_embeddings_of_the_baseline(
    pipeline: Pipeline,
    tiny_models: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _ship(_table(["cat", "dog"]), tmp_path, monkeypatch)
    table, name = choose_reference(None, [pipeline], pipeline, tiny_models["bert-masked_lm"])
    assert name == "the word embeddings of bert-masked_lm"
    assert coverage(table, pipeline) == 1.0


def test_coverage_is_a_share_of_the_ordinary_tokens(pipeline: Pipeline) -> None:
    assert isinstance(pipeline.task, MaskedLM)
    tokens = [token for token in pipeline.task.tokenizer.tokens if not token.startswith("[")]
    assert coverage(_table(tokens), pipeline) == 1.0
    assert coverage(_table(tokens[: len(tokens) // 2]), pipeline) == pytest.approx(0.5, abs=0.01)


def test_with_it_the_study_s_score_is_there(
    pipeline: Pipeline, tiny_sets: dict[str, Dataset]
) -> None:
    assert isinstance(pipeline.task, MaskedLM)
    examples = tiny_sets["masked_lm"].examples
    scored = with_reference(pipeline, _table(pipeline.task.tokenizer.tokens))
    values = evaluate(scored, examples).scores.values
    assert -1 <= values["average_cosine_similarity"] <= 1
    assert "average_cosine_similarity" not in evaluate(pipeline, examples).scores.values
    assert (scored.name, scored.batch_tokens) == (pipeline.name, pipeline.batch_tokens)


def test_only_masked_lms_have_one(tiny_models: dict[str, Path]) -> None:
    other = load(tiny_models["bert-text_classification"])
    with pytest.raises(InvalidInputError, match="is for text_classification, not masked_lm"):
        with_reference(other, _table(["cat", "dog"]))
