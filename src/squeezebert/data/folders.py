"""A person's own data: one file, or a directory with a file a split."""

from __future__ import annotations

from pathlib import Path

from squeezebert.data.delimited import TABLE_SUFFIXES
from squeezebert.data.layouts import Split
from squeezebert.data.lines import format_suffix
from squeezebert.data.messages import listed
from squeezebert.errors import DataError
from squeezebert.spec import TaskName

SPLIT_NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "dev": ("dev", "valid", "validation", "val", "testa"),
    "test": ("test", "testb"),
}
"""The names of files, without suffixes, that stand for each split."""

SUFFIXES: dict[TaskName, tuple[str, ...]] = {
    "text_classification": TABLE_SUFFIXES,
    "token_classification": (
        ".conll",
        ".bio",
        ".iob",
        ".iob2",
        ".txt",
        ".tsv",
        ".jsonl",
        ".safetensors",
    ),
    "masked_lm": (".txt", ".jsonl", ".ndjson"),
}
"""What a directory's files for each task end in, before .gz or .xz."""


def find_split(path: Path, task: TaskName, split: Split) -> Path:
    """The file of a split: in a directory by name, or ``path`` itself, a file, which is whatever
    one says it is.

    Raises:
        DataError: a directory without such a split, or with more than one file for it.
    """
    return _in_directory(path, task, split) if path.is_dir() else path


def _stem(path: Path) -> str:
    return path.name.lower().split(".")[0]


def _example(task: TaskName) -> str:
    suffix = SUFFIXES[task][0]
    return f"train{suffix}, dev{suffix} and test{suffix}"


def _in_directory(directory: Path, task: TaskName, split: Split) -> Path:
    files = sorted(file for file in directory.iterdir() if file.is_file())
    found = [
        file
        for file in files
        if _stem(file) in SPLIT_NAMES[split] and format_suffix(file) in SUFFIXES[task]
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{directory} has more than one file for {split}: "
            f"{listed(file.name for file in found)}",
            hint="keep one of them, or give the file itself",
        )
    there = listed(file.name for file in files) or "nothing"
    raise DataError(
        f"{directory} has no {split} split for {task}: found {there}, expected a file called "
        f"{' or '.join(SPLIT_NAMES[split])} that ends in {', '.join(SUFFIXES[task])}",
        hint=f"name the files {_example(task)}, or give the file itself",
    )
