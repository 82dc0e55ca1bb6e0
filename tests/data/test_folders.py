from __future__ import annotations

import pytest

from squeezebert.data.folders import find_split


@pytest.mark.parametrize(
    ("name", "task", "split"),
    [
        ("train.csv", "text_classification", "train"),
        ("validation.jsonl.gz", "text_classification", "dev"),
        ("TEST.parquet", "text_classification", "test"),
        ("testa.conll", "token_classification", "dev"),
        ("test.txt.xz", "masked_lm", "test"),
    ],
)
def test_by_name_in_a_directory(write, tmp_path, name, task, split):
    file = write(name, "")
    write("README.md", "")
    assert find_split(tmp_path, task, split) == file


def test_files_of_other_tasks_are_passed_over(write, tmp_path):
    write("train.csv", "")
    file = write("train.txt", "")
    assert find_split(tmp_path, "masked_lm", "train") == file


def test_no_such_split(write, tmp_path, fails):
    write("train.csv", "")
    fails(
        lambda: find_split(tmp_path, "text_classification", "test"),
        tmp_path,
        "has no test split",
        "found 'train.csv'",
        hint="train.csv, dev.csv and test.csv",
    )


def test_empty_directory(tmp_path, fails):
    fails(lambda: find_split(tmp_path, "masked_lm", "dev"), tmp_path, "found nothing")


def test_two_files_for_a_split(write, tmp_path, fails):
    write("dev.csv", "")
    write("valid.csv", "")
    fails(
        lambda: find_split(tmp_path, "text_classification", "dev"),
        tmp_path,
        "'dev.csv', 'valid.csv'",
        hint="keep one",
    )


@pytest.mark.parametrize("name", ["mine.csv", "train.csv"])
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_a_single_file_is_what_one_says_it_is(write, name, split):
    file = write(name, "")
    assert find_split(file, "text_classification", split) == file
