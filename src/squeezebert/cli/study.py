"""``squeezebert study``: the study this project starts from, repeated at its own size."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from squeezebert.cli import runs, screen
from squeezebert.cli.bar import Bar
from squeezebert.cli.options import json_option, limit_option, set_option, threads_option
from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.spec import TASK_NAMES

if TYPE_CHECKING:
    from squeezebert.comparison import Report
    from squeezebert.study import Plan, StudyResult


@click.command()
@click.option(
    "--model",
    "-m",
    "models",
    multiple=True,
    metavar="NAME_OR_DIR",
    help="Checkpoints of the Hugging Face hub, or directories. Can be given several times "
    "[default: squeezebert/squeezebert-uncased and bert-base-uncased].",
)
@click.option(
    "--data",
    "-d",
    multiple=True,
    metavar="NAME_OR_TASK:DIR",
    help="A set in the place of a task's usual ones: a known one, a directory with a train and a "
    "test file, or TASK:hf://datasets/OWNER/NAME. Can be given several times.",
)
@click.option(
    "--tasks",
    metavar="NAME,NAME,…",
    help=f"Some of {', '.join(TASK_NAMES)} [default: all].",
)
@click.option("--quick", is_flag=True, help="A few steps and texts, to see it through once.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Fine-tuning runs of each model on each set.",
)
@click.option(
    "--repetitions",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Passes over each test set.",
)
@limit_option
@click.option(
    "--classical/--no-classical",
    default=True,
    help="Whether a classical model takes part; it does where squeezebert[classical] is installed.",
)
@set_option
@threads_option
@click.option(
    "--output",
    "-o",
    default="study",
    show_default=True,
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory of everything that is made.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done, and stop.")
@click.option("--yes", "-y", is_flag=True, help="Begin without asking.")
@json_option
@click.pass_obj
def study(
    arguments: Sequence[str],
    *,
    models: tuple[str, ...],
    data: tuple[str, ...],
    tasks: str | None,
    quick: bool,
    seeds: int,
    repetitions: int,
    limit: int | None,
    classical: bool,
    settings: tuple[str, ...],
    threads: int | None,
    output: Path,
    only_plan: bool,
    yes: bool,
    as_json: bool,
) -> None:
    r"""Repeat the study: SqueezeBERT beside BERT-base.

    Takes the published checkpoints, fine-tunes them on DailyDialog, news and CoNLL-2003, scores
    them, and times them in transformers and in the engine. Sets come from SQUEEZEBERT_DATA, or else
    from the Hugging Face hub. Says first what will be downloaded and how long it takes.

    The same command goes on where it was stopped. Writes report.html, report.md, study.json,
    report.json and tradeoff.svg.

    \b
    squeezebert study --plan
    squeezebert study --quick --yes
    squeezebert study --tasks text_classification --data bbc_news --output runs/news
    squeezebert study -m my/squeezebert -m my/bert -d token_classification:my/names -y
    """
    _check_installed()
    from squeezebert.study import StudySettings, make_plan, run_study
    from squeezebert.study.plan import describe_plan
    from squeezebert.study.settings import MODELS
    from squeezebert.study.tables import study_headline
    from squeezebert.study.writing import write_study

    chosen = TASK_NAMES if tasks is None else tuple(name.strip() for name in tasks.split(","))
    asked = StudySettings(
        output=output,
        models=models or MODELS,
        data=data,
        tasks=chosen,  # pyright: ignore[reportArgumentType] - checked there
        seeds=seeds,
        repetitions=repetitions,
        limit=limit,
        threads=threads,
        quick=quick,
        classical=classical,
        overrides=runs.overrides(data=("data", "train", ()), model=None, settings=settings),
    )
    _quiet_hub()
    plan = make_plan(asked, progress=screen.note)
    if as_json and only_plan:
        screen.print_json_lines([describe_plan(plan)])
        return
    _show(plan)
    if only_plan or not (yes or _agreed()):
        return
    with Bar() as bar:
        found, report = run_study(
            plan,
            command=shlex.join(["squeezebert", *arguments]),
            progress=bar,
            tell=screen.note,
        )
    written = write_study(found, report, output)
    if as_json:
        screen.say(found.to_json().rstrip())
        return
    _show_result(found, report)
    headline = study_headline(found)
    if headline is not None:
        screen.say(headline.plain)
    screen.note(f"wrote {written.html}, {written.markdown.name} and {written.json.name}")


def _check_installed() -> None:
    """See :func:`squeezebert.training.check_installed`; and the other side of the comparison."""
    from importlib.util import find_spec

    runs.check_installed()
    if find_spec("transformers") is None:
        raise MissingDependencyError.for_extra(
            "transformers", "baselines", "timing models as the study did"
        )


def _quiet_hub() -> None:
    """Bars on a terminal only, and each warning of the hub's client once: it prints its own."""
    import logging

    logging.getLogger("huggingface_hub").propagate = False
    if not sys.stderr.isatty():
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()


def _agreed() -> bool:
    """Asks on a terminal."""
    if not sys.stdin.isatty():
        raise InvalidInputError(
            "nobody is there to be asked whether to begin", hint="add --yes to begin at once"
        )
    return click.confirm("Begin?", default=True, err=True)


def _show(plan: Plan) -> None:
    """Prints what will be done, on stderr."""
    from squeezebert.study.plan_words import left_out_lines, plan_table, summary_lines

    console = screen.notes()
    for line in summary_lines(plan):
        screen.note(line)
    screen.print_table(console, plan_table(plan))
    for line in left_out_lines(plan):
        screen.note(line)


def _show_result(found: StudyResult, report: Report) -> None:
    """Prints the study's table with ours beside it."""
    from squeezebert.study.tables import cells_table, why_table
    from squeezebert.study.writing import title_of

    console = screen.results()
    for one in found.sets:
        screen.print_table(console, cells_table(one), title=title_of(one))
    title = "How many times faster SqueezeBERT is than BERT"
    screen.print_table(console, why_table(found, report), title=title)
