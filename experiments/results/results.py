"""Makes docs/results.md: fine-tunes pretrained models on every set, scores and times them.

    python -m experiments.results.results bert-mini-mlm squeezebert-mini-mlm \
        squeezebert-mini-mlm@bert-mini-mlm --write docs/results.md

STUDENT@TEACHER is STUDENT fine-tuned with what TEACHER's model of the same recipe and seed says.
Each start is fine-tuned by each recipe with each seed and scored on the whole test part by the
engine in float32 and int8; a classical model is fitted to the same rows; then all models of a set
take turns for their CPU time. Stop it at any moment: the same command goes on. The tables are there
after the first seed.

Scores and times are kept in docs/results, and the page tells all that is there: starts, recipes and
seeds can be added one after the other, on whatever machine. ``--page`` writes it again and runs
nothing; ``--times`` takes all times anew. Runs lie in RUNS/START/RECIPE/seed-N. ``--glue`` adds
what ``squeezebert glue`` found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from experiments.page import ROOT, replace_part
from experiments.results.classical import fit_and_score
from experiments.results.jobs import (
    RECIPES,
    TAUGHT,
    Job,
    Start,
    directory,
    find_jobs,
    find_starts,
    is_bert,
    say,
    tested,
)
from experiments.results.kept import Archive, Kept, fingerprint
from experiments.results.table import Measured, render
from experiments.results.times import take_times
from squeezebert.checkpoint.hub import resolve
from squeezebert.errors import ConfigError, DataError, SqueezeBertError
from squeezebert.scored_runs import interrupted_after, train_and_score


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    add = parser.add_argument
    add(
        "starts",
        nargs="*",
        metavar="START[@TEACHER]",
        help="pretrained models: names or directories",
    )
    add("--runs", type=Path, default=ROOT / "runs" / "results", help="the folder of the runs")
    add(
        "--recipes", nargs="+", default=RECIPES, metavar="NAME", help="recipes/NAME.toml [all sets]"
    )
    add("--seeds", type=int, default=3)
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="over all recipes")
    add("--limit", type=int, help="only the first so many texts of each test set: for a trial")
    add("--glue", type=Path, nargs="+", default=[], metavar="FILE", help="of squeezebert glue")
    add("--against", metavar="START", help="what the others are compared with [the first BERT]")
    add("--rounds", type=int, default=5, help="of taking times")
    add("--minutes", type=float, help="stop after so many, to be called again")
    add("--page", action="store_true", help="only write the page from what is kept")
    add("--times", action="store_true", help="take the times of all that is kept anew")
    add(
        "--kept",
        type=Path,
        default=ROOT / "docs" / "results",
        metavar="FOLDER",
        help="of scores and times",
    )
    add("--classical", action="store_true", help="fit the classical models anew")
    add("--write", type=Path, metavar="FILE", help="a Markdown file with a marked part")
    options = parser.parse_args(argv)
    if options.seeds < 1 or options.rounds < 1:
        parser.error("--seeds and --rounds take 1 or more")
    if not (options.starts or options.page or options.times or options.classical or options.glue):
        parser.error("name pretrained models, or --page, --times, --classical or --glue")
    bad = [text for text in options.set if "=" not in text]
    if bad:
        parser.error(f"--set takes KEY=VALUE, not {bad[0]}")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what is left to be run, and tells the tables after each seed.

    Returns:
        0 where all is done, 2 for wrong input, 3 where there is more to do.
    """
    options = arguments(argv)
    text = ""
    try:
        if options.write is not None:
            replace_part(options.write, "results", None)
        with interrupted_after(options.minutes):
            for text in make(options):
                if options.write is not None:
                    replace_part(options.write, "results", text)
    except KeyboardInterrupt:
        say("stopped: the same command goes on")
        return 3
    except SqueezeBertError as error:
        say(f"error: {error}")
        return 2
    print(text)
    return 0


def make(options: argparse.Namespace) -> Iterator[str]:
    """All the work, seed by seed; after each of them the text between the marks."""
    # A trial on a few texts is not among the scores that are kept.
    trial = options.limit is not None
    archive = Archive.open(options.runs / f"kept-{options.limit}" if trial else options.kept)
    for file in options.glue:
        archive.add_glue(file)
    if options.page:
        yield page(options, archive)
        return
    starts = find_starts(options.starts)
    if options.against and options.against not in {*starts, *(at[1] for at in archive.runs)}:
        raise ConfigError(f"--against is {options.against!r}, which is none of {', '.join(starts)}")
    settings = dict(text.split("=", 1) for text in options.set)
    jobs, left_out = find_jobs(options.recipes)
    for job in jobs if starts or options.classical else []:
        if options.classical or not archive.classical.keys() >= {*job.tests}:
            say(f"the classical model of {job.name}")
            for kept in fit_and_score(job, limit=options.limit):
                archive.add_classical(kept)
    for seed in range(options.seeds if starts else 0):
        for job in jobs:
            for start in starts.values():
                say(f"{job.name} from {start.name}, seed {seed + 1} of {options.seeds}")
                run_one(options, archive, job, start, seed, settings)
        take_times(options, archive, starts, settings)
        yield page(options, archive, left_out)
    if not starts:
        if options.times:
            take_times(options, archive, starts, settings)
        yield page(options, archive)


def run_one(
    options: argparse.Namespace,
    archive: Archive,
    job: Job,
    start: Start,
    seed: int,
    settings: Mapping[str, str],
) -> None:
    """Trains and scores one model, where that is not done."""
    weights = [resolve(name) for name in (start.model, start.teacher) if name]
    more = TAUGHT if start.teacher else {}
    made_from = fingerprint(weights, job.path, {**more, **settings})
    if archive.get(job.name, start.name, seed, made_from) is not None:
        return
    run = train_and_score(
        job.recipe(start, seed, settings, options.runs),
        directory(options.runs, start.name, job, seed),
        tests=job.tests,
        split="test",
        limit=options.limit,
    )
    archive.add(
        Kept.of(
            run, recipe=job.name, task=job.task, start=start.name, seed=seed, made_from=made_from
        )
    )


def page(
    options: argparse.Namespace,
    archive: Archive,
    left_out: Sequence[str] = (),
) -> str:
    """The text between the marks, of all that is kept."""
    order = sorted({start for _, start, _ in archive.runs}, key=_bert_first)
    measured = [
        Measured(
            data=data,
            recipe=recipe,
            start=start,
            runs=runs,
            label=start if recipe == recipes[0] else f"{start}, {recipe}",
            cpu_ms=archive.times.get(data, {}).get("cpu_ms", {}).get(start),
        )
        for data, recipes in tested(archive).items()
        for recipe in recipes
        for start in order
        if (runs := tuple(k for at, k in archive.runs.items() if at[:2] == (recipe, start)))
    ]
    if not measured:
        raise DataError(f"{archive.folder} has no scores", hint="name pretrained models to run")
    against = options.against or next(filter(is_bert, order), "")
    cpus = dict.fromkeys(f"{row['cpu']}, {row['isa']}" for row in archive.times.values())
    about = [
        *([f"Times: {'; '.join(cpus)}."] if cpus else []),
        *([f"Left out, as the data is not there: {', '.join(left_out)}."] if left_out else []),
    ]
    glue = [archive.glue[name] for name in sorted(archive.glue, key=_bert_first)]
    return render(
        measured, glue, archive.classical, against=against, about=about, limit=options.limit
    )


def _bert_first(start: str) -> tuple[bool, bool, str]:
    return not is_bert(start), "mini" not in start, start


if __name__ == "__main__":
    sys.exit(main())
