"""The report as tables in a terminal or a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from squeezebert.comparison.schema import Report
from squeezebert.report.grouping import Group, groups_of
from squeezebert.report.headline import headline_of
from squeezebert.report.tables import facts_of, remarks_of, study_table, summary_table
from squeezebert.report.words import shorten
from squeezebert.shown import console as make_console
from squeezebert.shown import plural, shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

PIPED_WIDTH = 100
SHORTEST_NAME = 10
GAP = 2


def print_table(report: Report, console: Console | None = None) -> None:
    """Prints headline and one table a data set to standard output.

    Args:
        report: What was measured.
        console: Where to print instead. In a pipe the default one writes plain text, 100 wide.
    """
    from rich.text import Text

    if console is None:
        console = make_console(piped_width=PIPED_WIDTH)
    groups = groups_of(report)
    console.print()
    console.print(Text(shown(headline_of(groups).plain), style="bold"))
    for group in groups:
        console.print()
        console.print(_group_table(group, console.width))
        for remark in remarks_of(group):
            console.print(Text(shown(remark), "dim"))
    if report.study:
        console.print()
        console.print(_study_table(report))
    machine = dict(facts_of(report))["Machine"]
    console.print()
    method = f"{machine}; {plural(report.settings.repetitions, 'repetition')}"
    console.print(Text(shown(method), "dim"))
    for note in report.notes:
        console.print(Text(shown(f"note: {note}"), "dim"))


def _group_table(group: Group, width: int) -> RichTable:
    from rich.text import Text

    split = f" {group.info.split}" if group.info else ""
    title = f"{group.task_title}: {group.dataset}{split}, {plural(group.size, 'text')}"
    table = _empty(title)
    summary = summary_table(group)
    widths = [
        max(len(cell) for cell in [*column, *title.split()])
        for title, column in zip(summary.columns, zip(*summary.rows, strict=True), strict=True)
    ]
    # Numbers never break, titles may; names are cut to what is left.
    name_width = max(SHORTEST_NAME, width - sum(widths[1:]) - GAP * (len(widths) - 1))
    for at, column in enumerate(summary.columns):
        table.add_column(
            Text(shown(column, lines=True)),
            justify="left" if at < summary.heads else "right",
            overflow="fold",
            width=widths[at] if at else min(widths[at], name_width),
        )
    for at, row in enumerate(summary.rows):
        table.add_row(
            *(
                Text(
                    shorten(shown(cell, lines=True), name_width) if not column else cell,
                    style="bold" if (at, column) in summary.best else "",
                )
                for column, cell in enumerate(row)
            )
        )
    return table


def _study_table(report: Report) -> RichTable:
    from rich.text import Text

    table = _empty("Beside the study (SqueezeBERT / BERT)")
    for title in ("data", "measure", "scores", "CPU s", "speed-up"):
        table.add_column(
            title,
            justify="left" if title in ("data", "measure") else "right",
            overflow="fold",
            no_wrap=title in ("scores", "CPU s", "speed-up"),
        )
    for row in study_table(report.study).rows:
        _, data, measure, fast, slow, _, fast_seconds, slow_seconds, speedup = row
        cells = (data, measure, f"{fast} / {slow}", f"{fast_seconds} / {slow_seconds}", speedup)
        table.add_row(*(Text(shown(cell)) for cell in cells))
    return table


def _empty(title: str) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    return RichTable(
        title=Text(shown(title), style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        collapse_padding=True,
        padding=(0, 1),
        header_style="dim",
    )
