from __future__ import annotations

import gzip
import json
import lzma
import sys
from pathlib import Path

import pytest

from squeezebert.data.tables import read_table
from squeezebert.errors import DataError, InvalidInputError, MissingDependencyError

CSV = 'text,label\n"Hi, you",ham\n"two\nlines",spam\nplain,ham\n'


def test_csv(write):
    file = write("a.csv", CSV)
    examples = read_table(file)
    assert [(e.text, e.label, e.where) for e in examples] == [
        ("Hi, you", "ham", f"{file}:2"),
        ("two\nlines", "spam", f"{file}:3"),
        ("plain", "ham", f"{file}:5"),
    ]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_compressed(write, suffix, pack):
    file = write(f"a.csv{suffix}", pack(CSV.encode()))
    assert len(read_table(file)) == 3


def test_tsv_takes_quotes_as_text(write):
    file = write("a.tsv", 'text\tlabel\n"Hi" he said\tx\r\nopen "\ty\n')
    assert [e.text for e in read_table(file)] == ['"Hi" he said', 'open "']


def test_tsv_with_quotes_on_request(write):
    file = write("a.tsv", 'text\tlabel\n"a\tb"\tx\n')
    assert read_table(file, quoted=True)[0].text == "a\tb"


def test_byte_order_mark_does_not_hide_the_first_column(write):
    file = write("a.csv", b"\xef\xbb\xbftext,label\na,b\n")
    assert read_table(file)[0].text == "a"


def test_without_header_by_number(write):
    file = write("a.csv", '"3","Shares fall","Body"\n"1","T","B"\n')
    examples = read_table(
        file, text=("1", "2"), label="0", joiner=" . ", label_names={"1": "World", "3": "Trade"}
    )
    assert [(e.text, e.label) for e in examples] == [
        ("Shares fall . Body", "Trade"),
        ("T . B", "World"),
    ]


def test_header_of_numbers(write):
    file = write("a.csv", "0,1\nfirst,x\n")
    assert [e.text for e in read_table(file, text="0", label="1", header=True)] == ["first"]


def test_pairs_and_numbers(write):
    file = write("a.tsv", "a\tb\tscore\nOne\tTwo\t3.5\n")
    example = read_table(file, text="a", pair="b", label="score", problem_type="regression")[0]
    assert (example.text, example.pair, example.label) == ("One", "Two", 3.5)


def test_json_lines(write):
    rows = [{"text": "a", "label": "x"}, {"text": "ü\u2028", "label": 3, "more": None}]
    file = write("a.jsonl", "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n")
    assert [(e.text, e.label) for e in read_table(file)] == [("a", "x"), ("ü\u2028", "3")]


def test_multi_label(write):
    file = write("a.jsonl", '{"text": "a", "label": ["x", "y"]}\n{"text": "b", "label": []}\n')
    assert [e.label for e in read_table(file, problem_type="multi_label")] == [("x", "y"), ()]
    file = write("a.csv", "text,label\na,x| y\nb,\n")
    assert [e.label for e in read_table(file, problem_type="multi_label")] == [("x", "y"), ()]


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": ["a", "b"], "label": [["x"], ["y", "x"]]}), file)
    examples = read_table(file, problem_type="multi_label")
    assert [(e.text, e.label, e.where) for e in examples] == [
        ("a", ("x",), f"{file}:1"),
        ("b", ("y", "x"), f"{file}:2"),
    ]


def test_parquet_with_a_null(tmp_path, fails):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": ["a", None], "label": ["x", "y"]}), file)
    fails(lambda: read_table(file), f"{file}:2", "'text' is None", "a string")


def test_parquet_that_is_none(write, fails):
    pytest.importorskip("pyarrow")
    file = write("a.parquet", "not parquet at all")
    fails(lambda: read_table(file), f"{file}:1", "not a readable Parquet file", hint="real format")


def test_parquet_without_pyarrow(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError) as caught:
        read_table(write("a.parquet", "PAR1"))
    assert "reading Parquet files needs the package 'pyarrow'" in caught.value.message
    assert caught.value.hint == 'pip install "squeezebert[parquet]"'


def test_only_some_rows(write):
    file = write("a.csv", "text,label,split\na,x,train\nb,y,test\n")
    assert [e.text for e in read_table(file, only={"split": "test"})] == ["b"]


