"""What is in the repository: sizes, words that must not be there, and the two commands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

MEGABYTE = 1_000_000
WEIGHTS = "src/squeezebert/pretrained/"

# In pieces, so that this file does not hold them itself.
FORBIDDEN = {
    "a path of one machine": "|".join(("/wo" + "rk/", "/opt/" + "wheels", "/home/" + r"\w+/")),
    "a package mirror": "|".join(("--(extra-)?index" + "-url", "--find" + "-links")),
    "unfinished work": r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b",
}


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[str]:
    if not (root / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def test_no_large_files(root: Path, tracked: list[str]) -> None:
    sizes = {name: (root / name).stat().st_size for name in tracked}
    weights = {name: size for name, size in sizes.items() if name.startswith(WEIGHTS)}
    assert sum(weights.values()) <= 60 * MEGABYTE
    large = {name: size for name, size in sizes.items() if size > 3 * MEGABYTE}
    assert set(large) <= set(weights)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_forbidden_words(root: Path, tracked: list[str], what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found: list[str] = []
    for name in tracked:
        try:
            lines = (root / name).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{name}:{n}: {line[:80]}" for n, line in enumerate(lines, 1) if pattern.search(line)
        ]
    assert found == []


def test_source_files_are_short(root: Path, tracked: list[str]) -> None:
    lengths = {
        name: len((root / name).read_text(encoding="utf-8").splitlines())
        for name in tracked
        if name.startswith("src/") and name.endswith(".py")
    }
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_the_two_commands_are_targets_and_in_the_readme(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    readme = (root / "README.md").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
        assert f"make {target}" in readme


def test_continuous_integration_calls_make_test(root: Path) -> None:
    script = root / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    lines = script.read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-1] == "make test"
