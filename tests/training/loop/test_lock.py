"""Two runs never write into one directory; a run that dies leaves it free."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from squeezebert.errors import CheckpointError, ConfigError
from squeezebert.training.loop.lock import HOLDER, held

HOLD = """
import sys
from pathlib import Path
from squeezebert.training.loop.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path: Path):
    """A process that holds ``tmp_path / "run"`` until it is told to end, or is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_holder_is_named_and_a_killed_one_holds_nothing(
    other_process: subprocess.Popen[str], tmp_path: Path
) -> None:
    output = tmp_path / "run"
    whose = f"the run of process {other_process.pid} on {socket.gethostname()} writes there"
    with pytest.raises(ConfigError, match=f"in use: {whose}") as caught, held(output):
        pass
    assert "another output directory" in (caught.value.hint or "")
    assert json.loads((output / HOLDER).read_text())["process"] == other_process.pid
    os.kill(other_process.pid, signal.SIGKILL)
    other_process.wait()
    with held(output):
        assert json.loads((output / HOLDER).read_text())["process"] == os.getpid()
    assert not (output / HOLDER).exists()


def test_a_holder_that_cannot_be_read(other_process: subprocess.Popen[str], tmp_path: Path) -> None:
    (tmp_path / "run" / HOLDER).write_text("[]")
    with pytest.raises(ConfigError, match="another run writes there"), held(tmp_path / "run"):
        pass
    other_process.communicate()  # an end that nothing forced
    with held(tmp_path / "run"):
        pass


def _try(output: Path) -> None:
    with held(output):
        pass


def test_a_holder_may_take_it_again(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with held(tmp_path):
        with held(tmp_path):
            pass
        assert (tmp_path / HOLDER).is_file()
        process = context.Process(target=_try, args=(tmp_path,))
        process.start()
        process.join(timeout=120)
        assert process.exitcode == 1
    with pytest.raises(KeyError), held(tmp_path):
        raise KeyError
    with held(tmp_path):
        pass


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(CheckpointError, match="cannot write"), held(tmp_path / "run"):
        pass


def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def acquire(self: object, timeout: float) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    with held(tmp_path):
        pass
    assert "without locks" in caplog.text
