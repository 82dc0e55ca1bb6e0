"""Which files of a repository are which part."""

from __future__ import annotations

import pytest

from squeezebert.study.hub import HubFile
from squeezebert.study.layout import split_rows


def parts(*paths: str) -> dict[str, list[str]]:
    found = split_rows([HubFile(path=path, size=1, digest="git:0") for path in paths])
    return {part: [file.path for file in files] for part, files in found.items()}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (
            ("data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"),
            {"train": ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]},
        ),
        (
            ("train.csv", "valid.csv", "test.csv", "README.md"),
            {"train": ["train.csv"], "dev": ["valid.csv"], "test": ["test.csv"]},
        ),
        (
            ("default/train/0000.parquet", "other/train/0000.parquet", "other/test/0000.parquet"),
            {"train": ["default/train/0000.parquet"]},
        ),
        (
            ("conll2003/test/0000.parquet", "conll2003/train/0000.parquet"),
            {"train": ["conll2003/train/0000.parquet"], "test": ["conll2003/test/0000.parquet"]},
        ),
        (("News_Articles.csv", "README.md"), {"train": ["News_Articles.csv"]}),
        (("one.csv", "two.csv"), {}),
        (("conll2003.py", "README.md"), {}),
        # A word within a word is none.
        (("contest.csv", "trained.csv"), {}),
    ],
)
def test_parts(paths: tuple[str, ...], expected: dict[str, list[str]]) -> None:
    assert parts(*paths) == expected
