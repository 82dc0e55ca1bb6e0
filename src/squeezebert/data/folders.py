"""A person's own data: one file, or a directory with a file a split."""

from __future__ import annotations

from pathlib import Path

from squeezebert.data.delimited import TABLE_SUFFIXES
from squeezebert.data.layouts import SPLITS, Split
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
    """The file of a split: in a directory by name, or ``path`` itself.

    A file called train, dev or test (or a name that means the same) is that split and no other.
    A file of any other name is train and test as asked, but never dev: choosing a model on what
    trained or tests it would flatter it.

    Raises:
        DataError: there is no such split, or more than one file for it.
    """
    if path.is_dir():
        return _in_directory(path, task, split)
    named = next((s for s in SPLITS if _stem(path) in SPLIT_NAMES[s]), None)
    if named is not None and named != split:
        raise DataError(
            f"{path} is the {named} split by its name, but {split} was asked for",
            hint=f"ask for {named}, or give the directory that holds both",
        )
    if named is None and split == "dev":
        raise DataError(
            f"{path} is a single file: it holds no dev split",
            hint=f"put {_example(task)} into a directory and give that",
        )
    return path


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
