"""From text files to token ids on disk.

A source (a file, or a directory of files) is tokenized once into raw arrays that are memory-mapped:
``train.bin`` and ``held_out.bin``, token after token, with ``[SEP]`` after each document, and
beside them where documents begin. The cache's name is a digest of the texts and the tokenizer, so
a changed file is tokenized anew; so is one whose arrays are not what was written (``info.json``
holds their sums).
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from squeezebert import files as files_on_disk
from squeezebert.data.documents import iter_documents
from squeezebert.data.sentences import split_sentences
from squeezebert.errors import DataError, InvalidInputError, SqueezeBertError
from squeezebert.structured import build, read_json
from squeezebert.tokenizer import Tokenizer

logger = logging.getLogger(__name__)

SUFFIXES = tuple(kind + packed for kind in (".txt", ".jsonl") for packed in ("", ".gz", ".xz"))
STRETCH = 512
"""Tokens, at least, of the stretches of text that are held out or trained on as a whole."""

CHUNK_CHARACTERS = 1 << 20
FORMAT = 2
INFO = "info.json"
ARRAYS = ("train", "held_out", "train_documents", "held_out_documents")


@dataclass(frozen=True, eq=False)
class TokenStream:
    """A tokenized source.

    Args:
        train: (tokens,) ids, memory-mapped.
        held_out: (tokens,) ids, memory-mapped.
        weight: How many times an epoch reads ``train``.
        key: Digest of the texts and the tokenizer.
        train_documents: Where in ``train`` a document begins or goes on after a gap, ascending;
            empty for a single document.
        held_out_documents: The same for ``held_out``.
        taught: Whether teachers teach on it.
    """

    train: NDArray[Any]
    held_out: NDArray[Any]
    weight: float
    key: str
    train_documents: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    held_out_documents: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    taught: bool = True


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
    sentences: bool = False,
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
        sentences: Whether it stands after each sentence of a line.
        held_out_every: Every so-manieth stretch goes to ``held_out``.

    Raises:
        DataError: nothing to read, text that is not UTF-8, a broken archive; names file and line.
    """
    files = find_files(path)
    options = f"{FORMAT} {turns} {held_out_every}" + (" sentences" if sentences else "")
    key = _digest(files, tokenizer, options)
    directory = cache / key
    info = _read_info(directory) if directory.is_dir() else None
    if info is None:
        if directory.is_dir():
            logger.warning(
                "the tokenized texts in %s are not as they were written, or without sums to tell: "
                "they are made anew",
                directory,
            )
            shutil.rmtree(directory, ignore_errors=True)
        try:
            with files_on_disk.appearing(directory) as partial:
                _write_stream(
                    files,
                    tokenizer,
                    partial,
                    turns=turns or sentences,
                    sentences=sentences,
                    held_out_every=held_out_every,
                )
        except InvalidInputError:  # another process was faster: its cache is the same
            pass
        info = _read_info(directory)
    if info is None:
        raise DataError(
            f"the tokenized texts in {directory} are damaged, and cannot be made anew",
            hint="remove that directory",
        )
    return TokenStream(
        train=_map(directory / "train.bin", info.dtype),
        held_out=_map(directory / "held_out.bin", info.dtype),
        weight=weight,
        key=key,
        train_documents=_map(directory / "train_documents.bin", "int64"),
        held_out_documents=_map(directory / "held_out_documents.bin", "int64"),
    )


@dataclass(frozen=True)
class _Info:
    """What a cache says of itself in ``info.json``."""

    dtype: Literal["uint16", "uint32"]
    sums: Mapping[str, str]


def _read_info(directory: Path) -> _Info | None:
    """What the cache in ``directory`` says of itself; None where its files are not as it says."""
    try:
        info = build(_Info, read_json(directory / INFO), INFO)
        whole = set(info.sums) == {f"{name}.bin" for name in ARRAYS} and all(
            _sum(directory / name) == value for name, value in info.sums.items()
        )
    except (OSError, SqueezeBertError):
        return None
    return info if whole else None


def _sum(path: Path) -> str:
    """Of its length too: equal for equal contents only."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def _digest(files: Sequence[Path], tokenizer: Tokenizer, options: str) -> str:
    digest = hashlib.sha256(f"{options} {tokenizer.manner}\n".encode())
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
    sentences: bool,
    held_out_every: int,
) -> None:
    dtype = np.dtype(np.uint16 if tokenizer.vocab_size <= 1 << 16 else np.uint32)
    separator = np.array([tokenizer.sep_id], dtype=dtype)
    counts = {"train": 0, "held_out": 0, "documents": 0, "stretches": 0}
    documents: dict[str, list[int]] = {"train": [], "held_out": []}
    with (
        (directory / "train.bin").open("wb") as train,
        (directory / "held_out.bin").open("wb") as held_out,
    ):
        targets: dict[str, IO[bytes]] = {"train": train, "held_out": held_out}
        stretch: list[NDArray[Any]] = []
        length = 0
        begins = [0]  # within the stretch

        def flush() -> None:
            nonlocal length
            # The middle one of each group, so that a source is not judged by its title page.
            middle = counts["stretches"] % held_out_every == held_out_every // 2
            name = "held_out" if middle else "train"
            documents[name] += [counts[name] + begin for begin in begins if begin < length]
            counts["stretches"] += 1
            counts[name] += length
            targets[name].write(np.concatenate(stretch).tobytes())
            stretch.clear()
            begins[:] = [begin - length for begin in begins if begin >= length]
            if middle or counts["stretches"] % held_out_every == held_out_every // 2:
                begins[:] = [0]  # what comes next does not follow what its array ends with
            length = 0

        for lines in _chunks(files, sentences=sentences):
            for line, encoded in zip(lines, tokenizer.encode(lines), strict=True):
                if line:
                    stretch.append(encoded.ids.astype(dtype))
                    length += len(encoded.ids)
                if turns if line else not turns:
                    stretch.append(separator)
                    length += 1
                if not line:
                    counts["documents"] += 1
                    begins.append(length)
                if length >= STRETCH:
                    flush()
        if length:
            flush()
    for name, places in documents.items():
        (directory / f"{name}_documents.bin").write_bytes(np.array(places, np.int64).tobytes())
    info = {
        "dtype": dtype.name,
        **counts,
        "files": [file.name for file in files],
        "sums": {f"{name}.bin": _sum(directory / f"{name}.bin") for name in ARRAYS},
    }
    (directory / INFO).write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def _chunks(files: Sequence[Path], *, sentences: bool) -> Iterator[list[str]]:
    """Lines, or their sentences, in lists of about a megabyte; an empty line stands for the end of
    a document.
    """
    lines: list[str] = []
    size = 0
    for file in files:
        for document in iter_documents(file):
            turns = document.turns
            if sentences:
                turns = [sentence for turn in turns for sentence in split_sentences(turn)]
            lines += [*turns, ""]
            size += sum(map(len, document.turns))
            if size >= CHUNK_CHARACTERS:
                yield lines
                lines, size = [], 0
    if lines:
        yield lines
