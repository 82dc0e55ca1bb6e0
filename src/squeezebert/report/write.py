"""Writes a report's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from squeezebert.comparison.schema import Report
from squeezebert.files import write_text


@dataclass(frozen=True)
class ReportFiles:
    """Where the files of a report are.

    Args:
        json: All numbers, in the documented schema.
        markdown: Tables for GitHub, with ``picture`` in them.
        html: One self-contained page.
        picture: The trade-off plot alone, for a README.
    """

    json: Path
    markdown: Path
    html: Path
    picture: Path


def write_report(report: Report, directory: Path) -> ReportFiles:
    """Writes report.json, report.md, report.html and tradeoff.svg into ``directory``.

    Each file is whole or the old one is left. The directory is made where it is missing.
    """
    from squeezebert.report.charts.tradeoff import tradeoff_svg
    from squeezebert.report.markdown import render_markdown
    from squeezebert.report.pages.comparison_page import render_html

    files = ReportFiles(
        json=directory / "report.json",
        markdown=directory / "report.md",
        html=directory / "report.html",
        picture=directory / "tradeoff.svg",
    )
    # The numbers first: they are what a long measurement was made for.
    report.save(files.json)
    write_text(files.picture, tradeoff_svg(report) + "\n")
    write_text(files.markdown, render_markdown(report, picture=files.picture.name))
    write_text(files.html, render_html(report))
    return files
