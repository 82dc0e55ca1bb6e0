"""Files and directories appear whole, and what killed processes left is removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from squeezebert import files
from squeezebert.errors import InvalidInputError

LEAVE = """
import os, signal, sys
from pathlib import Path
from squeezebert import files
with getattr(files, sys.argv[1])(Path(sys.argv[2])) as temporary:
    print(temporary, flush=True)
    if sys.argv[3] == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def start(kind: str, target: Path, ends: str) -> tuple[subprocess.Popen[str], Path]:
    """A process that is writing ``target``, and the temporary path that it writes."""
    process = subprocess.Popen(
        [sys.executable, "-c", LEAVE, kind, str(target), ends],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(files.__file__).parents[1])},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def write(kind: str, target: Path) -> None:
    if kind == "replacing":
        files.write_text(target, "whole")
    else:
        with files.appearing(target) as directory:
            (directory / "a").write_text("whole")


@pytest.mark.parametrize("kind", ["replacing", "appearing"])
def test_what_a_killed_process_left_is_removed(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "model"
    process, left = start(kind, target, "dies")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert left.exists()
    other = tmp_path / ".model.more.x.tmp"  # of the target "model.more"
    other.write_text("")
    write(kind, target)
    assert sorted(tmp_path.iterdir()) == [other, target]


@pytest.mark.parametrize("kind", ["replacing", "appearing"])
def test_what_a_living_process_writes_is_left_alone(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "model"
    process, temporary = start(kind, target, "lives")
    try:
        write(kind, target)
        assert temporary.exists()
    finally:
        process.communicate("")
    assert not temporary.exists()


def fail(kind: str, target: Path) -> None:
    with getattr(files, kind)(target):
        raise KeyError


@pytest.mark.parametrize("kind", ["replacing", "appearing"])
def test_a_block_that_fails_leaves_nothing(kind: str, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        fail(kind, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def make_meanwhile(target: Path) -> None:
    with files.appearing(target):
        target.mkdir()
        (target / "theirs").write_text("")


def test_a_directory_that_someone_else_made_first_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "x"
    with pytest.raises(InvalidInputError, match="is there already"):
        make_meanwhile(target)
    assert [path.name for path in target.iterdir()] == ["theirs"]
    assert list(tmp_path.iterdir()) == [target]
