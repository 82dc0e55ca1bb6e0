from __future__ import annotations

import gzip
import json
import lzma
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.errors import ConfigError, DataError
from squeezebert.tokenizer import Tokenizer
from squeezebert.training import corpus as room
from squeezebert.training.corpus import PackedSequences, TokenStream, find_files, tokenize_source

TEXT = "the cat sat\non the mat\n\n\nthe dog ran\n\nada\n"


def text_of(tokenizer: Tokenizer, ids: object) -> str:
    return " ".join(tokenizer.token(i) for i in np.asarray(ids))


@pytest.mark.parametrize("suffix", [".txt", ".txt.gz", ".txt.xz"])
def test_documents_end_with_sep(tokenizer: Tokenizer, tmp_path: Path, suffix: str) -> None:
    openers = {".txt": open, ".txt.gz": gzip.open, ".txt.xz": lzma.open}
    with openers[suffix](tmp_path / f"text{suffix}", "wt") as file:
        file.write(TEXT)
    source = tmp_path / f"text{suffix}"
    stream = tokenize_source(source, tokenizer, tmp_path / "cache", held_out_every=100)
    expected = "the cat sat on the mat [SEP] the dog ran [SEP] ada [SEP]"
    assert text_of(tokenizer, stream.train) == expected
    assert stream.train.dtype == np.uint16
    assert len(stream.held_out) == 0


def test_turns_end_with_sep(tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    stream = tokenize_source(
        tmp_path / "text.txt", tokenizer, tmp_path / "cache", turns=True, held_out_every=100
    )
    expected = "the cat sat [SEP] on the mat [SEP] the dog ran [SEP] ada [SEP]"
    assert text_of(tokenizer, stream.train) == expected


def test_a_directory_is_one_source(tokenizer: Tokenizer, tmp_path: Path) -> None:
    folder = tmp_path / "texts" / "deep"
    folder.mkdir(parents=True)
    (folder / "b.txt").write_text("the dog\n")
    (folder.parent / "a.jsonl").write_text(json.dumps({"text": "the cat"}) + "\n")
    (folder.parent / "notes.md").write_text("not read")
    assert [f.name for f in find_files(tmp_path / "texts")] == ["a.jsonl", "b.txt"]
    stream = tokenize_source(tmp_path / "texts", tokenizer, tmp_path / "cache", held_out_every=100)
    assert text_of(tokenizer, stream.train) == "the cat [SEP] the dog [SEP]"


def test_held_out_text_is_not_trained_on(
    tokenizer: Tokenizer, corpus: Path, tmp_path: Path
) -> None:
    stream = tokenize_source(corpus, tokenizer, tmp_path, held_out_every=4)
    whole = tokenize_source(corpus, tokenizer, tmp_path, held_out_every=1000)
    assert len(whole.held_out) == 0
    assert len(stream.train) + len(stream.held_out) == len(whole.train)
    assert len(stream.held_out) == pytest.approx(len(whole.train) / 4, rel=0.2)
    held_out = text_of(tokenizer, stream.held_out[:60])
    assert held_out not in text_of(tokenizer, stream.train)
    assert held_out in text_of(tokenizer, whole.train)


def test_the_cache_follows_the_content(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, cache = tmp_path / "text.txt", tmp_path / "cache"
    source.write_text(TEXT)
    first = tokenize_source(source, tokenizer, cache)
    with monkeypatch.context() as patched:
        patched.setattr(room, "_write_stream", None)  # not called again
        assert tokenize_source(source, tokenizer, cache).key == first.key
    source.write_text(TEXT + "the mat\n")
    second = tokenize_source(source, tokenizer, cache)
    assert second.key != first.key
    assert len(second.train) == len(first.train) + 2
    cased = Tokenizer.from_vocabulary(tokenizer.tokens, lowercase=False)
    assert tokenize_source(source, cased, cache).key != second.key


def test_a_killed_tokenisation_leaves_no_cache(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, cache = tmp_path / "text.txt", tmp_path / "cache"
    source.write_text(TEXT)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(room.json, "dumps", stop)
        with pytest.raises(KeyboardInterrupt):
            tokenize_source(source, tokenizer, cache)
    assert all(entry.name.startswith(".") for entry in cache.iterdir())
    assert len(tokenize_source(source, tokenizer, cache).train) > 0
    assert sum(not entry.name.startswith(".") for entry in cache.iterdir()) == 1


def test_what_cannot_be_read(tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no corpus file or directory at .*none"):
        tokenize_source(tmp_path / "none.txt", tokenizer, tmp_path / "cache")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no text files"):
        tokenize_source(tmp_path / "empty", tokenizer, tmp_path / "cache")
    (tmp_path / "latin.txt").write_bytes("the cat\nthe café\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.txt:2"):
        tokenize_source(tmp_path / "latin.txt", tokenizer, tmp_path / "cache")
    (tmp_path / "cut.txt.xz").write_bytes(lzma.compress(b"the cat\n" * 5000)[:-20])
    with pytest.raises(DataError, match=r"cut\.txt\.xz"):
        tokenize_source(tmp_path / "cut.txt.xz", tokenizer, tmp_path / "cache")


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


def test_held_out_rows_are_spread_evenly() -> None:
    stream = TokenStream(np.arange(50), np.arange(600), weight=1.0, key="")
    packed = PackedSequences([stream], length=8, seed=0, cls_id=2, sep_id=3)
    rows = packed.held_out([stream], limit=5)
    assert rows[:, 1].tolist() == [0, 144, 294, 444, 594]
    assert rows.shape == (5, 8)
    assert len(packed.held_out([stream], limit=1000)) == 100
