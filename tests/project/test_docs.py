"""Every Python block of README and docs passes the type checker, runs, and prints what it says.

A block stands for itself. A ``text`` block right after it is its output. The few that cannot run
here stand in the table of ``blocks.py``, with the reason. Blocks that are doctests (``>>>``) are
run by the tests of their pages.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.blocks import ROOT, Block, all_blocks, reason

DOCTEST_NAMES = """
import gzip

from squeezebert.data import *


def write(name: str, content: str | bytes, encoding: str = "utf-8") -> None:
    print(name, content, encoding, gzip)


def attempt(call: object, *args: object, **kwargs: object) -> None:
    print(call, args, kwargs)


"""


FACE = """
from typing import Any, assert_type

import squeezebert
from squeezebert.tasks import Entities, FilledMasks, TextPrediction

assert_type(squeezebert.load("x"), squeezebert.Pipeline[Any])
classify = squeezebert.load("x", task="text_classification")
assert_type(classify, squeezebert.Pipeline[TextPrediction])
assert_type(classify("a"), TextPrediction)
assert_type(classify(("a", "b")), TextPrediction)
assert_type(classify(["a", "b"], top_k=1), list[TextPrediction])
assert_type(next(classify.stream(["a"])), TextPrediction)
tag = squeezebert.load("x", task="token_classification")
assert_type(tag("a"), Entities)
fill = squeezebert.load("x", task="masked_lm")
assert_type(fill(["a"]), list[FilledMasks])
"""

WRONG = """
import squeezebert

squeezebert.load("x", task="masked_lm")("a").label
squeezebert.load("x", task="translation")
"""


def python() -> list[Block]:
    return [block for block in all_blocks() if block.language == "python"]


def runnable() -> list[Block]:
    return [
        block for block in python() if not block.is_doctest and not reason(block.page, block.body)
    ]


def untyped(block: Block) -> bool:
    """Whether a block is about a library that tells no types, or that the tests do not have."""
    libraries = r"^(import|from) (pyarrow|optimum|sklearn)"
    return re.search(libraries, block.body, re.MULTILINE) is not None


def name_of(block: Block) -> str:
    return block.name


def test_blocks_are_found_and_few_do_not_run() -> None:
    assert {"README.md", "docs/python.md", "docs/comparison.md"} <= {one.page for one in runnable()}
    assert len([one for one in python() if reason(one.page, one.body)]) <= 5


@pytest.mark.slow
@pytest.mark.parametrize("block", runnable(), ids=name_of)
def test_block_runs(block: Block, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.body],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if block.output is not None:
        assert done.stdout == block.output


@pytest.mark.slow
def test_blocks_pass_the_type_checker(tmp_path: Path) -> None:
    places: dict[str, Block] = {}
    ours = [one for one in python() if not untyped(one)]
    for number, block in enumerate(ours):
        file = tmp_path / f"block_{number:02}.py"
        file.write_text(checked(block), encoding="utf-8")
        places[file.name] = block
    (tmp_path / "face.py").write_text(FACE, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    settings = {
        "include": ["."],
        "extraPaths": [str(ROOT / "src")],
        "pythonVersion": "3.11",
        "typeCheckingMode": "strict",
        "reportMissingTypeStubs": False,
        "reportWildcardImportFromLibrary": False,
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("basedpyright"),
            *("--project", tmp_path, "--pythonpath", sys.executable, "--outputjson"),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=1200,
    )
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] >= len(places) > 10
    errors = [item for item in report["generalDiagnostics"] if item["severity"] == "error"]
    found = [(Path(item["file"]).name, item["message"]) for item in errors]
    # A control: what is wrong is found.
    assert len({message for name, message in found if name == "wrong.py"}) >= 2
    assert [
        f"{name_of(places[name]) if name in places else name}: {message}"
        for name, message in found
        if name != "wrong.py"
    ] == []


def checked(block: Block) -> str:
    """The code as a file of its own."""
    if not block.is_doctest:
        return block.body
    lines = [line[4:] for line in block.body.splitlines() if line.startswith((">>> ", "... "))]
    return DOCTEST_NAMES + "\n".join(lines) + "\n"
