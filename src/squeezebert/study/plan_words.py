"""A plan, to be read by a person before it begins."""

from __future__ import annotations

from collections.abc import Iterator

from squeezebert.report.tables import Table
from squeezebert.report.words import MISSING, listed
from squeezebert.shown import plural
from squeezebert.study.plan import Plan


def duration(seconds: float) -> str:
    """About how long.

    >>> duration(20), duration(400), duration(9000), duration(200000)
    ('under a minute', '7 min', '2.5 h', '56 h')
    """
    if seconds < 60:
        return "under a minute"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 10 else f"{round(hours)} h"


def summary_lines(plan: Plan) -> Iterator[str]:
    """What it is, how long it takes, and what can be left out."""
    models = listed([model.name for model in plan.models])
    sets = listed([f"{one.title} ({one.origin})" for one in plan.sets])
    yield f"{models} on {sets}; fine-tuned on {plan.device}."
    if plan.download_bytes:
        yield f"To be downloaded: {plan.download_bytes / 1e6:,.1f} MB, kept in the hub's cache."
    else:
        yield "Nothing has to be downloaded."
    seconds = plan.seconds()
    if not seconds:
        yield "All is done already: the report is written again."
        return
    yield f"About {duration(seconds)} on this machine, by a step of each model measured just now."
    by_task = plan.task_seconds()
    if len(by_task) > 1:
        each = listed([f"{task} {duration(own)}" for task, own in by_task.items()])
        yield f"--tasks leaves some out: {each}."
    if not plan.settings.quick:
        yield f"--quick shows in {duration(plan.seconds(quick=True))} that everything works."


def plan_table(plan: Plan) -> Table:
    """One row a part."""
    rows = tuple(
        (
            part.what,
            part.of,
            part.detail,
            "done" if part.is_done else MISSING if part.seconds is None else duration(part.seconds),
        )
        for part in plan.parts
    )
    return Table(("part", "of", "how much", "about"), rows, heads=3)


def left_out_lines(plan: Plan) -> Iterator[str]:
    """What is missing, and that nothing is lost when it is stopped."""
    for reason in plan.left_out:
        yield f"left out: {reason}"
    kept = plural(sum(part.is_done for part in plan.parts), "part")
    yield (
        f"Each part is kept in {plan.settings.output} once it is done ({kept} so far): stop it "
        "whenever you like, the same command goes on."
    )
