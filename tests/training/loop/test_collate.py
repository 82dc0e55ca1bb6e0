from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.data.examples import Document
from squeezebert.errors import DataError
from squeezebert.spec import TaskSpec
from squeezebert.tasks import MaskedLM
from squeezebert.tasks.base import Features
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.loop.collate import FeatureBatches, collate, unmasked
from squeezebert.training.recipe.run import LoopRecipe, MaskingRecipe


def item(*ids: int, labels: object = None, example: int = 0) -> Features:
    return Features(
        input_ids=np.array(ids, dtype=np.int32),
        token_type_ids=np.ones(len(ids), dtype=np.int32),
        offsets=np.zeros((len(ids), 2), dtype=np.int32),
        example=example,
        labels=None if labels is None else np.array(labels),
    )


def numbered(lengths: list[int]) -> list[Features]:
    """Inputs whose second token names them; one label an input."""
    return [item(2, 5 + n, *[9] * (length - 2), labels=n) for n, length in enumerate(lengths)]


def test_padding() -> None:
    batch = collate([item(2, 7, 3, labels=[-100, 1, -100]), item(2, 3, labels=[-100, 0])], 0)
    assert batch.inputs["input_ids"].tolist() == [[2, 7, 3], [2, 3, 0]]
    assert batch.inputs["token_type_ids"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch.inputs["attention_mask"].tolist() == [[True, True, True], [True, True, False]]
    assert batch.labels.tolist() == [[-100, 1, -100], [-100, 0, -100]]
    assert (batch.targets, batch.tokens) == (2, 5)


def test_what_is_unsaid_and_soft_labels_are_padded_too() -> None:
    plain = item(2, 7, 3, labels=[-100, 1, -100])
    open_ = dataclasses.replace(item(2, 3, labels=[-100, 0]), unsaid=np.array([False, False, True]))
    taught = dataclasses.replace(
        item(2, 5, labels=[-100, 2]), soft=np.array([[0, 0, 0], [0.25, 0.25, 0.5]], np.float32)
    )
    batch = collate([plain, open_, taught], 0)
    assert batch.unsaid is not None
    assert batch.soft is not None
    assert batch.unsaid.tolist() == [[False] * 3, [False, False, True], [False] * 3]
    assert batch.soft.shape == (3, 3, 3)
    assert batch.soft[:2].isnan().all()
    assert batch.soft[2, 1].tolist() == [0.25, 0.25, 0.5]
    of_a_text = dataclasses.replace(item(2, 5, labels=1), soft=np.array([0.25, 0.75], np.float32))
    texts = collate([item(2, labels=0), of_a_text], 0).soft
    assert texts is not None
    assert texts.isnan().tolist() == [[True, True], [False, False]]
    assert texts[1].tolist() == [0.25, 0.75]
    only = collate([plain], 0)
    assert (only.unsaid, only.soft) == (None, None)


def test_another_teacher_is_other_data(tokenizer: Tokenizer) -> None:
    def key(*soft: float) -> str:
        one = dataclasses.replace(item(2, labels=[0]), soft=np.array([soft], np.float32))
        return FeatureBatches(
            [one], task="token_classification", tokenizer=tokenizer, loop=LoopRecipe()
        ).key

    assert key(0.5, 0.5) != key(0.4, 0.6)


def test_no_mask_without_padding() -> None:
    assert "attention_mask" not in collate([item(2, 3), item(4, 5)], 0).inputs


def test_labels_of_whole_inputs() -> None:
    classes = collate([item(2, 3, labels=4), item(2, 3, labels=1)], 0)
    assert classes.labels.tolist() == [4, 1]
    assert classes.targets == 2
    several = [np.array([1.0, 0.0], dtype=np.float32), np.array([0.0, 1.0], dtype=np.float32)]
    # As many labels as tokens: still one row an input.
    flags = collate([item(2, 3, labels=row) for row in several], 0)
    assert flags.labels.tolist() == [[1.0, 0.0], [0.0, 1.0]]


@given(
    lengths=st.lists(st.integers(2, 40), min_size=1, max_size=60),
    size=st.integers(1, 9),
    budget=st.sampled_from([0, 40, 100]),
    epochs=st.integers(1, 3),
)
def test_each_epoch_has_every_input_once(
    tokenizer: Tokenizer, lengths: list[int], size: int, budget: int, epochs: int
) -> None:
    loop = LoopRecipe(batch_size=size, token_budget=budget, seed=3)
    source = FeatureBatches(
        numbered(lengths), task="text_classification", tokenizer=tokenizer, loop=loop
    )
    total = source.batches_in(epochs)
    seen: dict[int, list[int]] = {epoch: [] for epoch in range(epochs)}
    for number in range(total):
        batch = source.batch(number)
        rows, width = batch.inputs["input_ids"].shape
        assert rows == 1 or not budget or rows * width <= budget
        assert budget or rows <= size
        seen[source.epoch(number)] += batch.labels.tolist()
    assert all(sorted(labels) == list(range(len(lengths))) for labels in seen.values())
    assert source.epoch(total) == epochs


def test_batches_depend_on_their_number_alone(tokenizer: Tokenizer) -> None:
    def source(seed: int = 0) -> FeatureBatches:
        loop = LoopRecipe(batch_size=4, token_budget=60, seed=seed)
        return FeatureBatches(
            numbered(list(range(2, 40))), task="masked_lm", tokenizer=tokenizer, loop=loop
        )

    straight = [source().batch(number) for number in range(60)]
    jumping = source()
    for number in (59, 3, 41, 0):
        again = jumping.batch(number)
        assert again.inputs["input_ids"].equal(straight[number].inputs["input_ids"])
        assert again.inputs["positions"].equal(straight[number].inputs["positions"])
        assert again.labels.equal(straight[number].labels)
    other = source(seed=1).batch(0)
    assert other.inputs["input_ids"].tolist() != straight[0].inputs["input_ids"].tolist()


def test_batches_hold_like_lengths(tokenizer: Tokenizer) -> None:
    lengths = np.random.default_rng(0).integers(2, 120, size=512).tolist()
    loop = LoopRecipe(batch_size=16)
    source = FeatureBatches(
        numbered(lengths), task="text_classification", tokenizer=tokenizer, loop=loop
    )
    batches = [source.batch(number) for number in range(source.batches_in(1))]
    padded = sum(batch.inputs["input_ids"].numel() for batch in batches)
    assert sum(lengths) > 0.9 * padded


def test_parts_of_an_epoch(tokenizer: Tokenizer) -> None:
    loop = LoopRecipe(batch_size=5)
    source = FeatureBatches(
        numbered([4] * 50), task="text_classification", tokenizer=tokenizer, loop=loop
    )
    assert [source.batches_in(e) for e in (0.01, 0.5, 1.0, 2.5)] == [1, 5, 10, 25]


def test_masks_are_drawn_anew(tokenizer: Tokenizer) -> None:
    task = MaskedLM(TaskSpec(task="masked_lm", max_length=24), tokenizer)
    documents = [Document(turns=("the cat sat on the mat", "the dog ran home")) for _ in range(8)]
    features = task.encode(documents, with_labels=True)
    plain = unmasked(features)
    assert tokenizer.mask_id not in np.concatenate([f.input_ids for f in plain])
    assert plain[0].input_ids.tolist() == [
        tokenizer.cls_id,
        *tokenizer.encode(["the cat sat on the mat"])[0].ids,
        tokenizer.sep_id,
        *tokenizer.encode(["the dog ran home"])[0].ids,
        tokenizer.sep_id,
    ]
    loop, masking = LoopRecipe(batch_size=8), MaskingRecipe(rate=0.5)
    source = FeatureBatches(
        features, task="masked_lm", tokenizer=tokenizer, loop=loop, masking=masking
    )
    first, second = source.batch(0), source.batch(1)
    assert first.inputs["positions"].tolist() != second.inputs["positions"].tolist()
    flat = np.tile(plain[0].input_ids, 8)
    assert first.labels.tolist() == flat[first.inputs["positions"].numpy()].tolist()
    assert first.targets == len(first.labels) > 10


def test_whole_words_in_fine_tuning(tokenizer: Tokenizer) -> None:
    """Two words of eight tokens: with whole words a batch has 0, 8 or 16 of each row's tokens."""
    pieces = [tokenizer.token_id(token) for token in ("a", *(f"##{c}" for c in "bcdefgh"))]
    row = item(tokenizer.cls_id, *pieces, *pieces, tokenizer.sep_id)
    counts: dict[bool, set[int]] = {False: set(), True: set()}
    for whole_words, seen in counts.items():
        source = FeatureBatches(
            [row] * 32,
            task="masked_lm",
            tokenizer=tokenizer,
            loop=LoopRecipe(batch_size=32),
            masking=MaskingRecipe(rate=0.5, whole_words=whole_words),
        )
        positions = source.batch(0).inputs["positions"].numpy()
        seen |= set(np.bincount(positions // len(row), minlength=32).tolist())
    assert counts[True] == {0, 8, 16}
    assert len(counts[False]) > 3


def test_the_key_names_the_data(tokenizer: Tokenizer) -> None:
    def key(features: list[Features]) -> str:
        loop = LoopRecipe()
        return FeatureBatches(
            features, task="text_classification", tokenizer=tokenizer, loop=loop
        ).key

    features = numbered([4, 5, 6])
    relabeled = [dataclasses.replace(features[0], labels=np.array(2)), *features[1:]]
    assert key(features) == key(numbered([4, 5, 6]))
    assert len({key(features), key(relabeled), key(features[:2])}) == 3


def test_nothing_to_train_on(tokenizer: Tokenizer) -> None:
    with pytest.raises(DataError, match="nothing to train on"):
        FeatureBatches([], task="masked_lm", tokenizer=tokenizer, loop=LoopRecipe())