def test_only_rows_that_are_not_there(write, fails):
    file = write("a.csv", "text,label,split\na,x,train\n")
    fails(lambda: read_table(file, only={"split": "dev"}), file, "no rows with {'split': 'dev'}")


def test_without_labels(write):
    assert read_table(write("a.csv", "text\na\n"), label=None)[0].label is None


def test_megabyte_in_one_line(write):
    text = "word " * 250_000
    assert read_table(write("a.csv", f'text,label\n"{text}",x\n'))[0].text == text
    assert read_table(write("a.tsv", f"text\tlabel\n{text}\tx\n"))[0].text == text
    assert read_table(write("a.jsonl", json.dumps({"text": text, "label": "x"})))[0].text == text


# -- what is wrong with real files ---------------------------------------------------------------


def test_wrong_column_lists_those_there(write, fails):
    file = write("a.csv", "texts,topic\na,b\n")
    fails(
        lambda: read_table(file, label="topic"),
        f"{file}:2",
        "no column 'text'",
        "one of 'texts', 'topic'",
        hint="did you mean 'texts'?",
    )


def test_no_label_column(write, fails):
    file = write("a.csv", "text,xyz\na,b\n")
    fails(lambda: read_table(file), f"{file}:2", "no column 'label'", hint="--label")
    fails(lambda: read_table(file), f"{file}:2", "no column 'label'", hint="label=None")


def test_a_line_of_names_is_no_example_where_columns_have_numbers(write, fails):
    file = write("a.csv", "category,headline\nham,See you at noon.\n")
    fails(
        lambda: read_table(file, text="1", label="0"),
        f"{file}:1",
        "the text is 'headline'",
        hint="--text headline",
    )
    (example,) = read_table(file, text="1", label="0", bad=lambda error: None)
    assert example.label == "ham"
    assert len(read_table(file, text="1", label="0", header=False)) == 2


def test_wrong_delimiter(write, fails):
    file = write("a.csv", "text;label\na;b\n")
    fails(lambda: read_table(file), f"{file}:2", hint="pass --delimiter ';'")
    assert read_table(file, delimiter=";")[0].label == "b"


def test_number_of_a_column_that_is_not_there(write, fails):
    file = write("a.csv", "a,b\n")
    fails(lambda: read_table(file, text="5", label="0"), f"{file}:1", "no column '5'", "'0', '1'")


@pytest.mark.parametrize(
    ("row", "found", "hint"),
    [("a", "1 column", "a column is missing"), ("a,b,c", "3 columns", 'in "quotes"')],
)
def test_ragged_row(write, fails, row, found, hint):
    file = write("a.csv", f"text,label\nfine,x\n{row}\n")
    fails(lambda: read_table(file), f"{file}:3", found, "2 as in the first line", hint=hint)


def test_ragged_rows_on_request(write):
    file = write("a.csv", "a,x\nb,y,more\n")
    assert len(read_table(file, text="0", label="1", ragged=True)) == 2


def test_ragged_tsv(write, fails):
    file = write("a.tsv", "text\tlabel\na\tb\tc\n")
    fails(lambda: read_table(file), f"{file}:2", "3 columns", hint="quoted=True")


def test_the_same_column_twice(write, fails):
    file = write("a.csv", "text,label,text\na,b,c\n")
    fails(lambda: read_table(file), f"{file}:1", "column 'text' twice")


def test_unknown_label(write, fails):
    file = write("a.csv", "text,label\na,Sport\nb,Bussines\n")
    fails(
        lambda: read_table(file, labels=["Sport", "Business"]),
        f"{file}:3",
        "unknown label 'Bussines'",
        "one of 'Business', 'Sport'",
        hint="did you mean 'Business'?",
    )


def test_unknown_label_code(write, fails):
    file = write("a.csv", "text,label\na,7\n")
    fails(
        lambda: read_table(file, label_names={"0": "ham", "1": "spam"}),
        f"{file}:2",
        "unknown label '7'",
        "'0', '1'",
    )


@pytest.mark.parametrize("text", ["", "   ", '""', "\u00a0"])
def test_empty_text(write, fails, text):
    file = write("a.csv", f"text,label\na,x\n{text},y\n")
    fails(
        lambda: read_table(file),
        f"{file}:3",
        "the text (column 'text') is empty",
        hint="empty='skip'",
    )
    assert [e.label for e in read_table(file, empty="skip")] == ["x"]
    assert [e.label for e in read_table(file, empty="keep")] == ["x", "y"]


