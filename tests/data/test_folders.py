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


def test_a_single_file_serves_train_and_test_but_not_dev(write, fails):
    file = write("mine.csv", "")
    assert find_split(file, "text_classification", "train") == file
    assert find_split(file, "text_classification", "test") == file
    fails(lambda: find_split(file, "text_classification", "dev"), file, "no dev split", hint="dev")


def test_a_file_named_by_its_split_is_no_other(write, fails):
    file = write("train.csv", "")
    assert find_split(file, "text_classification", "train") == file
    fails(
        lambda: find_split(file, "text_classification", "test"),
        file,
        "is the train split by its name",
        hint="ask for train",
    )
