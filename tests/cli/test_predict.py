from __future__ import annotations

import io
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from squeezebert.cli.main import EXIT_ERROR, run


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)


def test_classes_as_json(models: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", str(models["text_classification"]), "good cat", "bad dog"]) == 0
    first, second = rows(capsys)
    assert [first["text"], second["text"]] == ["good cat", "bad dog"]
    assert set(first["scores"]) == {"bad", "good"}
    assert first["score"] == max(first["scores"].values())
    assert first["scores"][first["label"]] == first["score"]


def test_entities_as_json(models: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    text = "ada ran home to london"
    assert run(["predict", str(models["token_classification"]), text]) == 0
    (row,) = rows(capsys)
    assert row["entities"]
    for entity in row["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["text"]
        assert entity["type"] in {"PER", "LOC"}
        assert 0.0 < entity["score"] <= 1.0


def test_masks_as_json(models: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    text = "the [MASK] sat"
    assert run(["predict", str(models["masked_lm"]), text]) == 0
    (row,) = rows(capsys)
    (mask,) = row["masks"]
    assert text[mask["start"] : mask["end"]] == "[MASK]"
    scores = [guess["score"] for guess in mask["candidates"]]
    assert scores == sorted(scores, reverse=True)
    assert all("[MASK]" not in guess["text"] for guess in mask["candidates"])


@pytest.mark.parametrize(
    ("task", "text", "found"),
    [
        ("text_classification", "good cat", "good"),
        ("masked_lm", "the [MASK] sat", "the "),
    ],
)
def test_readable_on_a_terminal(
    models: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    text: str,
    found: str,
) -> None:
    on_a_terminal(monkeypatch)
    assert run(["predict", str(models[task]), text]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert text in lines[0]
    assert len(lines) > 1
    assert all(line.startswith("  ") for line in lines[1:])
    assert any(found in line or "bad" in line for line in lines[1:])


def test_reads_a_file(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("\ufeffgood cat\n\n  \nbad dog\n", encoding="utf-8")
    assert run(["predict", str(models["text_classification"]), "--input", str(file)]) == 0
    answered = rows(capsys)
    assert [row["text"] for row in answered] == ["good cat", "", "  ", "bad dog"]
    assert [row["label"] is None for row in answered] == [False, True, True, False]


def test_offsets_are_of_the_line_as_it_stands(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "texts.txt"
    text = "  ada ran home "
    file.write_text(f"{text}\n", encoding="utf-8")
    assert run(["predict", str(models["token_classification"]), "--input", str(file)]) == 0
    (row,) = rows(capsys)
    assert row["text"] == text
    for entity in row["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["text"]
    assert run(["predict", str(models["token_classification"]), text]) == 0
    assert rows(capsys) == [row]


def test_what_was_not_read_is_told(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["predict", str(models["text_classification"]), "the cat " * 40, "the cat"]
    assert run(words) == 0
    assert [row["truncated_tokens"] for row in rows(capsys)] == [50, 0]
    on_a_terminal(monkeypatch)
    assert run(words) == 0
    assert capsys.readouterr().out.count("not read: the last 50 tokens") == 1


def test_reads_stdin(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = io.TextIOWrapper(io.BytesIO(b"good cat\nbad dog\n"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", piped)
    assert run(["predict", str(models["text_classification"])]) == 0
    assert [row["text"] for row in rows(capsys)] == ["good cat", "bad dog"]


def test_reads_a_pipe_by_its_path(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("good cat\nbad dog\n"))
    writer.start()
    assert run(["predict", str(models["text_classification"]), "--file", str(pipe)]) == 0
    writer.join()
    assert [row["text"] for row in rows(capsys)] == ["good cat", "bad dog"]


def test_pairs_from_the_command_line_and_from_a_file(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(models["text_classification"])
    texts = ["good cat", "the cat sat", "bad dog", ""]
    assert run(["predict", model, "--pairs", *texts]) == 0
    typed = rows(capsys)
    assert [(row["text"], row["pair"]) for row in typed] == [tuple(texts[:2]), tuple(texts[2:])]
    file = tmp_path / "pairs.tsv"
    file.write_text("text\tpair\ngood cat\tthe cat sat\nbad dog\t\n", encoding="utf-8")
    assert run(["predict", model, "--pair", "pair", "--input", str(file)]) == 0
    assert rows(capsys) == typed
    assert run(["predict", model, "good cat"]) == 0
    assert rows(capsys)[0]["score"] != typed[0]["score"]


def test_a_pair_is_shown_whole_on_a_terminal(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_terminal(monkeypatch)
    assert run(["predict", str(models["text_classification"]), "--pairs", "good", "cat"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "good ‖ cat"


def test_pairs_are_typed_and_columns_are_named(
    models: dict[str, Path], data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(data["text_classification"])
    words = ["predict", str(models["text_classification"]), "--pairs", "--input", file]
    assert run(words) == EXIT_ERROR
    assert "name the second column with --pair" in capsys.readouterr().err


def test_workers_without_ray_are_refused(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", str(models["text_classification"]), "a cat", "--workers", "2"]) != 0
    assert "--workers is for --ray" in capsys.readouterr().err


def test_half_a_pair_and_pairs_for_another_task_are_refused(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", str(models["text_classification"]), "--pairs", "good"]) == EXIT_ERROR
    assert "an even number of texts, not 1" in capsys.readouterr().err
    assert run(["predict", str(models["masked_lm"]), "--pairs", "[MASK]", "a"]) == EXIT_ERROR
    assert "for text classification only" in capsys.readouterr().err


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_precision_can_be_chosen(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str], precision: str
) -> None:
    model = str(models["text_classification"])
    assert run(["predict", model, "good", "--precision", precision]) == 0
    assert rows(capsys)[0]["text"] == "good"
    assert run(["predict", model, "good", "--precision", "int3"]) == EXIT_ERROR
    assert "no precision is called 'int3'" in capsys.readouterr().err


def test_names_the_line_that_is_not_utf8(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "texts.txt"
    file.write_bytes(b"good cat\nb\xe4d dog\n")
    assert run(["predict", str(models["text_classification"]), "--input", str(file)]) == EXIT_ERROR
    assert f"{file}:2: invalid UTF-8" in capsys.readouterr().err


def test_texts_and_a_file_are_too_much(
    models: dict[str, Path], data: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(data["text_classification"])
    model = str(models["text_classification"])
    assert run(["predict", model, "good", "--input", file]) == EXIT_ERROR
    assert "not both" in capsys.readouterr().err


def test_an_unknown_model_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "./no-such-model", "good"]) == EXIT_ERROR
    assert "no-such-model" in capsys.readouterr().err


def test_an_unknown_backend_is_named(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(models["text_classification"])
    assert run(["predict", model, "good", "--backend", "abacus"]) == EXIT_ERROR
    assert "abacus" in capsys.readouterr().err


def test_without_torch_the_command_that_installs_it_is_named(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    words = ["predict", str(models["text_classification"]), "good", "--backend", "torch"]
    assert run(words) == EXIT_ERROR
    assert 'pip install "squeezebert[torch]"' in capsys.readouterr().err


@pytest.mark.parametrize("texts", [600, 3])
def test_good_texts_before_a_bad_one_are_answered(
    texts: int, models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gaps.txt"
    lines = ["the [MASK] sat"] * texts
    file.write_text("\n\n" + "\n".join([*lines, "no gap", *lines]), encoding="utf-8")
    assert run(["predict", str(models["masked_lm"]), "--input", str(file)]) == EXIT_ERROR
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == texts + 2
    assert shown.err.startswith(f"error: {file}:{texts + 3} holds no [MASK]")


@pytest.mark.parametrize("bad", [b"b\xe4d\tdog", b"half a pair"])
def test_good_lines_before_one_that_cannot_be_read_are_answered(
    bad: bytes, models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_bytes(b"text\tpair\n" + b"good\tcat\n" * 5 + bad + b"\nbad\tdog\n")
    words = ["predict", str(models["text_classification"]), "--pair", "pair", "--input", str(file)]
    assert run(words) == EXIT_ERROR
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 5
    assert f"{file}:7: " in shown.err
    assert run([*words, "--bad-rows", "skip"]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 6
    assert "1 row left out" in shown.err


def test_a_bad_text_from_stdin_is_named(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = io.TextIOWrapper(io.BytesIO(b"the [MASK]\n\nnone\n"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", piped)
    assert run(["predict", str(models["masked_lm"])]) == EXIT_ERROR
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 2
    assert "stdin:3 holds no [MASK]" in shown.err


def test_offsets_count_in_the_line_as_it_is(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "  \tthe [MASK] sat [MASK] . "
    file = tmp_path / "texts.txt"
    file.write_bytes(text.encode() + b"\r\n")
    assert run(["predict", str(models["masked_lm"]), "--input", str(file)]) == 0
    (row,) = rows(capsys)
    assert row["text"] == text
    assert [(mask["start"], mask["end"]) for mask in row["masks"]] == [(7, 13), (18, 24)]
    assert all(text[mask["start"] : mask["end"]] == "[MASK]" for mask in row["masks"])


def test_line_ends_of_old_macs_are_named(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "texts.txt"
    file.write_bytes(b"one [MASK]\r\ntwo [MASK]\rthree [MASK]\r")
    for option in ("--input", "--file"):
        assert run(["predict", str(models["masked_lm"]), option, str(file)]) == EXIT_ERROR
        shown = capsys.readouterr()
        assert len(shown.out.splitlines()) == 1
        assert "texts.txt:2: a lone carriage return (character 11 of the line)" in shown.err


def test_texts_do_not_steer_a_terminal(
    models: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\x1b[2Jthe [MASK]\u202e"
    model = str(models["masked_lm"])
    assert run(["predict", model, text]) == 0
    assert rows(capsys)[0]["text"] == text
    on_a_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(["predict", model, text]) == 0
    assert r"\x1b[2Jthe [MASK]\u202e" in (out := capsys.readouterr().out)
    assert not {"\x1b", "\u202e"} & set(out)


def test_a_table_becomes_a_table(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, output = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text("id,headline\n1,good cat\n2,\n3,bad dog,\n4,mat\n")
    words = ["predict", str(models["text_classification"]), "--input", str(file)]
    words += ["--output", str(output), "--scores"]
    assert run(words) == EXIT_ERROR
    told = capsys.readouterr().err
    assert "--text headline: the one column that looks like the text" in told
    assert "the same command goes on there" in told
    assert f"error: {file}:4: 3 columns, expected 2" in told
    assert not output.exists()
    assert run([*words, "--bad-rows", "report"]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{output}\n"
    for line in ("3 rows in", "2 of them by an earlier run", "1 without a text", "see out.bad.js"):
        assert line in shown.err
    head, *lines = output.read_text().splitlines()
    assert head == "id,headline,label,score,scores,truncated_tokens"
    assert [line.partition(",")[0] for line in lines] == ["1", "2", "4"]


def test_top_k_and_threshold(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", str(models["text_classification"]), "cat", "--top-k", "1"]) == 0
    (row,) = rows(capsys)
    assert list(row["scores"]) == [row["label"]]
    model = str(models["token_classification"])
    assert run(["predict", model, "ada ran home", "--threshold", "1"]) == 0
    assert rows(capsys)[0]["entities"] == []
    assert run(["predict", model, "ada", "--top-k", "2"]) == EXIT_ERROR
    assert "token_classification has no top_k" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (["--bad-rows", "report"], "beside the --output, which is missing"),
        (["--output", "out.xlsx"], "expected a name that ends in"),
        (["--output", "out.csv.gz"], "compress it afterwards"),
    ],
)
def test_choices_that_do_not_go_together(
    more: list[str],
    found: str,
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["predict", str(models["text_classification"]), "--prefix", "p_"]
    assert run([*words, "--input", str(data["text_classification"]), *more]) == EXIT_ERROR
    assert found in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