def test_empty_pair(write, fails):
    file = write("a.csv", "text,b,label\na,,y\n")
    fails(lambda: read_table(file, pair="b"), f"{file}:2", "(column 'b') is empty")


def test_empty_label(write, fails):
    file = write("a.csv", "text,label\na,\n")
    fails(lambda: read_table(file), f"{file}:2", "the label is empty")


def test_invalid_utf8(write, fails):
    file = write("a.csv", b"text,label\ncaf\xe9,x\n")
    fails(lambda: read_table(file), f"{file}:2", "byte 0xE9 at byte 4", hint="encoding=")
    assert read_table(file, encoding="latin-1")[0].text == "café"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_nul_bytes(write, fails, name):
    file = write(name, b"text,label\na\0,x\n" if name != "a.jsonl" else b'{"text": "\0"}')
    fails(lambda: read_table(file), file, "a NUL character")


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800"])
def test_escapes_that_are_no_text(write, fails, escape):
    file = write("a.jsonl", f'{{"text": "a{escape}", "label": "x"}}')
    fails(lambda: read_table(file), f"{file}:1", f"holds the escape {escape}")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", ""), ("a.csv", "text,label\n"), ("a.tsv", "\n\n"), ("a.jsonl", "\n")],
)
def test_empty_file(write, fails, name, content):
    file = write(name, content)
    fails(lambda: read_table(file), file, "no rows", "at least one row")


def test_directory_and_missing_file(tmp_path, fails):
    (tmp_path / "d.csv").mkdir()
    fails(lambda: read_table(tmp_path / "d.csv"), tmp_path / "d.csv", "this is a directory")
    fails(lambda: read_table(tmp_path / "n.csv"), tmp_path / "n.csv", "no such file")


def test_truncated_gzip(write, fails):
    file = write("a.csv.gz", gzip.compress(CSV.encode())[:-12])
    fails(lambda: read_table(file), file, "cut short or damaged")


def test_invalid_json(write, fails):
    file = write("a.jsonl", '{"text": "a", "label": "x"}\n{"text": "b"\n')
    fails(lambda: read_table(file), f"{file}:2", "invalid JSON (column 13", "a JSON object")


def test_json_array_instead_of_lines(write, fails):
    file = write("a.jsonl", '[\n{"text": "a"}\n]')
    fails(lambda: read_table(file), f"{file}:1", hint="one object a line")


@pytest.mark.parametrize(
    "line", ["3", '"text"', "null", "[1]", '{"a": ' * 100_000, "1" * 5000, "[" * 100_000]
)
def test_json_that_is_no_object(write, fails, line):
    file = write("a.jsonl", line)
    fails(lambda: read_table(file), f"{file}:1", "a JSON object")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"text": 3, "label": "x"}, "'text' is 3"),
        ({"text": ["a"], "label": "x"}, "'text' is ['a']"),
        ({"text": "a", "label": None}, "the label is None"),
        ({"text": "a", "label": True}, "the label is True"),
        ({"text": "a", "label": {"x": 1}}, "the label is {'x': 1}"),
    ],
)
def test_wrong_json_types(write, fails, row, found):
    file = write("a.jsonl", json.dumps(row))
    fails(lambda: read_table(file), f"{file}:1", found)


def test_list_and_number_labels_name_the_way_out(write, fails):
    file = write("a.jsonl", '{"text": "a", "label": ["x"]}')
    fails(lambda: read_table(file), f"{file}:1", hint="problem_type='multi_label'")
    file = write("a.jsonl", '{"text": "a", "label": 0.5}')
    fails(lambda: read_table(file), f"{file}:1", hint="problem_type='regression'")


def test_multi_label_that_is_no_list(write, fails):
    file = write("a.jsonl", '{"text": "a", "label": 3}')
    fails(lambda: read_table(file, problem_type="multi_label"), f"{file}:1", "the labels are 3")


@pytest.mark.parametrize("value", ["good", "3,5", "", "nan", "inf", "1e999"])
def test_label_that_is_no_number(write, fails, value):
    file = write("a.tsv", f"text\tlabel\na\t1\nb\t{value}\n")
    fails(
        lambda: read_table(file, problem_type="regression"),
        f"{file}:3",
        f"the label is {value!r}",
        "a number",
        hint="a point, not a comma",
    )


def test_open_quote_names_where_the_row_starts(write, fails):
    file = write("a.csv", 'text,label\na,x\n"never closed,y\nmore,z\n')
    fails(lambda: read_table(file), f"{file}:3", "not well quoted", hint="quoted=False")


