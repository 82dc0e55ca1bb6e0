from __future__ import annotations

import re

import pytest

from squeezebert.comparison.schema import Report
from squeezebert.report.markdown import render_markdown


def tables_of(markdown: str) -> list[list[list[str]]]:
    """The tables as rows of cells, split at bars that are not escaped."""
    found: list[list[list[str]]] = [[]]
    for line in markdown.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


@pytest.mark.parametrize("name", ["pair", "many", "single", "awkward", "missing"])
def test_tables_are_regular(name: str, request: pytest.FixtureRequest) -> None:
    tables = tables_of(render_markdown(request.getfixturevalue(name)))
    assert len(tables) >= 3
    for table in tables:
        assert len({len(row) for row in table}) == 1
        assert all(re.fullmatch(r"-{3}:?", cell) for cell in table[1])
        assert not {"nan", "inf", "None"} & {cell for row in table for cell in row}


def test_it_tells_headline_numbers_and_method(pair: Report) -> None:
    markdown = render_markdown(pair, picture="tradeoff.svg")
    assert markdown.startswith("# SqueezeBERT-mini answers 1.5× faster than BERT-mini")
    assert "![Quality against CPU time](tradeoff.svg)" in markdown
    assert "| SqueezeBERT-mini | 89.3% | – | −1.3 | **6.78** | 1.62× (1.52–1.73) |" in markdown
    assert "## Beside the study" in markdown
    assert "- **Machine**: Example 9000 processor" in markdown
    assert "sample_news is small" in markdown
    assert f"```sh\n{pair.command}\n```" in markdown


def test_noise_and_classical_models_are_told(tested: Report) -> None:
    markdown = render_markdown(tested)
    assert "TF-IDF (classical) is no neural network: it was fitted here" in markdown
    assert "Which differences are more than noise" in markdown
    assert "| new | 90.0% | 85.0–95.0% | ≈ −0.6 |" in markdown


def test_examples_are_marked_right_or_wrong(pair: Report) -> None:
    markdown = render_markdown(pair)
    assert "| sport | ✗ culture | ✓ sport |" in markdown
    assert r"Marta Oliveira \[PER\]" in markdown


def test_no_picture_unless_asked_for(pair: Report) -> None:
    assert "![" not in render_markdown(pair)


def test_markup_in_names_stays_text(awkward: Report) -> None:
    markdown = render_markdown(awkward)
    assert "<script" not in markdown.split("```")[0]
    assert "&lt;script&gt;" in markdown
    assert r"R&amp;D \| ops" in markdown
    # The command holds three backticks, so its fence has four.
    assert f"````sh\n{awkward.command}\n````" in markdown
