from __future__ import annotations

import gzip
import lzma

import pytest

from squeezebert.data.documents import iter_documents, read_documents
from squeezebert.errors import InvalidInputError


def test_dialogues(write):
    file = write(
        "a.txt", "Hi . __eou__ Hello ! __eou__\n\nBye __eou__ Bye __eou__ \t1\t2 2\nJust one\n"
    )
    documents = read_documents(file)
    assert [d.turns for d in documents] == [("Hi .", "Hello !"), ("Bye", "Bye"), ("Just one",)]
    assert [d.where for d in documents] == [f"{file}:1", f"{file}:3", f"{file}:4"]


def test_dialogues_without_the_last_mark_and_without_spaces(write):
    assert read_documents(write("a.txt", "A?__eou__B.\n"))[0].turns == ("A?", "B.")


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_plain_text(write, suffix, pack):
    text = "\nOne.\n Two.\t(two)\r\n\r\n\nThree.\n"
    file = write(f"a.txt{suffix}", pack(text.encode()))
    documents = read_documents(file)
    assert [d.turns for d in documents] == [("One.", "Two.\t(two)"), ("Three.",)]
    assert [d.where for d in documents] == [f"{file}:2", f"{file}:6"]


def test_json_lines(write):
    file = write(
        "a.jsonl",
        '{"turns": ["Hi", " ", "Hello"], "split": "dev"}\n'
        '{"text": "One.\\n\\nTwo.", "split": "test"}\n',
    )
    assert [d.turns for d in read_documents(file)] == [("Hi", "Hello"), ("One.", "Two.")]
    assert [d.turns for d in read_documents(file, only={"split": "dev"})] == [("Hi", "Hello")]


def test_the_layout_may_be_named(write):
    file = write("a.txt", "One line\nAnother __eou__ line\n")
    assert len(read_documents(file, layout="dialogues")) == 2
    assert len(read_documents(file, layout="text")) == 1


def test_documents_come_one_by_one(write, fails):
    file = write("a.txt", b"One.\n\nTwo.\n\n\xff\n")
    documents = iter_documents(file)
    assert next(documents).turns == ("One.",)
    assert next(documents).turns == ("Two.",)
    fails(lambda: next(documents), f"{file}:5", "invalid UTF-8")


def test_megabyte_line(write):
    line = "word " * 250_000
    assert read_documents(write("a.txt", line))[0].turns == (line.strip(),)


def test_dialogue_without_words(write, fails):
    file = write("a.txt", "Hi __eou__\n __eou__ __eou__\n")
    fails(lambda: read_documents(file), f"{file}:2", "a dialogue without words")


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_empty_file(write, fails, content):
    file = write("a.txt", content)
    fails(lambda: read_documents(file), file, "no documents", "at least one line")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ('{"turns": "Hi"}', "'turns' is 'Hi'"),
        ('{"turns": ["Hi", 3]}', "a turn is 3"),
        ('{"turns": []}', "a document without words"),
        ('{"text": ["Hi"]}', "a turn is ['Hi']"),
        ('{"body": "Hi"}', "the fields 'body'"),
        ('{"turns": ["a\\u0000"]}', "\\u0000"),
        ("[]", "the JSON value []"),
        ("{", "invalid JSON"),
    ],
)
def test_wrong_json(write, fails, row, found):
    file = write("a.jsonl", f'{{"turns": ["fine"]}}\n{row}\n')
    fails(lambda: read_documents(file), f"{file}:2", found)


def test_selection_of_a_split_that_is_not_there(write, fails):
    file = write("a.jsonl", '{"turns": ["Hi"], "split": "dev"}\n')
    fails(lambda: read_documents(file, only={"split": "test"}), file, "no documents with")
    fails(lambda: read_documents(file, only={"part": "a"}), f"{file}:1", "no column 'part'")


def test_selection_needs_json(write):
    with pytest.raises(InvalidInputError, match="needs a JSON lines file"):
        read_documents(write("a.txt", "Hi\n"), only={"split": "dev"})


def test_nul_directory_missing_truncated(write, tmp_path, fails):
    file = write("a.txt", b"a\0b\n")
    fails(lambda: read_documents(file), f"{file}:1", "a NUL character")
    fails(lambda: read_documents(tmp_path), tmp_path, "this is a directory")
    fails(lambda: read_documents(tmp_path / "no.txt"), tmp_path / "no.txt", "no such file")
    file = write("b.txt.xz", lzma.compress(b"line\n" * 1000)[:-20])
    fails(lambda: read_documents(file), file, "cut short or damaged")
