from __future__ import annotations

import gzip
import lzma

import pytest

from squeezebert.data.lines import format_suffix, read_bytes, read_lines
from squeezebert.errors import DataError, InvalidInputError


def test_lines_end_at_lf_and_crlf_only(write):
    file = write("a.txt", "one\r\ntwo\u2028still two\x85\n\nfour")
    assert list(read_lines(file)) == [
        (1, "one"),
        (2, "two\u2028still two\x85"),
        (3, ""),
        (4, "four"),
    ]


@pytest.mark.parametrize("text", ["one\n\ntwo\rthree\n", "Ada\tB-PER\rwent\tO\r"])
def test_a_lone_carriage_return_is_refused(write, fails, text):
    file = write("a.txt", text)
    line = text[: text.index("\r")].count("\n") + 1
    fails(lambda: list(read_lines(file)), f"{file}:{line}", "carriage return", hint="tr ")


def test_byte_order_mark_is_dropped(write):
    file = write("a.txt", b"\xef\xbb\xbfname\nnext")
    assert list(read_lines(file)) == [(1, "name"), (2, "next")]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_compressed_files_read_as_plain_ones(write, suffix, pack):
    file = write(f"a.txt{suffix}", pack("grün\nrot\n".encode()))
    assert list(read_lines(file)) == [(1, "grün"), (2, "rot")]
    assert read_bytes(file) == "grün\nrot\n".encode()


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-32", "utf-16-le"])
def test_other_encodings(write, encoding):
    file = write("a.txt", "grün\r\nrot".encode(encoding))
    assert list(read_lines(file, encoding=encoding)) == [(1, "grün"), (2, "rot")]


def test_invalid_utf8_names_line_and_byte(write, fails):
    file = write("a.txt", b"fine\ncaf\xe9 noir\n")
    fails(
        lambda: list(read_lines(file)),
        f"{file}:2",
        "invalid UTF-8 (byte 0xE9 at byte 4 of the line)",
        hint="encoding=",
    )


def test_utf16_without_encoding_says_so(write, fails):
    file = write("a.txt", "text".encode("utf-16"))
    fails(lambda: list(read_lines(file)), f"{file}:1", hint="encoding='utf-16'")


def test_broken_utf16_names_the_line(write, fails):
    file = write("a.txt", "a\nb\n".encode("utf-16") + b"\x41")
    fails(lambda: list(read_lines(file, encoding="utf-16")), f"{file}:3", "invalid UTF-16")


def test_nul_character(write, fails):
    file = write("a.txt", b"fine\nab\0c\n")
    fails(
        lambda: list(read_lines(file)),
        f"{file}:2",
        "a NUL character (character 3 of the line)",
        hint="damaged, binary, or UTF-16",
    )


def test_missing_file(tmp_path, fails):
    file = tmp_path / "none.txt"
    fails(lambda: list(read_lines(file)), file, "no such file", hint="check the file's name")
    file = tmp_path / "nowhere" / "none.txt"
    fails(lambda: list(read_lines(file)), file, hint="does not exist either")


def test_directory(tmp_path, fails):
    fails(lambda: list(read_lines(tmp_path)), tmp_path, "this is a directory")


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_truncated_archive_names_the_line(write, fails, suffix, pack):
    lines = b"".join(b"%d\n" % (n * 7919 % 10007) for n in range(50_000))
    packed = pack(lines)
    file = write(f"a.txt{suffix}", packed[: len(packed) // 2])
    seen: list[int] = []

    def read():
        for number, _ in read_lines(file):
            seen.append(number)

    message = fails(read, file, "cut short or damaged", hint="download the file again")
    assert seen
    assert f"{file}:{seen[-1] + 1}:" in message


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_plain_text_called_compressed(write, fails, suffix):
    file = write(f"a.txt{suffix}", "just text\n")
    fails(lambda: list(read_lines(file)), f"{file}:1", "cut short or damaged")


def test_unknown_encoding(write):
    file = write("a.txt", "x")
    with pytest.raises(InvalidInputError, match="unknown encoding 'utf-9'"):
        list(read_lines(file, encoding="utf-9"))


def test_an_encoding_that_is_not_of_text(write):
    file = write("a.txt", "x")
    with pytest.raises(InvalidInputError, match="unknown encoding 'base64'"):
        list(read_lines(file, encoding="base64"))


def test_long_line(write):
    line = "word " * 400_000
    assert list(read_lines(write("a.txt", line + "\nend"))) == [(1, line), (2, "end")]


def test_empty_file_has_no_lines(write):
    assert list(read_lines(write("a.txt", ""))) == []


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.csv", ".csv"), ("a.CSV.GZ", ".csv"), ("a.b.jsonl.xz", ".jsonl"), ("a", ""), ("a.gz", "")],
)
def test_format_suffix(name, suffix):
    assert format_suffix(name) == suffix


@pytest.mark.parametrize("encoding", ["undefined", "a\0b"])
def test_encodings_that_cannot_be(write, encoding):
    with pytest.raises(InvalidInputError, match="unknown encoding"):
        list(read_lines(write("a.txt", "x"), encoding=encoding))


def test_a_codec_that_names_no_place(write):
    file = write("a.txt", b"a,b-\xff\n")
    with pytest.raises(DataError, match=r"a\.txt:1: invalid PUNYCODE"):
        list(read_lines(file, encoding="punycode"))


def test_utf32_is_not_called_utf16(write):
    file = write("a.txt", "ab".encode("utf-32"))
    with pytest.raises(DataError, match="begins like UTF-32"):
        list(read_lines(file))


def test_a_name_that_no_disk_can_hold(tmp_path):
    with pytest.raises(DataError, match="cannot be read") as found:
        list(read_lines(tmp_path / ("x" * 5000)))
    assert len(str(found.value)) < 400
