"""The files of a study: ``study.json``, one page, Markdown, and the comparison behind them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from squeezebert.comparison.schema import Report
from squeezebert.escaping import escape_markdown
from squeezebert.files import write_text
from squeezebert.report.charts.tradeoff import tradeoff_svg
from squeezebert.report.markdown import render_markdown, table_text
from squeezebert.report.pages.comparison_page import page_values
from squeezebert.report.pages.environment import template
from squeezebert.report.words import Measure, task_title
from squeezebert.study.published import GENERAL, SOURCE
from squeezebert.study.result import StudyResult, StudySetResult
from squeezebert.study.tables import (
    cells_table,
    sources_table,
    study_headline,
    study_tiles,
    training_table,
    why_table,
)

WHY = (
    "SqueezeBERT needs a third of BERT's multiply-adds, not a quarter: its grouped projections "
    "save three quarters, but attention, the projection behind it and what is done element by "
    "element stay. In transformers its grouped convolutions copy their inputs back and forth "
    "between two layouts, so less is left of that. The first paper's 4.3 was measured on one "
    "phone, with its libraries of 2020."
)


@dataclass(frozen=True)
class StudyFiles:
    """Where the files of a study are."""

    json: Path
    report: Path
    markdown: Path
    html: Path
    picture: Path


def write_study(found: StudyResult, report: Report, directory: Path) -> StudyFiles:
    """Writes all files of a study; each is whole or the old one is left."""
    files = StudyFiles(
        json=directory / "study.json",
        report=directory / "report.json",
        markdown=directory / "report.md",
        html=directory / "report.html",
        picture=directory / "tradeoff.svg",
    )
    found.save(files.json)
    report.save(files.report)
    write_text(files.picture, tradeoff_svg(report) + "\n")
    write_text(files.markdown, study_markdown(found, report, picture=files.picture.name))
    write_text(files.html, study_page(found, report))
    return files


def title_of(one: StudySetResult) -> str:
    """``Text classification, accuracy: News by category``."""
    return f"{task_title(one.task)}, {Measure(one.measure).title}: {one.title}"


def study_page(found: StudyResult, report: Report) -> str:
    """The page: the study's table first, then the whole comparison."""
    values: dict[str, Any] = page_values(report)
    headline = study_headline(found)
    if headline is not None:
        values |= {"headline": headline}
    values |= {
        "tiles": study_tiles(found) or values["tiles"],
        "study": None,
        "sets": [(title_of(one), one, cells_table(one)) for one in found.sets],
        "source": SOURCE,
        "general": GENERAL,
        "why": WHY,
        "why_table": why_table(found, report),
        "training": training_table(found),
        "sources": sources_table(found),
        "left_out": found.left_out,
        "quick": found.quick,
        "device": found.device,
    }
    return template("study.html.j2").render(values) + "\n"


def study_markdown(found: StudyResult, report: Report, *, picture: str) -> str:
    """The same as Markdown."""
    headline = study_headline(found)
    parts = [f"# {escape_markdown(headline.plain)}"] if headline is not None else ["# The study"]
    parts += [*_study_parts(found, report)]
    # The table that a comparison has of its own would say the same again.
    rest = render_markdown(dataclasses.replace(report, study=()), picture=picture)
    parts.append(re.sub("^#", "##", rest, flags=re.MULTILINE))
    return "\n\n".join(parts)


def _study_parts(found: StudyResult, report: Report) -> Iterator[str]:
    if found.quick:
        yield "**Made with --quick: the scores say nothing.**"
    for one in found.sets:
        yield f"## {escape_markdown(title_of(one))}"
        yield table_text(cells_table(one))
        yield "What differs: " + " ".join(map(escape_markdown, one.differs))
    yield f"Everywhere: {escape_markdown(GENERAL)}"
    yield f"The study's figures: {escape_markdown(SOURCE)}."
    for reason in found.left_out:
        yield f"Left out: {escape_markdown(reason)}"
    yield "## Why not 4.3 times"
    yield table_text(why_table(found, report))
    yield escape_markdown(WHY)
    yield "## How the models were trained"
    yield table_text(training_table(found))
    yield table_text(sources_table(found))
