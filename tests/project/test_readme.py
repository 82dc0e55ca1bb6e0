"""What the README promises of itself. Its commands are run by ``test_commands.py``, its Python by
``test_docs.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [content for name, content in BLOCK.findall(README) if name == language]


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


def test_figures_of_the_choice_stand_where_they_were_measured() -> None:
    """docs/choosing.md sums up other pages."""
    pages = ("results", "models", "performance", "log")
    texts = {name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in pages}
    choosing = (ROOT / "docs" / "choosing.md").read_text(encoding="utf-8")
    figures = re.findall(r"(?<![\w.-])[0-9]+\.[0-9]+(?![\w.-])", choosing)
    assert len(figures) > 30
    told = set(re.findall(r"[0-9]+\.[0-9]+", " ".join(texts.values())))
    assert [figure for figure in figures if figure not in told] == []


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