def test_text_after_a_quote(write, fails):
    file = write("a.csv", 'text,label\n"a" b,x\n')
    fails(lambda: read_table(file), f"{file}:2", "not well quoted")


def test_unknown_suffix(write):
    with pytest.raises(InvalidInputError, match=r"suffix '\.doc'.*\n.*delimiter="):
        read_table(write("a.doc", "text,label\n"))


def test_arguments_that_cannot_be(write):
    file = write("a.csv", CSV)
    with pytest.raises(InvalidInputError, match="a single character"):
        read_table(file, delimiter="::")
    with pytest.raises(InvalidInputError, match="names no column"):
        read_table(file, text=())


@pytest.mark.parametrize("multi", [False, True])
def test_labels_that_differ_by_blanks_are_one_class(write, caplog, multi):
    kind = "multi_label" if multi else "single_label"
    file = write("a.csv", "text,label\na,good\nb, good\nc,good \nd,bad\n")
    labels = [example.label for example in read_table(file, problem_type=kind)]
    assert [(label if multi else (label,)) for label in labels] == [*[("good",)] * 3, ("bad",)]
    if not multi:
        assert f"{file}: 2 labels have blanks around them" in caplog.text
        assert f"{file}:3" in caplog.text


def test_labels_as_the_known_ones_have_them_are_left(write, caplog):
    file = write("a.csv", "text,label\na, x\n")
    assert read_table(file, labels=[" x"])[0].label == " x"
    assert not caplog.text


def test_a_byte_order_mark_in_a_table(write):
    for name, content in (
        ("a.csv", "text,label\na,b\n"),
        ("a.jsonl", '{"text":"a","label":"b"}\n'),
    ):
        assert read_table(write(name, b"\xef\xbb\xbf" + content.encode()))[0].label == "b"


def test_a_giant_key_makes_no_giant_message(write, fails):
    file = write("a.jsonl", '{"%s": "a"}\n' % ("k" * 300_000))
    assert len(fails(lambda: read_table(file), f"{file}:1", "no column 'text'")) < 400


def test_parquet_with_bytes_that_are_no_text(tmp_path, fails):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    texts = pa.StringArray.from_buffers(
        3, pa.py_buffer(b"\x00\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0"), pa.py_buffer(b"a\xffc")
    )
    file = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": texts, "label": ["x", "y", "x"]}), file)
    fails(lambda: read_table(file), f"{file}:2", "not UTF-8")


def test_a_name_twice_in_a_line_of_json(write):
    file = write("a.jsonl", '{"text": "a", "label": "x", "text": "b"}\n')
    with pytest.raises(DataError, match=r"a\.jsonl:1: .*'text' stands twice"):
        read_table(file)


def test_a_column_twice_in_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    table = pa.table([pa.array(["a"]), pa.array(["b"]), pa.array(["x"])], ["text", "text", "label"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="column 'text' twice"):
        read_table(tmp_path / "a.parquet")


def test_columns_are_guessed_where_one_name_suggests_itself(write, caplog):
    file = write("a.csv", "id,Headline,category\n1,Fine.,good\n")
    (example,) = read_table(file)
    assert (example.text, example.label) == ("Fine.", "good")
    assert "the text is read from the column 'Headline'" in caplog.text
    assert "the label is read from the column 'category'" in caplog.text


def test_nothing_is_guessed_between_two(write, fails):
    file = write("a.csv", "title,body,label\nA,B,good\n")
    fails(lambda: read_table(file), str(file), "'title', 'body' all could be", hint="--text")


def test_bad_rows_are_given_away_and_left_out(write):
    file = write("a.csv", "text,label\nFine.,good\nx\n,bad\nBad.,bad\n")
    errors = []
    found = read_table(file, bad=errors.append)
    assert [example.text for example in found] == ["Fine.", "Bad."]
    assert [error.message.partition(": ")[0] for error in errors] == [f"{file}:3", f"{file}:4"]


@pytest.mark.parametrize("columns", [{"text": "kind"}, {"pair": "kind"}])
def test_a_label_is_no_text(columns: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "mail.csv"
    file.write_text("text,kind\nsee you,ham\n")
    with pytest.raises(DataError, match="the column 'kind' is both a text and the label"):
        read_table(file, label="kind", **columns)
    # Without a label it is a text like any other.
    assert read_table(file, label=None, **columns)
