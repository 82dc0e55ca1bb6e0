from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from squeezebert.errors import DataError, InvalidInputError
from squeezebert.predicting.inputs import Inputs
from squeezebert.predicting.values import as_json, joined


def texts(inputs: Inputs) -> list[object]:
    return [(item.row or {}).get(inputs.text) for item in inputs.items()]


def test_the_first_line_of_a_table_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("id,headline\n1,good cat\n")
    inputs = Inputs(str(file))
    assert inputs.guessed
    assert texts(inputs) == ["good cat"]
    assert inputs.read == 1.0


def test_a_table_does_not_come_out_of_a_pipe_by_name(tmp_path: Path) -> None:
    pipe = tmp_path / "in.csv"
    os.mkfifo(pipe)
    with pytest.raises(InvalidInputError, match="is a pipe") as caught:
        Inputs(str(pipe))
    assert "--input - --format csv" in str(caught.value)


def test_numbers_ask_for_columns_without_names(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("1,good cat\n2,bad dog\n")
    assert texts(Inputs(str(file), text="1")) == ["good cat", "bad dog"]


def test_the_only_column_is_the_text_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "in.tsv"
    file.write_text("Wort\ngut\n\n")
    assert texts(Inputs(str(file))) == ["gut", ""]


def test_one_column_that_looks_like_several_is_not_guessed(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("titel;rubrik\nMüller gewinnt;Sport\n")
    with pytest.raises(DataError, match="the only column is 'titel;rubrik'") as caught:
        Inputs(str(file))
    assert "pass --delimiter ';'" in str(caught.value.hint)
    assert texts(Inputs(str(file), text="titel;rubrik")) == ["Müller gewinnt;Sport"]


def test_a_line_of_names_is_no_text_where_columns_have_numbers(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("id,headline\n1,good cat\n")
    first, second = Inputs(str(file), text="1").items()
    assert first.error is not None
    assert first.where == f"{file}:1"
    assert "--text headline" in str(first.error.hint)
    assert second.row == {"0": "1", "1": "good cat"}


@pytest.mark.parametrize("name", ["in.txt", "-"])
def test_a_table_is_not_read_as_lines_of_text(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = b"id;headline\n1;good cat\n"
    (tmp_path / "in.txt").write_bytes(table)

    def given() -> str:
        piped = io.TextIOWrapper(io.BytesIO(table), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", piped)
        return "-" if name == "-" else str(tmp_path / name)

    with pytest.raises(DataError, match="the first line is 'id;headline'") as caught:
        Inputs(given())
    assert "--format csv" in str(caught.value.hint)
    assert texts(Inputs(given(), delimiter=";")) == ["good cat"]
    assert texts(Inputs(given(), format="text")) == ["id;headline", "1;good cat"]


def test_a_first_line_that_may_name_a_column_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "in.txt"
    file.write_text("Headline\ngood cat\n")
    assert texts(Inputs(str(file))) == ["Headline", "good cat"]
    assert "the first line, 'Headline', is read as a text; --format csv" in caplog.text


def test_packed_lines_and_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "in.txt.gz"
    file.write_bytes(gzip.compress("grün\n\nrot".encode("latin-1")))
    assert texts(Inputs(str(file), encoding="latin-1")) == ["grün", "", "rot"]


def test_several_columns_could_be_meant(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("title,body\na,b\n")
    with pytest.raises(DataError, match="'title', 'body' all could be the column") as caught:
        Inputs(str(file))
    assert "--text COLUMN" in str(caught.value.hint)
    with pytest.raises(DataError, match="no column 'titel'") as caught:
        Inputs(str(file), text="titel")
    assert caught.value.hint == "did you mean 'title'? --text names the column (in Python text=…)"


def test_files_that_are_read_together_have_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,a\n")
    (tmp_path / "b.csv").write_text("text,id\nb,2\n")
    with pytest.raises(DataError, match=r"b\.csv has the columns 'text', 'id', but"):
        Inputs(str(tmp_path))
    (tmp_path / "b.csv").rename(tmp_path / "b.jsonl")
    with pytest.raises(DataError, match="several formats: csv, jsonl"):
        Inputs(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "options", "found"),
    [
        ("in.docx", {}, "cannot tell the format"),
        ("in.jsonl", {"delimiter": ";"}, "for CSV and TSV, not for jsonl"),
        ("-", {"format": "parquet"}, "cannot be read from standard input"),
    ],
)
def test_options_that_cannot_be(
    name: str, options: dict[str, Any], found: str, tmp_path: Path
) -> None:
    (tmp_path / "in.docx").write_text("a")
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n')
    given = name if name == "-" else str(tmp_path / name)
    with pytest.raises(InvalidInputError, match=found):
        Inputs(given, **options)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        Inputs(str(tmp_path / "in.csv"))
    with pytest.raises(DataError, match="holds no file that ends in"):
        Inputs(str(tmp_path))
    with pytest.raises(DataError, match="no file matches"):
        Inputs(str(tmp_path / "*.csv"))


def test_a_table_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    piped = io.TextIOWrapper(io.BytesIO(b"id;headline\n1;a\n\n2;b\n"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", piped)
    inputs = Inputs("-", delimiter=";")
    assert inputs.columns == ("id", "headline")
    assert [item.row for item in inputs.items()] == [
        {"id": "1", "headline": "a"},
        {"id": "", "headline": ""},
        {"id": "2", "headline": "b"},
    ]


def test_json_lines_on_standard_input_become_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    piped = io.TextIOWrapper(io.BytesIO(b'{"text": "a"}\n'), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", piped)
    inputs = Inputs("-", format="jsonl")
    with pytest.raises(InvalidInputError, match="can only become JSON Lines"):
        inputs.survey()
    assert texts(inputs) == ["a"]


def test_errors_come_in_their_place(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes(b"id,text\n1,a\n2,\xe4\n3\n4,d\n")
    items = list(Inputs(str(file)).items())
    assert [item.error is None for item in items] == [True, False, False, True]
    assert [item.where for item in items] == [f"{file}:{line}" for line in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, 2], "integer"),
        ([1, 2.5], "number"),
        (["a"], "string"),
        ([True, False], "boolean"),
        ([True, 1], "json"),
        (["a", 1], "json"),
        ([[1]], "json"),
        ([2**63], "json"),
        ([None], None),
    ],
)
def test_kinds_of_columns(values: list[object], kind: str | None) -> None:
    found = None
    for value in values:
        found = joined(found, value)
    assert found == kind


def test_json_that_is_json() -> None:
    assert as_json({"a": float("nan"), "b": [float("inf"), 1.5]}) == '{"a": null, "b": [null, 1.5]}'
    assert as_json("\ud800") == '"\\ud800"'
    assert as_json("ü") == '"ü"'
