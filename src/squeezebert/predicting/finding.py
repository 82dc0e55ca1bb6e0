"""Which files are meant, and in which format they are."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from squeezebert.data.delimited import DELIMITERS, JSON_LINES, PARQUET
from squeezebert.data.lines import check_file, format_suffix
from squeezebert.errors import DataError, InvalidInputError

Format = Literal["csv", "tsv", "jsonl", "parquet", "text"]
FORMATS: tuple[Format, ...] = ("csv", "tsv", "jsonl", "parquet", "text")

PARTIAL = ".partial"
"""Ends the name of the directory of a job that is not done; see
:mod:`squeezebert.predicting.partial`."""

SUFFIXES: dict[str, Format] = {
    **dict.fromkeys((suffix for suffix, mark in DELIMITERS.items() if mark == ","), "csv"),
    **dict.fromkeys((suffix for suffix, mark in DELIMITERS.items() if mark == "\t"), "tsv"),
    **dict.fromkeys(JSON_LINES, "jsonl"),
    **dict.fromkeys(PARQUET, "parquet"),
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    "": "text",  # pipes, too
}
"""What the endings of names tell."""

_ENDINGS = ", ".join(filter(None, SUFFIXES))


def format_of(files: Sequence[Path], delimiter: str | None) -> Format:
    """The one format of all files, by their names; of standard input where there are none.

    Args:
        files: What is to be read.
        delimiter: Where one is given, what has no name of a format is CSV.

    Raises:
        DataError: files of several formats.
        InvalidInputError: a name that does not tell.
    """
    formats: set[Format] = set()
    for file in files:
        found = SUFFIXES.get(format_suffix(file))
        if delimiter is not None and found in (None, "text"):
            found = "csv"
        if found is None:
            raise InvalidInputError(
                f"{file}: cannot tell the format from the name, expected one that ends in "
                f"{_ENDINGS}",
                hint=f"say which: --format {'|'.join(FORMATS)}",
            )
        formats.add(found)
    if len(formats) > 1:
        raise DataError(
            f"the input holds files of several formats: {', '.join(sorted(formats))}",
            hint="choose by a pattern, such as --input 'folder/*.csv'",
        )
    return formats.pop() if formats else "csv" if delimiter else "text"


def find_files(given: str, without: Path | None, *, any_name: bool) -> tuple[Path, ...]:
    """The files of a path, in the order of their names.

    Args:
        given: A file, a folder (all files of the formats in it and its folders), or a pattern.
        without: A file that is not meant.
        any_name: Whether files of a folder with other endings are meant as well.

    Raises:
        DataError: there is none.
    """
    path = Path(given)
    if path.is_dir():
        found = [
            file
            for file in sorted(path.rglob("*"))
            if file.is_file()
            and (any_name or format_suffix(file) in filter(None, SUFFIXES))
            and not _hidden(file.relative_to(path))
        ]
        if not found:
            raise DataError(
                f"{given} holds no file that ends in {_ENDINGS}",
                hint="name a folder of tables or texts",
            )
    elif path.is_file() or not glob.has_magic(given):
        return (check_file(path),)
    else:
        found = [Path(name) for name in sorted(glob.glob(given, recursive=True))]  # noqa: PTH207 - absolute ones too
        found = [file for file in found if file.is_file()]
        if not found:
            raise DataError(f"no file matches the pattern {given!r}", hint="check its folder")
    kept = [file for file in found if without is None or file.resolve() != without.resolve()]
    return tuple(kept or found)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part.endswith(PARTIAL) for part in path.parts)
