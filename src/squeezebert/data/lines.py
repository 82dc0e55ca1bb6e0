"""Lines out of files: plain or compressed, decoded, counted, and checked.

Only LF and CR LF end a line, so that rarer separators inside a text (U+2028, U+0085) stay text.
"""

from __future__ import annotations

import codecs
import gzip
import lzma
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from squeezebert.data.messages import broken, passing
from squeezebert.errors import DataError, InvalidInputError

COMPRESSIONS = (".gz", ".xz")

_WIDE = ("utf-16", "utf-32")
"""Encodings in which a line feed is more than one byte, so lines cannot be cut before decoding."""

_CODECS = "for example utf-8, latin-1, cp1252 or utf-16"


def format_suffix(path: str | os.PathLike[str]) -> str:
    """The suffix that tells the format, in lower case, with a compression's own suffix left out.

    >>> format_suffix("a/B.CSV.gz"), format_suffix("notes")
    ('.csv', '')
    """
    name = Path(path)
    if name.suffix.lower() in COMPRESSIONS:
        name = name.with_suffix("")
    return name.suffix.lower()


def check_file(path: str | os.PathLike[str]) -> Path:
    """``path``, once it is known to be a file.

    Raises:
        DataError: nothing there, a directory, or a name that no disk can hold.
    """
    file = Path(path)
    try:
        is_directory, is_there = file.is_dir(), file.exists()
    except OSError as error:
        raise DataError(f"{str(file)[:200]}: cannot be read ({error.strerror or error})") from error
    if is_directory:
        raise broken(str(file), "this is a directory", "a file", "name one of the files in it")
    if not is_there:
        beside = file.parent
        hint = (
            f"{beside} is there; check the file's name"
            if beside.is_dir()
            else f"the directory {beside} does not exist either"
        )
        raise broken(str(file), "no such file", "a file to read", hint)
    return file


def read_lines(
    path: str | os.PathLike[str], *, encoding: str = "utf-8"
) -> Iterator[tuple[int, str]]:
    """The lines of a text file with their numbers, from 1, without their line ends.

    ``.gz`` and ``.xz`` files are unpacked on the way. A byte-order mark is dropped.

    Raises:
        DataError: a missing, unreadable or damaged file, bytes that are not of the encoding, a
            NUL character, or a CR within a line; the message names the line.
        InvalidInputError: an encoding that Python does not know.
    """
    try:
        codec = codecs.lookup(encoding).name
        "a".encode(codec)  # refuses codecs that are not of text, such as base64
    except (LookupError, ValueError):
        raise InvalidInputError(f"unknown encoding {encoding!r}", hint=_CODECS) from None
    file = check_file(path)
    decoded = _wide_lines(file, codec) if codec.startswith(_WIDE) else _lines(file, codec)
    for number, line in decoded:
        line = line.removesuffix("\n").removesuffix("\r")
        if "\0" in line:
            raise broken(
                f"{file}:{number}",
                f"a NUL character (character {line.index(chr(0)) + 1} of the line)",
                "text",
                "the file is damaged, binary, or UTF-16; for the last "
                f"{passing('encoding', 'utf-16')}",
            )
        if "\r" in line:
            raise broken(
                f"{file}:{number}",
                f"a lone carriage return (character {line.index(chr(13)) + 1} of the line)",
                "lines that end in LF or CR LF",
                "the file has the line ends of old Macs, or is damaged; for the first convert it, "
                "for example with tr '\\r' '\\n'",
            )
        yield number, line


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The whole file, unpacked.

    Raises:
        DataError: a missing, unreadable or damaged file.
    """
    return b"".join(_raw_lines(check_file(path)))


def _open(file: Path) -> IO[bytes]:
    suffix = file.suffix.lower()
    if suffix == ".gz":
        return gzip.open(file, "rb")  # type: ignore[return-value]  # an IO[bytes] in all but name
    if suffix == ".xz":
        return lzma.open(file, "rb")
    return file.open("rb")


def _raw_lines(file: Path) -> Iterator[bytes]:
    number = 0
    try:
        with _open(file) as stream:
            for number, raw in enumerate(stream, start=1):  # noqa: B007  used when reading fails
                yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise broken(
            f"{file}:{number + 1}",
            f"the compressed file is cut short or damaged ({error})",
            f"a whole {file.suffix} file",
            "copy or download the file again",
        ) from error
    except OSError as error:
        raise DataError(
            f"{file}:{number + 1}: cannot be read ({error.strerror or error})",
            hint="check the file's permissions and the disk",
        ) from error


def _lines(file: Path, codec: str) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(_raw_lines(file), start=1):
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8) if codec.startswith("utf-8") else raw
        try:
            yield number, raw.decode(codec)
        except UnicodeDecodeError as error:
            hint = f"if the file is of another encoding, {passing('encoding', 'cp1252')}"
            wide = _wide_mark(raw) if number == 1 else None
            if wide is not None:
                hint = f"the file begins like {wide.upper()}: {passing('encoding', wide)}"
            raise broken(
                f"{file}:{number}",
                f"invalid {codec.upper()} (byte 0x{raw[error.start]:02X} "
                f"at byte {error.start + 1} of the line)",
                f"{codec.upper()} text",
                hint,
            ) from error
        except UnicodeError as error:  # of a codec such as punycode, which names no place
            raise broken(
                f"{file}:{number}", f"invalid {codec.upper()}", f"{codec.upper()} text", _CODECS
            ) from error


def _wide_mark(raw: bytes) -> str | None:
    """The encoding of two or four bytes a letter whose byte-order mark stands there."""
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):  # begins as UTF-16's
        return "utf-32"
    return "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def _wide_lines(file: Path, codec: str) -> Iterator[tuple[int, str]]:
    data = read_bytes(file)
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(codec, errors="replace").count("\n") + 1
        raise broken(
            f"{file}:{line}",
            f"invalid {codec.upper()} (at byte {error.start + 1} of the file)",
            f"{codec.upper()} text",
            "leave the encoding out if the file is UTF-8",
        ) from error
    lines = text.removeprefix("\ufeff").split("\n")
    yield from enumerate(lines[:-1] if lines[-1] == "" else lines, start=1)
