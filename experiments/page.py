"""The parts of documents that programs write: what stands between two marks."""

from __future__ import annotations

import re
from pathlib import Path

from squeezebert.errors import DataError

ROOT = Path(__file__).resolve().parents[1]
"""The repository."""


def replace_part(document: Path, part: str, content: str | None) -> None:
    """Puts ``content`` between ``<!-- PART:begin … -->`` and ``<!-- PART:end -->``; only looks for
    these where it is None, so that hours of work do not end in an error.

    Raises:
        DataError: no such document, or not exactly one part of that name in it.
    """
    text = document.read_text(encoding="utf-8") if document.is_file() else ""
    name = re.escape(part)
    pattern = re.compile(rf"(<!-- {name}:begin[^>]*-->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    new, count = pattern.subn(lambda match: f"{match[1]}{content}\n{match[2]}", text)
    if count != 1:
        raise DataError(
            f"{document} has {count} parts marked {part!r}, expected 1",
            hint=f"write <!-- {part}:begin --> and <!-- {part}:end --> on lines of their own",
        )
    if content is not None:
        document.write_text(new, encoding="utf-8")
