"""What machines and libraries refuse is one line; what is our own fault is not called theirs."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from squeezebert.cli.failures import describe, traceback_file


def system(number: int, *places: str) -> OSError:
    """The error that Python makes of a system's error number."""
    given = places[:1] + ((None, places[1]) if len(places) > 1 else ())
    return OSError(number, os.strerror(number), *given)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (system(errno.ENOSPC, "a"), "cannot write a: No space left on device"),
        (system(errno.EROFS, "a"), "cannot write a: Read-only file system"),
        (system(errno.EACCES, "a"), "cannot open a: Permission denied"),
        (system(errno.EISDIR, "a"), "cannot open a: Is a directory"),
        (system(errno.EXDEV, "a", "b"), "cannot open a to b: Invalid cross-device link"),
        (system(errno.ENOSPC), "cannot write: No space left on device"),
        (OSError("odd"), "cannot go on: odd"),
        (MemoryError(), "not enough memory"),
        (MemoryError("40 GB"), "not enough memory: 40 GB"),
        (OverflowError("int too big"), "a number is too large: int too big"),
        (RecursionError("maximum"), "something is nested too deeply to be read"),
    ],
)
def test_one_line_each(error: BaseException, line: str) -> None:
    assert describe(error) == line


def test_undecodable_text() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        b"\xff".decode("utf-8")
    assert "can't decode byte 0xff" in (describe(caught.value) or "")


def test_errors_of_libraries(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    (tmp_path / "a.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(Exception, match="header") as caught:
        load_file(tmp_path / "a.safetensors")
    assert (describe(caught.value) or "").startswith("a weights file cannot be read")

    pyarrow = pytest.importorskip("pyarrow")
    assert (describe(pyarrow.ArrowInvalid("no\nParquet")) or "").endswith(": no Parquet")


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyError("a"), ValueError("b")])
def test_faults_of_our_own(error: Exception) -> None:
    assert describe(error) is None


def test_a_traceback_that_finds_no_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    assert "squeezebert -v" in traceback_file(ValueError("x"))
