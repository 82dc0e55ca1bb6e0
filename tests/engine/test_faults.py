"""What others do to a process meanwhile must not take it down: threads that go on while it ends,
threads that write to its arrays, programs that write to its files. Each in a process of its own.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from squeezebert.benchmark.random_model import write_random_model
from squeezebert.config import EncoderConfig
from squeezebert.engine import Engine
from squeezebert.errors import CheckpointError, InvalidInputError

PRELUDE = """
import os, pathlib, sys, threading, time
import numpy as np
from squeezebert.engine import Engine
from squeezebert.errors import CheckpointError, InvalidInputError
"""


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.parametrize(
    "call",
    [
        "engine.logits(ids, ends)",
        "engine.encode([10**8], [0, 1])",
        "Engine.load('squeezebert-mini-news', threads=2)",
    ],
)
def test_daemon_threads_may_be_inside_a_call_when_the_process_ends(call: str) -> None:
    """As a server's are. The second call fails each time, the third holds the GIL but shortly."""
    code = f"""
engine = Engine.load("squeezebert-mini-news", threads=1)
ids, ends = np.full(500, 5, np.int32), np.array([0, 500], np.int32)
began = threading.Barrier(4)
def work():
    began.wait()
    while True:
        try:
            {call}
        except InvalidInputError:
            pass
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
began.wait()
time.sleep(0.2)
print("end")
"""
    for _ in range(3):
        done = run(code)
        assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_arrays_may_change_during_a_call() -> None:
    """What is used is what was checked: refused or computed, never read out of bounds."""
    code = """
engine = Engine.load("squeezebert-mini-mlm", threads=1)
ids = np.full(800, 5, np.int32)
types = np.zeros(800, np.int32)
ends = np.arange(0, 801, 8).astype(np.int32)
places = np.arange(0, 800, 100)
good = [array.copy() for array in (ids, types, ends, places)]
enough = False
def change():
    while not enough:
        ids[:] = 2**31 - 1
        types[:] = 2**30
        ends[1:-1] = -(2**31)
        places[:] = 2**62
        for array, right in zip((ids, types, ends, places), good):
            array[:] = right
writer = threading.Thread(target=change)
writer.start()
outcomes = {"computed": 0, "refused": 0}
for _ in range(150):
    try:
        hidden = engine.encode(ids, ends, types)
        engine.top_k(ids, ends, types, positions=places, k=3)
        outcomes["computed"] += 1
        assert np.isfinite(hidden).all()
    except InvalidInputError:
        outcomes["refused"] += 1
enough = True
writer.join()
print(sum(outcomes.values()))
"""
    done = run(code)
    assert (done.returncode, done.stdout) == (0, "150\n"), done.stderr


CUT = """
directory = pathlib.Path(sys.argv[1])
engine = Engine.load(directory, threads=1)
ids, ends = np.arange(3, 40, dtype=np.int32), np.array([0, 37], np.int32)
before = engine.encode(ids, ends)
with open(directory / "model.safetensors", "r+b") as file:
    size = os.fstat(file.fileno()).st_size
    file.truncate({to})
try:
    assert np.array_equal(engine.encode(ids, ends), before)
    print("the same")
except CheckpointError as error:
    print(error.message.removeprefix(str(directory)), "/", error.hint)
"""


def test_the_file_of_a_small_model_may_be_cut_short(
    tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    done = run(CUT.format(to=0), write_random_model(tiny_config, tmp_path / "model"))
    assert (done.returncode, done.stdout) == (0, "the same\n"), done.stderr


@pytest.mark.parametrize("to", ["0", "size // 2"])
def test_a_large_file_that_is_cut_short_is_told(
    tiny_config: EncoderConfig, tmp_path: Path, to: str
) -> None:
    """It is mapped: reading on would be a bus error."""
    large = dataclasses.replace(tiny_config, vocab_size=300_000)
    done = run(CUT.format(to=to), write_random_model(large, tmp_path / "model"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "/model.safetensors was written to while a model has it open / load the model again; to "
        "replace a file, write a new one and rename it over the old\n"
    )


def test_a_large_file_may_be_replaced_by_renaming(
    tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    large = dataclasses.replace(tiny_config, vocab_size=300_000)
    directory = write_random_model(large, tmp_path / "model")
    engine = Engine.load(directory, threads=1)
    before = engine.encode([5, 299_999], [0, 2])
    (tmp_path / "new").write_bytes(b"another")
    (tmp_path / "new").replace(directory / "model.safetensors")
    assert engine.encode([5, 299_999], [0, 2]).tobytes() == before.tobytes()
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        Engine.load(directory)


def test_errors_of_the_native_module_are_made_as_python_makes_them(
    tiny_config: EncoderConfig, tmp_path: Path
) -> None:
    """They are put together in C++, where no Python code may run."""
    engine = Engine.load(write_random_model(tiny_config, tmp_path / "model"), threads=1)
    for ids, hinted in (([10_000], True), ([], False)):
        with pytest.raises(InvalidInputError) as caught:
            engine.encode(ids, [0, 1])
        error = caught.value
        same = InvalidInputError(error.message, hint=error.hint)
        assert (error.hint is not None) == hinted
        assert (str(error), error.args, vars(error)) == (str(same), same.args, vars(same))
