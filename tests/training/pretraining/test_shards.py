from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from squeezebert.errors import ConfigError, DataError
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.pretraining.corpus import TokenStream
from squeezebert.training.pretraining.pretrain import open_corpus, pretrain
from squeezebert.training.pretraining.shards import read_shard, write_shards
from squeezebert.training.recipe.run import CorpusSource, PretrainRecipe


@pytest.fixture
def recipe(tiny_pretraining: PretrainRecipe, corpus: Path) -> PretrainRecipe:
    """One text read in two ways, the first way twice."""
    path = str(corpus)
    sources = (
        CorpusSource(path=path, weight=2.0),
        CorpusSource(path=path, turns=True),
        CorpusSource(path=path, weight=0.5),
    )
    part = dataclasses.replace(tiny_pretraining.corpus, sources=sources)
    return dataclasses.replace(tiny_pretraining, corpus=part)


@pytest.fixture
def streams(recipe: PretrainRecipe, tokenizer: Tokenizer, tmp_path: Path) -> list[TokenStream]:
    return open_corpus(recipe, tokenizer, tmp_path / "texts")


def with_shards(recipe: PretrainRecipe, folder: Path, **changes: object) -> PretrainRecipe:
    part = dataclasses.replace(recipe.corpus, shards=str(folder), **changes)  # type: ignore[arg-type]
    return dataclasses.replace(recipe, corpus=part)


def test_shards_are_the_streams(
    recipe: PretrainRecipe, streams: list[TokenStream], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    folder = tmp_path / "shards"
    made = write_shards(folder, recipe.corpus, streams, tokenizer)
    files = sorted(file for file in folder.iterdir() if file.suffix == ".npz")
    assert len(files) == 2  # a source that is named twice is kept once
    assert made.size_mb == pytest.approx(sum(file.stat().st_size for file in files) / 1e6)
    assert made.tokens > 9000
    # The words are drawn at random, so that the ids cannot be packed below their entropy.
    assert sum(file.stat().st_size for file in files) < made.tokens
    read = open_corpus(with_shards(recipe, folder), tokenizer, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()
    for ours, theirs in zip(read, streams, strict=True):
        assert (ours.key, ours.weight) == (theirs.key, theirs.weight)
        for name in ("train", "held_out", "train_documents", "held_out_documents"):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name))
            assert getattr(ours, name).dtype == getattr(theirs, name).dtype
    before = [file.read_bytes() for file in files]
    write_shards(folder, recipe.corpus, streams, tokenizer)
    assert [file.read_bytes() for file in files] == before


def test_a_run_begun_with_texts_goes_on_with_shards(
    recipe: PretrainRecipe, streams: list[TokenStream], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    write_shards(tmp_path / "shards", recipe.corpus, streams, tokenizer)
    short = dataclasses.replace(recipe, loop=dataclasses.replace(recipe.loop, max_minutes=1e-9))
    assert pretrain(short, tmp_path / "run").stopped == "max_minutes"
    gone = with_shards(recipe, tmp_path / "shards")
    assert pretrain(gone, tmp_path / "run", resume=True).stopped == "complete"
    whole = pretrain(recipe, tmp_path / "whole")
    weights = [out / "model.safetensors" for out in (tmp_path / "run", whole.output)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_shards_that_do_not_fit(
    recipe: PretrainRecipe, streams: list[TokenStream], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    folder = tmp_path / "shards"
    source = recipe.corpus.sources[0]
    with pytest.raises(DataError, match=r"no shards\.json in .*\nhint: .*squeezebert tokenize"):
        read_shard(folder, source, recipe.corpus, tokenizer)
    write_shards(folder, recipe.corpus, streams, tokenizer)
    with pytest.raises(DataError, match=r"lack other\.txt with turns"):
        read_shard(folder, CorpusSource(path="other.txt", turns=True), recipe.corpus, tokenizer)
    cased = Tokenizer.from_vocabulary(tokenizer.tokens, lowercase=False)
    with pytest.raises(ConfigError, match=r"have vocabulary '.*', the run has '"):
        read_shard(folder, source, recipe.corpus, cased)
    other = dataclasses.replace(recipe.corpus, held_out_every=9)
    with pytest.raises(ConfigError, match="have held_out_every 4, the run has 9"):
        read_shard(folder, source, other, tokenizer)
    for file in folder.glob("*.npz"):
        file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"\.npz is not a readable shard"):
        read_shard(folder, source, recipe.corpus, tokenizer)
    (folder / "shards.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(DataError, match="no list of shards"):
        read_shard(folder, source, recipe.corpus, tokenizer)
