"""From text files to token ids on disk, and from those to packed sequences of one length.

A source (a file, or a directory of files) is tokenised once into raw arrays that are memory-mapped:
``train.bin`` and ``held_out.bin``, token after token, with ``[SEP]`` after each document. The
cache's name is a digest of the texts and the tokenizer, so a changed file is tokenised anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.data.documents import iter_documents
from squeezebert.errors import ConfigError, DataError
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.batches import generator

SUFFIXES = tuple(kind + packed for kind in (".txt", ".jsonl") for packed in ("", ".gz", ".xz"))
STRETCH = 512
"""Tokens, at least, of the stretches of text that are held out or trained on as a whole."""

CHUNK_CHARACTERS = 1 << 20
FORMAT = 1


@dataclass(frozen=True, eq=False)
class TokenStream:
    """A tokenised source.

    Args:
        train: (tokens,) ids, memory-mapped.
        held_out: (tokens,) ids, memory-mapped.
        weight: How many times an epoch reads ``train``.
        key: Digest of the texts and the tokenizer.
    """

    train: NDArray[Any]
    held_out: NDArray[Any]
    weight: float
    key: str


def find_files(path: Path) -> list[Path]:
    """The text files of a source, sorted by name.

    Raises:
        DataError: nothing there, or a directory without text files.
    """
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.name.endswith(SUFFIXES) and f.is_file())
        if not files:
            raise DataError(f"{path} holds no text files", hint=f"expected {', '.join(SUFFIXES)}")
        return files
    if not path.is_file():
        raise DataError(
            f"no corpus file or directory at {path}",
            hint="set SQUEEZEBERT_DATA to the folder of the data sets, or give a full path",
        )
    return [path]


def tokenize_source(
    path: Path,
    tokenizer: Tokenizer,
    cache: Path,
    *,
    weight: float = 1.0,
    turns: bool = False,
    held_out_every: int = 200,
) -> TokenStream:
    """The token stream of a source, from the cache if it is there.

    Args:
        path: A file that :func:`squeezebert.data.iter_documents` reads, or a directory of them.
        tokenizer: Its vocabulary's size decides between 16 and 32 bits an id.
        cache: The directory of all caches; the source's own is written under another name and
            renamed when it is complete.
        weight: Goes into the stream as it is.
        turns: Whether ``[SEP]`` stands after each line and not only after each document.
        held_out_every: Every so-manieth stretch goes to ``held_out``.

    Raises:
        DataError: nothing to read, text that is not UTF-8, a broken archive; names file and line.
    """
    files = find_files(path)
    key = _digest(files, tokenizer, f"{FORMAT} {turns} {held_out_every}")
    directory = cache / key
    if not directory.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        partial = cache / f".{key}.{os.getpid()}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _write_stream(files, tokenizer, partial, turns=turns, held_out_every=held_out_every)
        try:
            partial.rename(directory)
        except OSError:  # another process was faster: its cache is the same
            shutil.rmtree(partial)
    info: dict[str, Any] = json.loads((directory / "info.json").read_text(encoding="utf-8"))
    return TokenStream(
        train=_map(directory / "train.bin", info["dtype"]),
        held_out=_map(directory / "held_out.bin", info["dtype"]),
        weight=weight,
        key=key,
    )


def _digest(files: Sequence[Path], tokenizer: Tokenizer, options: str) -> str:
    digest = hashlib.sha256(f"{options} {tokenizer.lowercase}\n".encode())
    digest.update("\n".join(tokenizer.tokens).encode())
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:24]


def _map(path: Path, dtype: str) -> NDArray[Any]:
    if path.stat().st_size == 0:  # an empty file cannot be mapped
        return np.zeros(0, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r")


def _write_stream(
    files: Sequence[Path],
    tokenizer: Tokenizer,
    directory: Path,
    *,
    turns: bool,
    held_out_every: int,
) -> None:
    dtype = np.dtype(np.uint16 if tokenizer.vocab_size <= 1 << 16 else np.uint32)
    separator = np.array([tokenizer.sep_id], dtype=dtype)
    counts = {"train": 0, "held_out": 0, "documents": 0, "stretches": 0}
    with (
        (directory / "train.bin").open("wb") as train,
        (directory / "held_out.bin").open("wb") as held_out,
    ):
        targets: dict[str, IO[bytes]] = {"train": train, "held_out": held_out}
        stretch: list[NDArray[Any]] = []
        length = 0

        def flush() -> None:
            nonlocal length
            # The middle one of each group, so that a source is not judged by its title page.
            middle = counts["stretches"] % held_out_every == held_out_every // 2
            name = "held_out" if middle else "train"
            counts["stretches"] += 1
            counts[name] += length
            targets[name].write(np.concatenate(stretch).tobytes())
            stretch.clear()
            length = 0

        for lines in _chunks(files):
            for line, encoded in zip(lines, tokenizer.encode(lines), strict=True):
                if line:
                    stretch.append(encoded.ids.astype(dtype))
                    length += len(encoded.ids)
                if turns if line else not turns:
                    stretch.append(separator)
                    length += 1
                counts["documents"] += not line
                if length >= STRETCH:
                    flush()
        if length:
            flush()
    info = {"dtype": dtype.name, **counts, "files": [file.name for file in files]}
    (directory / "info.json").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def _chunks(files: Sequence[Path]) -> Iterator[list[str]]:
    """Lines in lists of about a megabyte; an empty line stands for the end of a document."""
    lines: list[str] = []
    size = 0
    for file in files:
        for document in iter_documents(file):
            lines += [*document.turns, ""]
            size += sum(map(len, document.turns))
            if size >= CHUNK_CHARACTERS:
                yield lines
                lines, size = [], 0
    if lines:
        yield lines


class PackedSequences:
    """Sequences of one length without padding: ``[CLS] … [SEP]``, the text between cut wherever
    it falls; documents follow each other with ``[SEP]`` between.

    Each epoch shifts the cuts and shuffles anew, both by (seed, epoch) alone.

    Args:
        streams: The tokenised sources.
        length: Tokens a sequence.
        seed: Of shifts and order.
        cls_id: What a sequence starts with.
        sep_id: What it ends with.

    Raises:
        ConfigError: less text than one sequence.

    >>> stream = TokenStream(np.arange(10, 40), np.arange(0), 1.0, "")
    >>> packed = PackedSequences([stream], length=8, seed=0, cls_id=2, sep_id=3)
    >>> packed.per_epoch, packed.rows(0, np.array([0, 1])).shape
    (4, (2, 8))
    """

    def __init__(
        self,
        streams: Sequence[TokenStream],
        *,
        length: int,
        seed: int,
        cls_id: int,
        sep_id: int,
    ) -> None:
        self._streams = [s for s in streams if len(s.train) >= length - 2]
        self._body = length - 2
        self._seed = seed
        self._ends = (cls_id, sep_id)
        self._plan: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None
        self.per_epoch = sum(sum(self._copies(stream)) for stream in self._streams)
        if self.per_epoch == 0:
            raise ConfigError(
                f"the corpus has {sum(len(s.train) for s in streams)} tokens to train on, "
                f"fewer than one sequence of {length}",
                hint="give more text or lower corpus.sequence_length",
            )

    def _windows(self, stream: TokenStream) -> int:
        # As many as fit whatever the shift, so that all epochs are of one length.
        return max((len(stream.train) + 1) // self._body - 1, 1)

    def _copies(self, stream: TokenStream) -> list[int]:
        """Windows of each reading of the stream; the last reading may be a part."""
        windows = self._windows(stream)
        whole, part = divmod(stream.weight, 1.0)
        return [windows] * int(whole) + [round(part * windows)]

    def rows(self, epoch: int, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n, length) token ids of the sequences at ``indices`` of an epoch's order."""
        streams, starts = self._epoch_plan(epoch)
        rows = np.empty((len(indices), self._body + 2), dtype=np.int64)
        rows[:, 0], rows[:, -1] = self._ends
        for row, index in zip(rows, indices, strict=True):
            start = starts[index]
            row[1:-1] = self._streams[streams[index]].train[start : start + self._body]
        return rows

    def _epoch_plan(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if self._plan is None or self._plan[0] != epoch:
            draw = generator(self._seed, 1, epoch)
            streams: list[NDArray[np.int64]] = []
            starts: list[NDArray[np.int64]] = []
            for number, stream in enumerate(self._streams):
                windows = self._windows(stream)
                room = min(len(stream.train) - windows * self._body, self._body - 1)
                for count in self._copies(stream):
                    chosen = draw.permutation(windows)[:count]
                    starts.append(draw.integers(room + 1) + chosen * self._body)
                    streams.append(np.full(count, number, dtype=np.int64))
            order = draw.permutation(self.per_epoch)
            self._plan = (epoch, np.concatenate(streams)[order], np.concatenate(starts)[order])
        return self._plan[1], self._plan[2]

    def held_out(self, streams: Sequence[TokenStream], limit: int) -> NDArray[np.int64]:
        """(n, length) token ids of the held-out text, at most ``limit`` rows, spread evenly."""
        bodies = [
            stream.held_out[: len(stream.held_out) // self._body * self._body]
            .astype(np.int64)
            .reshape(-1, self._body)
            for stream in streams
        ]
        joined = np.concatenate(bodies)
        if len(joined) > limit:
            joined = joined[np.linspace(0, len(joined) - 1, limit).astype(np.int64)]
        rows = np.empty((len(joined), self._body + 2), dtype=np.int64)
        rows[:, 0], rows[:, -1] = self._ends
        rows[:, 1:-1] = joined
        return rows
