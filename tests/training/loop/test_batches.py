from __future__ import annotations

import threading

import pytest
import torch

from squeezebert.training.loop.batches import Batch, Prefetched, generator


class Numbered:
    """Batch ``n`` holds ``n``; refuses to work for two at once, and batch 13."""

    key = "numbered"

    def __init__(self) -> None:
        self.busy = threading.Lock()
        self.made: list[int] = []

    def batch(self, number: int) -> Batch:
        assert self.busy.acquire(blocking=False)
        if number == 13:
            self.busy.release()
            raise ValueError("thirteen")
        self.made.append(number)
        value = torch.tensor([number])
        self.busy.release()
        return Batch(inputs={"number": value}, labels=value, targets=1, tokens=1, order=value)

    def epoch(self, number: int) -> int:
        assert self.busy.acquire(blocking=False)
        self.busy.release()
        return number // 5

    def batches_in(self, epochs: float) -> int:
        return round(5 * epochs)


def test_batches_made_ahead_are_the_same() -> None:
    source = Numbered()
    ahead = Prefetched(source, ahead=3, stride=2, pinned=False)
    assert ahead.key == "numbered"
    assert ahead.batches_in(2.0) == 10
    for number in (0, 2, 4, 6, 1, 3, 100, 102):
        assert ahead.batch(number).labels.item() == number
        assert ahead.epoch(number) == number // 5
    ahead.close()
    # In a row nothing is made twice.
    assert source.made[:4] == [0, 2, 4, 6]
    assert source.made.count(4) == 1


def test_an_error_in_the_thread_is_told_where_its_batch_is_asked_for() -> None:
    ahead = Prefetched(Numbered(), ahead=2, stride=1, pinned=False)
    assert ahead.batch(11).labels.item() == 11
    assert ahead.batch(12).labels.item() == 12
    with pytest.raises(ValueError, match="thirteen"):
        ahead.batch(13)
    ahead.close()


def test_a_batch_goes_to_another_device_whole() -> None:
    batch = Numbered().batch(7)
    assert batch.to(torch.device("cpu")) is batch
    moved = batch.to(torch.device("meta"))
    assert moved.order is not None
    devices = {moved.labels.device.type, moved.order.device.type}
    assert devices | {value.device.type for value in moved.inputs.values()} == {"meta"}
    assert (moved.targets, moved.tokens) == (1, 1)


def test_generators_differ_by_place() -> None:
    assert generator(1, 2).random() == generator(1, 2).random() != generator(1, 3).random()
