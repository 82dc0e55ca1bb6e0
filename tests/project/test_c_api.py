"""The C API: its header is C11, and the commands of its page build an example that agrees with
Python.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

IDS = [2, 1712, 88, 4, 93, 3]
PREDICT = Path("build", "c_api", "predict")


def test_header_and_example_are_c11(root: Path, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here")
    flags = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    for name in ("predict", "text"):
        source, target = root / "examples" / "c" / f"{name}.c", tmp_path / f"{name}.o"
        done = subprocess.run(
            [compiler, *flags, f"-I{root}/native/include", "-c", source, "-o", target],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_every_function_is_in_the_documentation(root: Path) -> None:
    header = (root / "native" / "include" / "squeezebert.h").read_text(encoding="utf-8")
    page = (root / "docs" / "c_api.md").read_text(encoding="utf-8")
    functions = re.findall(r"SQUEEZEBERT_API [^;(]*?(squeezebert_\w+)\(", header)
    assert len(functions) == 19
    assert [name for name in functions if f"`{name}`" not in page] == []


@pytest.mark.slow
def test_the_page_builds_an_example_that_agrees_with_python(root: Path) -> None:
    if shutil.which("cmake") is None or shutil.which("cc") is None:
        pytest.skip("no cmake or no C compiler here")
    from squeezebert.engine import Engine

    page = (root / "docs" / "c_api.md").read_text(encoding="utf-8")
    commands = re.search(r"```sh\n(.*?)```", page, re.DOTALL)
    assert commands is not None
    output = _run(root, "bash", "-euo", "pipefail", "-c", commands[1])
    assert re.search(r"^sport -?\d+\.\d+$", output, re.MULTILINE)
    assert re.search(r"^PER 0\.\d+ Angela Merkel\nLOC 0\.\d+ Washington$", output, re.MULTILINE)

    input_ids = np.array(IDS, np.int32)
    cu_seqlens = np.array([0, len(IDS)], np.int32)
    pretrained = root / "src" / "squeezebert" / "pretrained"

    def ask(name: str) -> tuple[Engine, list[list[str]]]:
        lines = _run(root, PREDICT, pretrained / name, *map(str, IDS)).splitlines()
        return Engine.load(pretrained / name), [line.split() for line in lines]

    engine, rows = ask("squeezebert-mini-news")
    expected = engine.logits(input_ids, cu_seqlens)[0]
    assert [float(row[1]) for row in rows] == pytest.approx(expected.tolist(), abs=2e-6)
    engine, rows = ask("bert-mini-ner")
    expected = engine.logits(input_ids, cu_seqlens).max(axis=1)
    assert [float(row[1]) for row in rows] == pytest.approx(expected.tolist(), abs=2e-6)
    engine, rows = ask("squeezebert-mini-mlm")
    best = engine.top_k(input_ids, cu_seqlens, positions=np.array([3]), k=5)
    assert [int(row[0]) for row in rows] == best.ids[0].tolist()


def _run(root: Path, *command: str | Path) -> str:
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, timeout=3600
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout
