from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from squeezebert.tasks.base import IGNORE_INDEX
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.loop.batches import Batch
from squeezebert.training.pretraining.batches import (
    PretrainingBatches,
    dev_batches,
    swap_segments,
)
from squeezebert.training.pretraining.corpus import TokenStream
from squeezebert.training.pretraining.pretrain import open_corpus
from squeezebert.training.pretraining.sequences import HeldOutText
from squeezebert.training.recipe.run import PretrainRecipe


@pytest.fixture
def streams(
    tiny_pretraining: PretrainRecipe, tokenizer: Tokenizer, tmp_path: Path
) -> list[TokenStream]:
    return open_corpus(tiny_pretraining, tokenizer, tmp_path)


def changed(recipe: PretrainRecipe, section: str, **values: object) -> PretrainRecipe:
    part = dataclasses.replace(getattr(recipe, section), **values)
    return dataclasses.replace(recipe, **{section: part})


def masked_text(batches: list[Batch], length: int) -> tuple[list[int], list[int]]:
    """The text of all rows in a line, as it is shown and as it is (-100 where not asked for)."""
    shown, true = [], []
    for batch in batches:
        ids = batch.inputs["input_ids"]
        labels = torch.full((ids.numel(),), IGNORE_INDEX)
        labels[batch.inputs["positions"]] = batch.labels
        shown += ids[:, 1:-1].flatten().tolist()
        true += labels.view(-1, length)[:, 1:-1].flatten().tolist()
    return shown, true


def test_the_held_out_loss_asks_the_same_of_every_run(
    tiny_pretraining: PretrainRecipe, streams: list[TokenStream], tokenizer: Tokenizer
) -> None:
    recipe = changed(tiny_pretraining, "corpus", held_out_tokens=1024)
    held_out = HeldOutText.of(streams, 1024)
    expected = masked_text(dev_batches(held_out, recipe, tokenizer), 16)
    asked = np.array(expected[1]) != IGNORE_INDEX
    assert asked.mean() == pytest.approx(0.15, abs=0.04)
    others = [
        changed(recipe, "corpus", sequence_length=42),
        changed(recipe, "corpus", separate_documents=True),
        changed(recipe, "masking", rate=0.4, whole_words=True),
        changed(recipe, "loop", seed=7, batch_size=9),
    ]
    for other in others:
        length = other.corpus.sequence_length
        for ours, theirs in zip(
            masked_text(dev_batches(held_out, other, tokenizer), length), expected, strict=True
        ):
            common = min(len(ours), len(theirs))
            assert common > 900
            assert ours[:common] == theirs[:common]


def test_batches_depend_on_their_number_alone(
    tiny_pretraining: PretrainRecipe, streams: list[TokenStream], tokenizer: Tokenizer
) -> None:
    recipe = changed(tiny_pretraining, "masking", whole_words=True, rate=0.3)
    recipe = changed(recipe, "corpus", separate_documents=True)
    straight = PretrainingBatches(recipe, streams, tokenizer)
    in_turn = [straight.batch(number) for number in range(300)]
    assert straight.epoch(299) > 0
    jumping = PretrainingBatches(recipe, streams, tokenizer)
    for number in (299, 4, 150):
        again = jumping.batch(number)
        assert again.inputs.keys() == {"input_ids", "positions", "document_ids"}
        for name, value in again.inputs.items():
            assert value.equal(in_turn[number].inputs[name])
        assert again.labels.equal(in_turn[number].labels)
    share = sum(batch.targets for batch in in_turn) / sum(batch.tokens for batch in in_turn)
    assert 0.2 < share < 0.3  # [CLS], [SEP] and [UNK] are never asked for


def test_documents_change_after_their_sep(
    tiny_pretraining: PretrainRecipe, streams: list[TokenStream], tokenizer: Tokenizer
) -> None:
    source = PretrainingBatches(
        changed(tiny_pretraining, "corpus", separate_documents=True, sequence_length=64),
        streams,
        tokenizer,
    )
    changes = 0
    for number in range(20):
        inputs = source.batch(number).inputs
        documents = inputs["document_ids"]
        steps = documents.diff(dim=1) != 0
        changes += int(steps.sum())
        before = inputs["input_ids"][:, :-1][steps]
        # Only stretches held out leave a document without its [SEP], and they are few.
        assert (before == tokenizer.sep_id).float().mean() > 0.7
    assert changes > 20


def test_swapped_segments(tokenizer: Tokenizer) -> None:
    draw = np.random.default_rng(0)
    rows = np.tile(np.arange(100, 132), (64, 1))
    rows[:, 0], rows[:, -1] = tokenizer.cls_id, tokenizer.sep_id
    rows[0, 9] = tokenizer.sep_id
    changed, types, order = swap_segments(rows, tokenizer.sep_id, draw)
    assert order[0] == -100
    assert set(order[1:].tolist()) == {0, 1}
    assert (rows[1:, 1:-1] >= 100).all()  # the original is left alone
    for row in range(1, 64):
        [middle] = np.flatnonzero(changed[row, 1:-1] == tokenizer.sep_id) + 1
        first, second = changed[row, 1:middle], changed[row, middle + 1 : -1]
        joined = np.concatenate([second, first] if order[row] else [first, second])
        assert joined.tolist() == rows[row, 1:-2].tolist()
        assert types[row].tolist() == [0] * (middle + 1) + [1] * (31 - middle)
        assert (changed[row, 0], changed[row, -1]) == (tokenizer.cls_id, tokenizer.sep_id)
