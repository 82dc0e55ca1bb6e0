from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from squeezebert.cli.main import EXIT_ERROR, run
from squeezebert.tokenizer import Tokenizer

TEXT = "Der Hund schläft. Die Hunde schlafen im Haus, und das Haus schläft.\n" * 5


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.parametrize(("flag", "first"), [("--cased", "Hund"), ("--lowercase", "hund")])
def test_writes_a_tokenizer(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, first: str
) -> None:
    out = tmp_path / "vocabulary"
    assert run(["vocabulary", str(text), "--size", "120", flag, "--output", str(out)]) == 0
    tokenizer = Tokenizer.load(out)
    assert tokenizer.lowercase is (flag == "--lowercase")
    assert tokenizer.vocab_size <= 120
    assert tokenizer.token_id(first) is not None
    assert f"{tokenizer.vocab_size} tokens" in capsys.readouterr().out


def test_several_files_are_joined(text: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("zebra zebra zebra\n", encoding="utf-8")
    out = tmp_path / "vocabulary"
    assert run(["vocabulary", str(text), str(other), "--size", "200", "-o", str(out)]) == 0
    assert Tokenizer.load(out).token_id("zebra") is not None


def test_names_file_and_line_that_are_not_utf8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "latin1.txt"
    path.write_bytes("gut\nschläft\n".encode("latin-1"))
    assert run(["vocabulary", str(path), "--output", str(tmp_path / "v")]) == EXIT_ERROR
    complaint = capsys.readouterr().err
    assert f"{path}:2" in complaint
    assert "hint:" in complaint


def test_a_size_without_room_is_an_error(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["vocabulary", str(text), "--size", "3", "-o", str(tmp_path / "v")]) == EXIT_ERROR
    assert "vocab_size is 3" in capsys.readouterr().err


def test_the_same_texts_give_the_same_files(tmp_path: Path) -> None:
    words = [f"{a}{b}{c}" for a in "abcdefg" for b in "hijklmn" for c in "opqrstu"]
    path = tmp_path / "text.txt"
    path.write_text("\n".join(f"{word} {word}" for word in words), encoding="utf-8")
    code = "import sys; from squeezebert.cli.main import run; sys.exit(run(sys.argv[1:]))"
    contents: set[bytes] = set()
    for number in range(3):  # each process has another order of hash tables
        out = tmp_path / str(number)
        arguments = ["vocabulary", str(path), "--size", "90", "-o", str(out)]
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
        contents.add(b"".join(file.read_bytes() for file in sorted(out.iterdir())))
    assert len(contents) == 1


def test_a_directory_that_holds_something_is_refused(text: Path, tmp_path: Path) -> None:
    assert run(["vocabulary", str(text), "--size", "90", "-o", str(tmp_path)]) == EXIT_ERROR
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]
