from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from squeezebert import TextEncoder
from squeezebert.errors import ConfigError
from squeezebert.model import Encoder, load_model
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.pretraining.corpus import TokenStream
from squeezebert.training.pretraining.pretrain import open_corpus, pretrain
from squeezebert.training.pretraining.sentences import (
    SentenceBatches,
    held_out_sentences,
    sentence_batch,
)
from squeezebert.training.recipe.run import CorpusSource, DistillationRecipe, PretrainRecipe


def of_sentences(
    recipe: PretrainRecipe, teacher: Path | str = "x", **loop: object
) -> PretrainRecipe:
    return dataclasses.replace(
        recipe,
        corpus=dataclasses.replace(recipe.corpus, sentences=True),
        distillation=DistillationRecipe(teachers=(str(teacher),), task=0.0, vectors=1.0),
        loop=dataclasses.replace(recipe.loop, **loop),  # type: ignore[arg-type]
    )


def stream(sentences: int, tokenizer: Tokenizer, weight: float = 1.0) -> TokenStream:
    """Sentence n is the token 10 + n, three to eight times."""
    parts = [[10 + n] * (3 + n % 6) + [tokenizer.sep_id] for n in range(sentences)]
    ids = np.concatenate(parts)
    return TokenStream(ids, ids, weight, "key")


def test_an_epoch_reads_each_sentence_once(
    tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer
) -> None:
    recipe = of_sentences(tiny_pretraining, batch_size=4)
    batches = SentenceBatches(recipe, [stream(24, tokenizer)], tokenizer)
    assert batches.batches_in(1) == 6
    firsts = [batches.batch(n).inputs["input_ids"][:, 1].tolist() for n in range(6)]
    assert sorted(np.concatenate(firsts)) == list(range(10, 34))
    again = [batches.batch(n).inputs["input_ids"][:, 1].tolist() for n in range(6, 12)]
    assert again != firsts
    assert [batches.batch(n).inputs["input_ids"][:, 1].tolist() for n in range(6)] == firsts


def test_weights_are_readings(tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer) -> None:
    recipe = of_sentences(tiny_pretraining, batch_size=4)
    streams = [stream(8, tokenizer, weight=2.0), stream(8, tokenizer, weight=0.5)]
    batches = SentenceBatches(recipe, streams, tokenizer)
    firsts = [batches.batch(n).inputs["input_ids"][:, 1].tolist() for n in range(5)]
    counts = np.bincount(np.concatenate(firsts), minlength=18)[10:]
    assert counts.sum() == 20
    assert set(counts) == {2, 3}


def test_a_row_is_a_sentence_between_its_ends(tokenizer: Tokenizer) -> None:
    found = sentence_batch([np.arange(5, 10), np.arange(5, 30)], tokenizer, length=12)
    ids, mask = found.inputs["input_ids"], found.inputs["attention_mask"]
    first = [tokenizer.cls_id, 5, 6, 7, 8, 9, tokenizer.sep_id]
    assert ids[0].tolist() == first + [tokenizer.pad_id] * 5
    assert mask[0].tolist() == [True] * 7 + [False] * 5
    assert ids[1].tolist() == [tokenizer.cls_id, *range(5, 15), tokenizer.sep_id]
    assert found.tokens == 19


def test_too_little_text(tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer) -> None:
    recipe = of_sentences(tiny_pretraining, batch_size=4)
    with pytest.raises(ConfigError, match="3 sentences to train on, fewer than the 4"):
        SentenceBatches(recipe, [stream(3, tokenizer)], tokenizer)
    with pytest.raises(ConfigError, match="too small to hold sentences out"):
        held_out_sentences([stream(1, tokenizer)], recipe, tokenizer)


def test_the_corpus_is_cut_at_sentences(
    tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    text = tmp_path / "two.txt"
    text.write_text("The cat sat. The dog ran! It rained on the mat.\n" * 30)
    recipe = of_sentences(tiny_pretraining)
    corpus = dataclasses.replace(recipe.corpus, sources=(CorpusSource(path=str(text)),))
    recipe = dataclasses.replace(recipe, corpus=corpus)
    (found,) = open_corpus(recipe, tokenizer, tmp_path)
    ends = [(ids == tokenizer.sep_id).sum() for ids in (found.train, found.held_out)]
    assert sum(ends) == 90


def test_the_student_comes_nearer_to_its_teacher(
    tiny_pretraining: PretrainRecipe, tmp_path: Path
) -> None:
    teacher = pretrain(tiny_pretraining, tmp_path / "teacher").output
    recipe = of_sentences(
        tiny_pretraining, teacher, seed=1, batch_size=8, max_steps=20, evaluate_steps=20
    )
    result = pretrain(recipe, tmp_path / "student")
    assert result.main_score == "distillation_loss"
    lines = (result.output / "metrics.jsonl").read_text().splitlines()
    first = next(line["loss"] for line in map(json.loads, lines) if line["kind"] == "train")
    assert result.scores["distillation_loss"] < first / 10

    model = load_model(result.output)
    assert isinstance(model, Encoder)
    encode = TextEncoder.load(result.output, precision="float32")
    assert encode.max_length == recipe.corpus.sequence_length
    texts = ["the cat sat", "a dog ran"]
    vectors = encode(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    ids = encode.tokenizer.encode([texts[0]])[0].ids
    row = torch.tensor([[encode.tokenizer.cls_id, *ids, encode.tokenizer.sep_id]])
    with torch.no_grad():
        mean = model.eval()(row).last_hidden_state.mean(dim=1)[0]
    expected = (mean / mean.norm()).numpy()
    assert np.allclose(vectors[0], expected, atol=1e-4)
    assert "a vector each" in (result.output / "README.md").read_text()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": 1.0}, "masked LM, too"),
        ({"vectors": 0.0, "hidden": 1.0}, "which learns from them, is 0"),
    ],
)
def test_what_does_not_go_together(
    tiny_pretraining: PretrainRecipe, settings: dict[str, float], message: str
) -> None:
    recipe = of_sentences(tiny_pretraining)
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(
            recipe, distillation=dataclasses.replace(recipe.distillation, **settings)
        )
