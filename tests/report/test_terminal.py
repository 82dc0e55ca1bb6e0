from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from squeezebert.comparison.schema import Report
from squeezebert.report.terminal import print_table

NAMES = ["pair", "many", "single", "awkward", "missing"]


def printed(report: Report, width: int = 100) -> str:
    stream = io.StringIO()
    print_table(report, Console(file=stream, width=width))
    return stream.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_a_hundred_columns(name: str, request: pytest.FixtureRequest) -> None:
    text = printed(request.getfixturevalue(name))
    assert max(cell_len(line) for line in text.splitlines()) <= 100
    assert "\x1b" not in text
    assert " nan" not in text


@pytest.mark.parametrize("name", ["pair", "many", "single"])
def test_no_number_is_cut(name: str, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(name)
    lines = [line.rstrip() for line in printed(report).splitlines()]
    sizes = {f"{result.size_mb:.2f}" for result in report.results}
    rows = [line for line in lines if "baseline" in line or "×" in line]
    assert all(
        line.split()[-1] in sizes for line in rows if "/" not in line and "answers" not in line
    )


def test_it_says_what_matters(pair: Report) -> None:
    text = printed(pair)
    assert "SqueezeBERT-mini answers 1.5× faster than BERT-mini" in text
    assert "Text classification: sample_news test, 400 texts" in text
    assert "SqueezeBERT-mini 89.3% – −1.3 6.78 1.62× (1.52–1.73)" in " ".join(text.split())
    assert "0.6972 / 0.7820" in text
    assert "note: sample_news is small" in text


def test_console_markup_in_names_stays_text(awkward: Report) -> None:
    text = printed(awkward, width=200)
    assert "[bold]x[/bold] *y* `z`" in text


def test_in_a_pipe_it_is_plain_and_a_hundred_wide(
    pair: Report, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(pair)
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert 80 < max(cell_len(line) for line in text.splitlines()) <= 100
