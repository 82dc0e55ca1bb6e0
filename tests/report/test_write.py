from __future__ import annotations

from pathlib import Path

import pytest

from squeezebert.comparison.schema import Report
from squeezebert.report import write_report


def test_four_files_and_no_leftovers(pair: Report, tmp_path: Path) -> None:
    files = write_report(pair, tmp_path / "new" / "folder")
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == {
        "report.json",
        "report.md",
        "report.html",
        "tradeoff.svg",
    }
    assert Report.load(files.json) == pair
    assert files.markdown.read_text(encoding="utf-8").startswith("# SqueezeBERT-mini answers")
    assert "(tradeoff.svg)" in files.markdown.read_text(encoding="utf-8")
    assert files.html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert files.picture.read_text(encoding="utf-8").startswith("<svg")


def test_it_replaces_what_was_there(pair: Report, single: Report, tmp_path: Path) -> None:
    write_report(pair, tmp_path)
    files = write_report(single, tmp_path)
    assert Report.load(files.json) == single
    assert "sample_ner_en" not in files.html.read_text(encoding="utf-8")


def test_what_json_cannot_hold_leaves_the_old_files(
    pair: Report, missing: Report, tmp_path: Path
) -> None:
    files = write_report(pair, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_report(missing, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert files.json in before


def test_the_same_report_gives_the_same_bytes(pair: Report, tmp_path: Path) -> None:
    one, other = (write_report(pair, tmp_path / name) for name in ("one", "other"))
    assert one.html.read_bytes() == other.html.read_bytes()
    assert one.markdown.read_bytes() == other.markdown.read_bytes()
