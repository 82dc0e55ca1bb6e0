from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.errors import ConfigError
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.pretraining.corpus import TokenStream, tokenize_source
from squeezebert.training.pretraining.sequences import HeldOutText, PackedSequences


def streams(*sizes: tuple[int, float]) -> list[TokenStream]:
    """Streams whose ids tell the stream (thousands) and the place."""
    return [
        TokenStream(
            np.arange(size) + 1000 * (number + 1), np.arange(0), weight=weight, key=str(number)
        )
        for number, (size, weight) in enumerate(sizes)
    ]


@given(
    sizes=st.lists(
        st.tuples(st.integers(0, 900), st.sampled_from([0.5, 1.0, 2.0, 2.5])),
        min_size=1,
        max_size=4,
    ),
    length=st.integers(8, 40),
    epoch=st.integers(0, 3),
)
def test_windows_are_whole_and_disjoint(
    sizes: list[tuple[int, float]], length: int, epoch: int
) -> None:
    given_streams = streams(*sizes)
    body = length - 2
    if (
        all(size < body for size, _ in sizes)
        or sum(
            round(w % 1 * max((s + 1) // body - 1, 1)) + int(w) * max((s + 1) // body - 1, 1)
            for s, w in sizes
            if s >= body
        )
        == 0
    ):
        with pytest.raises(ConfigError, match="fewer than one sequence"):
            PackedSequences(given_streams, length=length, seed=0, cls_id=2, sep_id=3)
        return
    packed = PackedSequences(given_streams, length=length, seed=0, cls_id=2, sep_id=3)
    rows = packed.rows(epoch, np.arange(packed.per_epoch))
    assert rows.shape == (packed.per_epoch, length)
    assert (rows[:, 0] == 2).all()
    assert (rows[:, -1] == 3).all()
    assert (np.diff(rows[:, 1:-1], axis=1) == 1).all()
    seen = Counter(rows[:, 1:-1].ravel().tolist())
    for number, (size, weight) in enumerate(sizes):
        times = [seen[1000 * (number + 1) + at] for at in range(size)]
        assert max(times, default=0) <= int(np.ceil(weight))


def test_epochs_differ_and_repeat(corpus: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    def packed(seed: int) -> PackedSequences:
        stream = tokenize_source(corpus, tokenizer, tmp_path)
        return PackedSequences([stream], length=32, seed=seed, cls_id=2, sep_id=3)

    everything = np.arange(packed(0).per_epoch)
    first = packed(0).rows(0, everything)
    assert np.array_equal(first, packed(0).rows(0, everything))
    assert not np.array_equal(first, packed(0).rows(1, everything))
    assert not np.array_equal(first, packed(1).rows(0, everything))
    again = packed(0)
    again.rows(5, everything[:1])
    assert np.array_equal(first[[3, 7]], again.rows(0, np.array([3, 7])))


@given(
    gaps=st.lists(st.integers(1, 30), min_size=1, max_size=30),
    length=st.integers(8, 20),
    epoch=st.integers(0, 2),
)
def test_document_ids_count_within_the_row(gaps: list[int], length: int, epoch: int) -> None:
    size = 300
    begins = np.array([0, *(at for at in np.cumsum(gaps).tolist() if at < size)])
    stream = TokenStream(np.arange(size), np.arange(0), 1.0, "", train_documents=begins)
    packed = PackedSequences([stream], length=length, seed=0, cls_id=2, sep_id=3)
    everything = np.arange(packed.per_epoch)
    rows, ids = packed.rows(epoch, everything), packed.document_ids(epoch, everything)
    assert ids.shape == rows.shape
    for row, numbers in zip(rows.tolist(), ids.tolist(), strict=True):
        expected = [sum(begin <= token for begin in begins) for token in row[1:-1]]
        assert numbers[1:-1] == [number - expected[0] for number in expected]
        assert (numbers[0], numbers[-1]) == (0, numbers[-2])


def test_streams_do_not_share_documents() -> None:
    two = streams((200, 1.0), (200, 1.0))
    packed = PackedSequences(two, length=12, seed=0, cls_id=2, sep_id=3)
    assert not packed.document_ids(0, np.arange(packed.per_epoch)).any()


def held_out(*sizes: int, limit: int) -> HeldOutText:
    made = [
        TokenStream(np.arange(0), np.arange(size) + 10_000 * number, 1.0, str(number))
        for number, size in enumerate(sizes)
    ]
    return HeldOutText.of(made, limit)


def test_held_out_text_is_spread_evenly() -> None:
    text = held_out(3000, 2000, limit=1600)
    stretches = text.input_ids.reshape(-1, 512)
    assert stretches[:, 0].tolist() == [0, 2048, 11_096]
    assert (np.diff(stretches, axis=1) == 1).all()
    assert np.flatnonzero(np.diff(text.documents)).tolist() == [511, 1023]
    everything = held_out(300, 200, limit=1600)
    assert everything.input_ids.tolist() == [*range(300), *range(10_000, 10_200)]
    assert np.flatnonzero(np.diff(everything.documents)).tolist() == [299]


@pytest.mark.parametrize("length", [8, 30])
def test_held_out_rows_hold_the_same_tokens_whatever_their_length(length: int) -> None:
    text = held_out(100, 57, limit=1000)
    rows = text.rows(text.input_ids, length, (2, 3))
    assert rows[:, 1:-1].ravel().tolist() == text.input_ids.tolist()[: rows[:, 1:-1].size]
    assert 157 - (length - 2) < rows[:, 1:-1].size <= 157
    documents = text.document_ids(length)
    changes = np.flatnonzero(np.diff(documents[:, 1:-1].ravel(), prepend=0) > 0).tolist()
    assert changes == [100]
