from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import numpy as np
import pytest

from squeezebert.errors import DataError
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.pretraining import corpus as room
from squeezebert.training.pretraining.corpus import find_files, tokenize_source

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


@pytest.mark.parametrize("turns", [False, True])
def test_where_documents_begin(tokenizer: Tokenizer, tmp_path: Path, turns: bool) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    stream = tokenize_source(
        tmp_path / "text.txt", tokenizer, tmp_path / "cache", turns=turns, held_out_every=100
    )
    first = [tokenizer.token(i) for i in stream.train[stream.train_documents]]
    assert first == ["the", "the", "ada"]
    assert stream.train_documents.tolist() == ([0, 8, 12] if turns else [0, 7, 11])
    assert stream.held_out_documents.tolist() == []


def test_what_does_not_follow_is_no_document(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """One long document, of which stretches are held out: what is left goes on after gaps."""
    lines = [f"{'the cat sat on the mat ' * 20}{number}" for number in range(60)]
    (tmp_path / "text.txt").write_text("\n".join(lines))
    stream = tokenize_source(tmp_path / "text.txt", tokenizer, tmp_path / "cache", held_out_every=4)
    whole = tokenize_source(
        tmp_path / "text.txt", tokenizer, tmp_path / "whole", held_out_every=1000
    )
    text = np.asarray(whole.train)
    for ids, documents in (
        (stream.train, stream.train_documents),
        (stream.held_out, stream.held_out_documents),
    ):
        assert len(documents) > 2
        ends = [*documents[1:].tolist(), len(ids)]
        windows = np.lib.stride_tricks.sliding_window_view
        for begin, end in zip(documents.tolist(), ends, strict=True):
            piece = np.asarray(ids[begin:end])
            found = (windows(text, len(piece)) == piece).all(axis=1).sum()
            assert found == 1  # in one piece of the text
            if end < len(ids):
                longer = np.asarray(ids[begin : end + 130])
                assert not (windows(text, len(longer)) == longer).all(axis=1).any()
