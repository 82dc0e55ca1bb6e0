"""The report in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from squeezebert.comparison.schema import Report
from squeezebert.escaping import escape_markdown
from squeezebert.report.grouping import Group, groups_of
from squeezebert.report.headline import headline_of
from squeezebert.report.tables import (
    Table,
    class_table,
    cost_table,
    facts_of,
    pairs_table,
    remarks_of,
    score_table,
    study_table,
    summary_table,
)
from squeezebert.shown import shown

MOST_EXAMPLES = 5


def render_markdown(report: Report, *, picture: str | None = None) -> str:
    """The whole report: headline, tables by data set, examples, method.

    Args:
        report: What was measured.
        picture: The trade-off plot's path, relative to where the text will stand.
    """
    groups = groups_of(report)
    headline = headline_of(groups)
    parts = [f"# {escape_markdown(headline.plain)}"]
    if picture:
        parts.append(f"![Quality against CPU time]({picture})")
    for group in groups:
        parts += _group(group, report)
    if report.study:
        parts += ["## Beside the study", table_text(study_table(report.study))]
    parts.append("## How it was measured")
    parts.append(
        "\n".join(
            f"- **{escape_markdown(term)}**: {escape_markdown(text)}"
            for term, text in facts_of(report)
        )
    )
    if report.notes:
        parts.append("\n".join(f"- {escape_markdown(note)}" for note in report.notes))
    if report.command:
        command = shown(report.command, lines=True)
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", command)), default=0))
        parts.append(f"{fence}sh\n{command}\n{fence}")
    return "\n\n".join(parts) + "\n"


def _group(group: Group, report: Report) -> list[str]:
    size = f"{group.size:,} texts" if group.size != 1 else "1 text"
    split = escape_markdown(f", {group.info.split}" if group.info else "")
    parts = [
        f"## {escape_markdown(group.task_title)}: {escape_markdown(group.dataset)}",
        f"{size}{split}. Best values are bold; a point is a hundredth of the score.",
        table_text(summary_table(group)),
        *(escape_markdown(remark) for remark in remarks_of(group)),
        _folded("All scores", table_text(score_table(group))),
        _folded("Time, memory and size", table_text(cost_table(group))),
    ]
    pairs = pairs_table(group)
    if pairs:
        parts.append(_folded("Which differences are more than noise", table_text(pairs)))
    classes = class_table(group)
    if classes:
        parts.append(_folded("By class: F1 (precision/recall, in percent)", table_text(classes)))
    rows = [
        row for row in report.examples if (row.task, row.dataset) == (group.task, group.dataset)
    ]
    if rows:
        labels = list(dict.fromkeys(shown.label for row in rows for shown in row.predictions))
        cells: list[tuple[str, ...]] = []
        for row in rows[:MOST_EXAMPLES]:
            answers = {shown.label: shown for shown in row.predictions}
            cells.append(
                (
                    row.text,
                    row.gold,
                    *(
                        f"{'✓' if answers[label].right else '✗'} {answers[label].prediction}"
                        if label in answers
                        else "–"
                        for label in labels
                    ),
                )
            )
        table = Table(("text", "true", *labels), tuple(cells), heads=2 + len(labels))
        parts.append(_folded("Where the models differ", table_text(table)))
    return parts


def table_text(table: Table) -> str:
    """A table with pipes; numbers to the right, the best in bold."""
    lines = [
        _line([escape_markdown(column) for column in table.columns]),
        _line(["---" if at < table.heads else "---:" for at in range(len(table.columns))]),
    ]
    for at, row in enumerate(table.rows):
        cells = [escape_markdown(cell) for cell in row]
        lines.append(
            _line(
                f"**{cell}**" if (at, column) in table.best else cell
                for column, cell in enumerate(cells)
            )
        )
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{escape_markdown(title)}</summary>\n\n{content}\n\n</details>"
