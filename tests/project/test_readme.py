"""The README's commands run as they stand; its Python is run by ``test_docs.py``."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [content for name, content in BLOCK.findall(README) if name == language]


def commands() -> list[str]:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    return [
        line.removeprefix("$ ").partition(" #")[0].strip()
        for line in lines
        if line.startswith("$ ")
    ]


def own_commands() -> list[str]:
    return [command for command in commands() if command.startswith("squeezebert ")]


def test_every_command_is_ours_or_make() -> None:
    others = set(commands()) - set(own_commands())
    assert others == {"make demo", "make test"}
    assert len(own_commands()) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("command", own_commands())
def test_command_runs(command: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_first_example_has_five_lines_and_its_output() -> None:
    lines = [line for line in blocks("python")[0].splitlines() if line.strip()]
    assert len(lines) <= 5
    assert re.search(r"^```python\n[^`]*^```\n\n^```text\n", README, re.MULTILINE)


def test_it_is_read_in_two_minutes() -> None:
    assert len(README.split()) < 900


def test_every_verb_is_named() -> None:
    from squeezebert.cli.main import cli

    page = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    for verb in cli.commands:
        assert f"| `{verb}` |" in page


def test_every_page_of_the_docs_is_linked() -> None:
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages <= set(re.findall(r"\]\(([^)#]+)\)", README))


def test_the_table_tells_what_the_results_do() -> None:
    """Scores and speeds stand in docs/results.md, in a row of the same set."""
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    table = README.partition("<!-- comparison:begin")[2].partition("<!-- comparison:end")[0]
    cells = re.findall(r"[0-9]+\.[0-9]+×?", table)
    assert len(cells) > 15
    assert [cell for cell in cells if cell not in results] == []


def test_linked_files_exist() -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
