"""Which files of a data set repository hold its rows, and which part each is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from squeezebert.data.delimited import TABLE_SUFFIXES
from squeezebert.data.layouts import Split
from squeezebert.data.lines import format_suffix
from squeezebert.study.hub import HubFile

CONVERTED = "refs/convert/parquet"
"""The branch where the hub keeps every data set that it can read as Parquet, by configuration and
part: ``default/train/0000.parquet``.
"""

WORDS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "dev",
    "valid": "dev",
    "val": "dev",
    "dev": "dev",
    "testa": "dev",
    "test": "test",
    "testb": "test",
}
"""What parts are called in the names of files and folders."""


def split_rows(files: Sequence[HubFile]) -> dict[Split, list[HubFile]]:
    """The files of each part, in their order; a repository with one table of no such name gives
    it as ``train``. Of several configurations the one called ``default``, else the first, counts.

    >>> def file(path): return HubFile(path=path, size=1, digest="git:0")
    >>> found = split_rows([file("README.md"), file("data/train-0.csv"), file("data/test-0.csv")])
    >>> {part: [one.path for one in files] for part, files in found.items()}
    {'train': ['data/train-0.csv'], 'test': ['data/test-0.csv']}
    """
    tables = [file for file in files if format_suffix(file.path) in TABLE_SUFFIXES]
    named: dict[tuple[str, Split], list[HubFile]] = {}
    for file in sorted(tables, key=lambda file: file.path):
        part = _part(file.path)
        if part is not None:
            named.setdefault((_configuration(file.path), part), []).append(file)
    if not named:
        return {"train": tables} if len(tables) == 1 else {}
    configurations = list(dict.fromkeys(name for name, _ in named))
    chosen = "default" if "default" in configurations else configurations[0]
    order: tuple[Split, ...] = ("train", "dev", "test")
    return {part: named[chosen, part] for part in order if (chosen, part) in named}


def _part(path: str) -> Split | None:
    for piece in reversed(path.lower().split("/")):
        words = re.split(r"[^a-z]+", piece)
        word = next((word for word in words if word in WORDS), None)
        if word is not None:
            return WORDS[word]
    return None


def _configuration(path: str) -> str:
    """The folder that tells one configuration from another; empty for ``data/`` and the top."""
    first, slash, _ = path.partition("/")
    return "" if not slash or first.lower() == "data" or _part(first) else first
