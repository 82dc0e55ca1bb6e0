"""Files for the readers, and what every error of theirs must have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from squeezebert.errors import DataError

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of the given name and content; returns its path."""

    def write_file(name: str, content: str | bytes) -> Path:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return write_file


@pytest.fixture
def fails() -> Callable[..., str]:
    """Calls something that must raise a DataError which names ``place`` and holds ``parts``, and
    has a hint; returns the message.
    """

    def check(call: Callable[[], object], place: Path | str, *parts: str, hint: str = "") -> str:
        with pytest.raises(DataError) as caught:
            call()
        error = caught.value
        assert str(place) in error.message
        assert error.hint
        for part in parts:
            assert part in error.message
        assert hint in error.hint
        return str(error)

    return check
