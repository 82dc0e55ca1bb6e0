"""`predict --ray` on real Ray: a local cluster of several workers, of which one is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from squeezebert.cli.main import run
from tests.scaleout.test_divided import rows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_starts"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers in /proc"),
]

WORDS = ["--bad-rows", "report", "--precision", "float32"]


def begin(model: Path, given: Path, output: Path, *more: str) -> subprocess.Popen[str]:
    words = ["predict", str(model), *WORDS, "--input", str(given), "--output", str(output)]
    return subprocess.Popen(
        [sys.executable, "-m", "squeezebert", *words, "--ray", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def engines(ancestor: int) -> list[int]:
    """The processes with an engine among the descendants of another."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            fields = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(fields[1])
    found: list[int] = []
    for process in parents:
        above = process
        while above in parents and above != ancestor:
            above = parents[above]
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{process}/cmdline").read_text()
            if above == ancestor and name.startswith("ray::") and "_Actor" in name:
                found.append(process)
    return found


def started(told: str) -> str:
    """What a job told whose cluster came up: Ray gives a slow machine few seconds for that."""
    if "timed out during startup" in told:
        pytest.skip("Ray's cluster does not start here in the time that Ray gives it")
    return told


def wait_for_partitions(partial: Path, count: int, job: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 240
    while len(list(partial.glob("partitions/*/done.json"))) < count:
        assert job.poll() is None, started(job.communicate()[1])
        assert time.monotonic() < end, "no partition was answered"
        time.sleep(0.05)


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, count in enumerate((16_000, 5_000)):
        lines = "\n".join(["id,text", *rows(count, number)])
        (folder / f"{number}.csv").write_text(f"{lines}\n")
    return folder


def test_a_worker_is_killed_and_nothing_is_lost_or_there_twice(
    directories: dict[str, Path], given: Path, tmp_path: Path
) -> None:
    model = directories["token_classification"]
    one, many = tmp_path / "one.jsonl", tmp_path / "many.jsonl"
    words = ["predict", str(model), *WORDS, "--input", str(given), "--output", str(one)]
    assert run([*words, "--threads", "1"]) == 0
    with begin(model, given, many, "--workers", "3", "--partition-rows", "100") as job:
        partial = tmp_path / "many.jsonl.partial"
        wait_for_partitions(partial, 4, job)
        first = engines(job.pid)
        os.kill(first[0], signal.SIGKILL)
        answered = len(list(partial.glob("partitions/*/done.json")))
        out, told = job.communicate(timeout=240)
    assert job.returncode == 0, started(told)
    assert out.strip().endswith("many.jsonl")
    assert len(first) == 3
    assert answered < 210
    assert many.read_bytes() == one.read_bytes()
    bad = [(tmp_path / f"{name}.bad.jsonl").read_bytes() for name in ("one", "many")]
    assert bad[0] == bad[1]


def test_the_whole_job_is_killed_and_goes_on(
    directories: dict[str, Path], given: Path, tmp_path: Path
) -> None:
    model = directories["text_classification"]
    one, many = tmp_path / "one.csv", tmp_path / "many.csv"
    words = ["predict", str(model), *WORDS, "--input", str(given), "--output", str(one)]
    assert run([*words, "--threads", "1"]) == 0
    more = ["--workers", "2", "--partition-rows", "100"]
    with begin(model, given, many, *more) as job:
        wait_for_partitions(tmp_path / "many.csv.partial", 4, job)
        job.kill()
        job.communicate()
    assert not many.exists()
    with begin(model, given, many, *more) as job:
        _, told = job.communicate(timeout=240)
    assert job.returncode == 0, started(told)
    assert "of them by an earlier run" in told
    assert many.read_bytes() == one.read_bytes()


def test_errors_arrive_as_they_are(
    directories: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "in.csv"
    file.write_text("id,text\n1,cat\n2\n")
    words = ["predict", str(directories["text_classification"]), "--input", str(file)]
    words += ["--output", str(tmp_path / "o.csv"), "--ray"]
    done = subprocess.run(
        [sys.executable, "-m", "squeezebert", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 2, started(done.stderr)
    assert "in.csv:3: 1 column, expected 2" in done.stderr
    assert "Traceback" not in done.stderr
