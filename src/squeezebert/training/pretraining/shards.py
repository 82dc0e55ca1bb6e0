"""A tokenized corpus as compressed files, to take to a machine that has neither texts nor time.

A folder of shards holds ``shards.json`` and one ``.npz`` a source (a zip of NumPy arrays, packed
with LZMA), which NumPy reads by itself. English takes about a byte a token so.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert import files
from squeezebert.errors import ConfigError, DataError, SqueezeBertError
from squeezebert.structured import build, read_json
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.pretraining.corpus import TokenStream
from squeezebert.training.recipe.data import CorpusRecipe, CorpusSource

FORMAT = 1
LIST = "shards.json"
HINT = "make it anew: squeezebert tokenize --recipe RECIPE --output FOLDER"


@dataclass(frozen=True)
class Shards:
    """What :func:`write_shards` wrote.

    Args:
        tokens: To train on and held out, of all sources.
        size_mb: Of all files.
    """

    tokens: int
    size_mb: float


@dataclass(frozen=True)
class _Source:
    """A source in ``shards.json``."""

    path: str
    turns: bool
    file: str
    key: str


@dataclass(frozen=True)
class _List:
    """The content of ``shards.json``."""

    format: int
    vocabulary: str
    held_out_every: int
    sources: tuple[_Source, ...]


def write_shards(
    directory: Path,
    corpus: CorpusRecipe,
    streams: Sequence[TokenStream],
    tokenizer: Tokenizer,
) -> Shards:
    """Writes the streams of a recipe's corpus, each source once, whatever its weight.

    Args:
        directory: Made if it is not there; files of an earlier run are replaced.
        corpus: The sources.
        streams: One for each of them.
        tokenizer: What made them.
    """
    sources: list[dict[str, Any]] = []
    size = 0
    for source, stream in zip(corpus.sources, streams, strict=True):
        if any((one["path"], one["turns"]) == (source.path, source.turns) for one in sources):
            continue
        name = f"{re.sub(r'[^A-Za-z0-9]+', '-', Path(source.path).name)}-{stream.key[:8]}.npz"
        with files.replacing(directory / name) as temporary:
            _write_arrays(
                temporary,
                {
                    "train": stream.train,
                    "held_out": stream.held_out,
                    "train_documents": np.diff(stream.train_documents, prepend=0),
                    "held_out_documents": np.diff(stream.held_out_documents, prepend=0),
                },
            )
        size += (directory / name).stat().st_size
        sources.append(
            {"path": source.path, "turns": source.turns, "file": name, "key": stream.key}
        )
    content = {
        "format": FORMAT,
        "vocabulary": _vocabulary_key(tokenizer),
        "held_out_every": corpus.held_out_every,
        "sources": sources,
    }
    files.write_text(directory / LIST, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    tokens = sum(len(stream.train) + len(stream.held_out) for stream in streams)
    return Shards(tokens=tokens, size_mb=size / 1e6)


def read_shard(
    directory: Path, source: CorpusSource, corpus: CorpusRecipe, tokenizer: Tokenizer
) -> TokenStream:
    """The token stream of a source, read into memory.

    Raises:
        DataError: no shards there, not of this source, or a damaged file.
        ConfigError: shards of another vocabulary or another division into held-out text.
    """
    path = directory / LIST
    if not path.is_file():
        raise DataError(f"there is no {LIST} in {directory}", hint=HINT)
    try:
        made = build(_List, read_json(path), LIST)
    except SqueezeBertError as error:
        raise DataError(f"{path} is no list of shards: {error.message}", hint=HINT) from error
    wanted = {
        "format": FORMAT,
        "vocabulary": _vocabulary_key(tokenizer),
        "held_out_every": corpus.held_out_every,
    }
    for name, value in wanted.items():
        if getattr(made, name) != value:
            raise ConfigError(
                f"the shards in {directory} have {name} {getattr(made, name)!r}, "
                f"the run has {value!r}",
                hint=HINT,
            )
    for entry in made.sources:
        if (entry.path, entry.turns) == (source.path, source.turns):
            return _read_arrays(directory / entry.file, source.weight, entry.key)
    turns = " with turns" if source.turns else ""
    raise DataError(f"the shards in {directory} lack {source.path}{turns}", hint=HINT)


def _vocabulary_key(tokenizer: Tokenizer) -> str:
    content = "\n".join([tokenizer.manner, *tokenizer.tokens])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, np.asarray(array))
            # A date of its own: the same text gives the same bytes.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_LZMA)


def _read_arrays(path: Path, weight: float, key: str) -> TokenStream:
    try:
        with path.open("rb") as file, np.load(file) as archive:
            return TokenStream(
                train=archive["train"],
                held_out=archive["held_out"],
                weight=weight,
                key=key,
                train_documents=np.cumsum(archive["train_documents"]),
                held_out_documents=np.cumsum(archive["held_out_documents"]),
            )
    except Exception as error:  # zipfile, lzma and NumPy errors of many kinds
        raise DataError(f"{path} is not a readable shard: {error}", hint=HINT) from error
