from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from squeezebert.tasks.base import Features
from squeezebert.training.distillation.soft_labels import KeptLabels
from squeezebert.training.loop.batches import Batch
from squeezebert.training.loop.collate import FeatureBatches, collate
from squeezebert.training.recipe.run import LoopRecipe

LENGTHS = (7, 3, 9, 5, 5, 4)


def features() -> list[Features]:
    return [
        Features(
            input_ids=np.arange(length, dtype=np.int32) + 10 * row,
            token_type_ids=np.zeros(length, dtype=np.int32),
            offsets=np.zeros((length, 2), dtype=np.int32),
            example=row,
            labels=np.full(length, row % 3, dtype=np.int64),
        )
        for row, length in enumerate(LENGTHS)
    ]


class Teacher:
    """Logits that tell the token; counts how often it is asked."""

    def __init__(self, *, by_token: bool) -> None:
        self.by_token = by_token
        self.asked = 0

    def __call__(self, batch: Batch) -> Tensor:
        self.asked += len(batch.inputs["input_ids"])
        ids = batch.inputs["input_ids"].float()
        logits = torch.stack([ids, -ids], dim=-1)
        return logits if self.by_token else logits[:, 0]


def rows(*numbers: int) -> Batch:
    batch = collate([features()[number] for number in numbers], pad_id=0)
    return dataclasses.replace(batch, rows=numbers)


def test_each_text_is_asked_once_and_keeps_its_labels() -> None:
    teacher = Teacher(by_token=False)
    kept = KeptLabels(teacher, features(), 0)
    for numbers in ((2, 0), (5, 1, 3), (4, 2)):
        torch.testing.assert_close(
            kept.of(rows(*numbers))[:, 0], torch.tensor([10.0 * n for n in numbers])
        )
    assert teacher.asked == len(LENGTHS)


def test_labels_of_tokens_stand_at_the_tokens() -> None:
    kept = KeptLabels(Teacher(by_token=True), features(), 0)
    found = kept.of(rows(1, 3, 0))
    assert found.shape == (3, 7, 2)
    for index, row in enumerate((1, 3, 0)):
        length = LENGTHS[row]
        assert found[index, :length, 0].tolist() == [10.0 * row + at for at in range(length)]
        assert found[index, length:].isnan().all()


def test_batches_say_which_rows_they_hold(tokenizer: object) -> None:
    source = FeatureBatches(
        features(),
        task="token_classification",
        tokenizer=tokenizer,  # type: ignore[arg-type]
        loop=LoopRecipe(batch_size=4),
    )
    batch = source.batch(0)
    assert batch.rows is not None
    firsts = [features()[row].input_ids[0] for row in batch.rows]
    assert batch.inputs["input_ids"][:, 0].tolist() == firsts
