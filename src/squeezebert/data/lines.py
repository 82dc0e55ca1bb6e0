"""Lines out of files: plain or compressed, decoded, counted, and checked.

Only LF and CR LF end a line, so that rarer separators inside a text (U+2028, U+0085) stay text.
"""

from __future__ import annotations

import codecs
import gzip
import lzma
import os
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from squeezebert.data.messages import OnBad, broken, passing, refuse
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
    text_codec(encoding)  # before the file: an unknown one is the caller's mistake
    file = check_file(path)
    with _open(file) as stream:
        yield from lines_of(stream, str(file), encoding=encoding)


def lines_of(
    stream: IO[bytes], name: str, *, encoding: str = "utf-8", bad: OnBad = refuse
) -> Iterator[tuple[int, str]]:
    """The lines of a stream, as :func:`read_lines` gives those of a file; none is held for longer
    than it takes.

    Args:
        stream: Plain text, or what unpacks it on the way.
        name: What messages call it; its ending tells of compression.
        encoding: One in which a line feed is one byte, or UTF-16 or UTF-32 for a stream that fits
            into memory.
        bad: Gets the errors that concern one line, which is then left out.

    Raises:
        DataError: as for :func:`read_lines`, where ``bad`` raises what it gets.
        InvalidInputError: an unknown encoding.
    """
    codec = text_codec(encoding)
    if codec.startswith(_WIDE):
        yield from _checked(_wide(b"".join(_raw_lines(stream, name)), name, codec), name, bad)
    else:
        yield from _checked(_lines(stream, name, codec, bad), name, bad)


def text_codec(encoding: str) -> str:
    """Python's name of an encoding of text.

    Raises:
        InvalidInputError: there is none of that name.
    """
    try:
        codec = codecs.lookup(encoding).name
        "a".encode(codec)  # refuses codecs that are not of text, such as base64
    except (LookupError, ValueError):
        raise InvalidInputError(f"unknown encoding {encoding!r}", hint=_CODECS) from None
    return codec


def _checked(
    decoded: Iterator[tuple[int, str]], name: str, bad: OnBad
) -> Iterator[tuple[int, str]]:
    for number, line in decoded:
        line = line.removesuffix("\n").removesuffix("\r")
        if "\0" in line:
            bad(
                broken(
                    f"{name}:{number}",
                    f"a NUL character (character {line.index(chr(0)) + 1} of the line)",
                    "text",
                    "the file is damaged, binary, or UTF-16; for the last "
                    f"{passing('encoding', 'utf-16')}",
                )
            )
        elif "\r" in line:
            bad(
                broken(
                    f"{name}:{number}",
                    f"a lone carriage return (character {line.index(chr(13)) + 1} of the line)",
                    "lines that end in LF or CR LF",
                    "the file has the line ends of old Macs, or is damaged; for the first convert "
                    "it, for example with tr '\\r' '\\n'",
                )
            )
        else:
            yield number, line


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The whole file, unpacked.

    Raises:
        DataError: a missing, unreadable or damaged file.
    """
    file = check_file(path)
    with _open(file) as stream:
        return b"".join(_raw_lines(stream, str(file)))


def unpacked(stream: IO[bytes], name: str) -> IO[bytes]:
    """What unpacks a stream, by the ending of its name; the stream itself where that is of no
    compression.
    """
    suffix = Path(name).suffix.lower()
    if suffix == ".gz":
        return gzip.open(stream, "rb")  # type: ignore[return-value]  # an IO[bytes] in all but name
    if suffix == ".xz":
        return lzma.open(stream, "rb")
    return stream


@contextmanager
def _open(file: Path) -> Generator[IO[bytes]]:
    try:
        stream = file.open("rb")
    except OSError as error:
        raise _unreadable(str(file), error) from error
    with stream, unpacked(stream, str(file)) as opened:
        yield opened


def _unreadable(name: str, error: OSError, line: int = 1) -> DataError:
    return DataError(
        f"{name}:{line}: cannot be read ({error.strerror or error})",
        hint="check the file's permissions and the disk",
    )


def _raw_lines(stream: IO[bytes], name: str) -> Iterator[bytes]:
    number = 0
    try:
        for number, raw in enumerate(stream, start=1):  # noqa: B007  used when reading fails
            yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise broken(
            f"{name}:{number + 1}",
            f"the compressed file is cut short or damaged ({error})",
            f"a whole {Path(name).suffix} file",
            "copy or download the file again",
        ) from error
    except OSError as error:
        raise _unreadable(name, error, number + 1) from error


def _lines(stream: IO[bytes], name: str, codec: str, bad: OnBad) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(_raw_lines(stream, name), start=1):
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8) if codec.startswith("utf-8") else raw
        try:
            line = raw.decode(codec)
        except UnicodeDecodeError as error:
            hint = f"if the file is of another encoding, {passing('encoding', 'cp1252')}"
            wide = _wide_mark(raw) if number == 1 else None
            if wide is not None:
                hint = f"the file begins like {wide.upper()}: {passing('encoding', wide)}"
            bad(
                broken(
                    f"{name}:{number}",
                    f"invalid {codec.upper()} (byte 0x{raw[error.start]:02X} "
                    f"at byte {error.start + 1} of the line)",
                    f"{codec.upper()} text",
                    hint,
                )
            )
        except UnicodeError:  # of a codec such as punycode, which names no place
            bad(
                broken(
                    f"{name}:{number}", f"invalid {codec.upper()}", f"{codec.upper()} text", _CODECS
                )
            )
        else:
            yield number, line


def _wide_mark(raw: bytes) -> str | None:
    """The encoding of two or four bytes a letter whose byte-order mark stands there."""
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):  # begins as UTF-16's
        return "utf-32"
    return "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def _wide(data: bytes, name: str, codec: str) -> Iterator[tuple[int, str]]:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(codec, errors="replace").count("\n") + 1
        raise broken(
            f"{name}:{line}",
            f"invalid {codec.upper()} (at byte {error.start + 1} of the file)",
            f"{codec.upper()} text",
            "leave the encoding out if the file is UTF-8",
        ) from error
    lines = text.removeprefix("\ufeff").split("\n")
    yield from enumerate(lines[:-1] if lines[-1] == "" else lines, start=1)
