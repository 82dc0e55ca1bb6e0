"""Makes docs/results.md: fine-tunes pretrained models on every set, scores and times them.

    python recipes/results.py bert-mini-mlm squeezebert-mini-mlm \
        squeezebert-mini-mlm@bert-mini-mlm --write docs/results.md

STUDENT@TEACHER is STUDENT fine-tuned with what TEACHER's model of the same recipe and seed says.
Each start is fine-tuned by each recipe with each seed and scored on the whole test part by the
engine in float32 and int8; then all models of a set take turns for their CPU time. Stop it at any
moment: the same command goes on, and recipes, seeds and starts can be added to what is there. The
tables are there after the first seed. Runs lie in RUNS/START/RECIPE/seed-N. ``--glue`` adds GLUE's
tasks (RUNS/START/glue).
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results_table import Measured, render

from squeezebert import files
from squeezebert.benchmark.cpu_time import least_cpu_ms
from squeezebert.checkpoint import read_config
from squeezebert.comparison.machine import describe_machine
from squeezebert.data import open_dataset
from squeezebert.errors import ConfigError, DataError, SqueezeBertError
from squeezebert.hub import resolve
from squeezebert.pipeline import load, model_name
from squeezebert.spec import TaskName
from squeezebert.training.glue import load_glue_recipe, run_glue
from squeezebert.training.recipe import FinetuneRecipe
from squeezebert.training.recipe_file import load_recipe
from squeezebert.training.scored import PRECISIONS, ScoredRun, interrupted_after, train_and_score

ROOT = Path(__file__).resolve().parents[1]
RECIPES = (
    "mlm_dailydialog",
    "news_ag",
    "news_bbc",
    "sms_spam",
    "ner_conll2003_en",
    "ner_conll2003_de",
    "ner_germeval2014",
    "ner_wikiann_en",
    "ner_wikiann_de",
    "ner_german_ler",
    "news_20groups",
    "news_reuters",
    "intents_clinc150",
    "intents_banking77",
    "intents_snips",
    "similarity_stsb_de",
)
"""In the order in which they are run: the three tasks of the study first."""

MORE_TESTS = {"mlm_dailydialog": ("dailydialog",)}
"""Sets that a recipe's models are scored on beside the one that they were trained on."""

TIMED_TEXTS = 256
BEGIN, END = "<!-- results:begin (made by recipes/results.py) -->", "<!-- results:end -->"


TAUGHT = {
    "distillation.task": "0.5",
    "distillation.logits": "0.5",
}
"""What a fine-tuned teacher adds to a recipe."""


@dataclass(frozen=True)
class Start:
    """What is fine-tuned.

    Args:
        name: What the tables call it.
        model: A model's name or directory.
        teacher: The name of the start whose fine-tuned model it learns from, or empty.
    """

    name: str
    model: str
    teacher: str = ""


@dataclass(frozen=True)
class Job:
    """One recipe, and what its models are scored on."""

    name: str
    task: TaskName
    tests: tuple[str, ...]

    def recipe(
        self, start: Start, seed: int, settings: Mapping[str, str], runs: Path
    ) -> FinetuneRecipe:
        """The recipe of one run, whose teacher's run is among ``runs``."""
        own = {"model.start": json.dumps(start.model), "loop.seed": str(seed)}
        if start.teacher:
            teacher = str(directory(runs, start.teacher, self, seed))
            own["distillation.teachers"] = json.dumps([teacher])
            settings = {**TAUGHT, **settings}
        return load_recipe(ROOT / "recipes" / f"{self.name}.toml", "finetune", {**settings, **own})


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    add = parser.add_argument
    add(
        "starts",
        nargs="+",
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
    add("--glue", action="store_true", help="GLUE's tasks too")
    add("--against", metavar="START", help="what the others are compared with [the first BERT]")
    add("--rounds", type=int, default=5, help="of taking times")
    add("--minutes", type=float, help="stop after so many, to be called again")
    add("--write", type=Path, metavar="FILE", help="a Markdown file with a marked part")
    options = parser.parse_args(argv)
    if options.seeds < 1 or options.rounds < 1:
        parser.error("--seeds and --rounds take 1 or more")
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
    try:
        if options.write is not None:
            write_part(options.write, None)
        with interrupted_after(options.minutes):
            for text in make(options):
                if options.write is not None:
                    write_part(options.write, text)
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
    starts = find_starts(options.starts)
    families = {s.name: read_config(resolve(s.model)).model_type for s in starts.values()}
    against = options.against or next((n for n, f in families.items() if f == "bert"), "")
    if against and against not in starts:
        raise ConfigError(f"--against is {against!r}, which is none of {', '.join(starts)}")
    settings = dict(text.split("=", 1) for text in options.set)
    jobs, left_out = find_jobs(options.recipes)
    runs: dict[tuple[str, str], list[ScoredRun]] = {}
    for seed in range(options.seeds):
        for job in jobs:
            for name, start in starts.items():
                say(f"{job.name} from {name}, seed {seed + 1} of {options.seeds}")
                run = train_and_score(
                    job.recipe(start, seed, settings, options.runs),
                    directory(options.runs, name, job, seed),
                    tests=job.tests,
                    split="test",
                    limit=options.limit,
                )
                runs.setdefault((job.name, name), []).append(run)
        glue = [
            run_glue(
                start.model,
                options.runs / start.name / "glue",
                seeds=seed + 1,
                recipe=load_glue_recipe(None, settings),
                limit=options.limit,
                progress=say,
            )
            for start in starts.values()
            if options.glue and not start.teacher
        ]
        times = {
            test: take_times(options, job, test, list(starts)) for job in jobs for test in job.tests
        }
        measured = [
            Measured(job.name, job.task, test, name, tuple(runs[job.name, name]), times[test][name])
            for job in jobs
            for test in job.tests
            for name in starts
        ]
        about = [
            f"`{command(options, list(starts))}`",
            f"{describe_machine(1).cpu}, {measured[0].runs[0].isa}.",
            *([f"Left out, as the data is not there: {', '.join(left_out)}."] if left_out else []),
        ]
        yield render(measured, glue, against=against, about=about, limit=options.limit)


def find_starts(words: Sequence[str]) -> dict[str, Start]:
    """The starts by name, teachers before those that learn from them.

    Raises:
        ConfigError: two of one name, or a teacher that is not among the starts.
    """
    starts: list[Start] = []
    for word in words:
        model, at, teacher = word.partition("@")
        name = model_name(model)
        taught = model_name(teacher) if at else ""
        starts.append(Start(f"{name}@{taught}" if at else name, model, taught))
    by_name = {start.name: start for start in sorted(starts, key=lambda start: bool(start.teacher))}
    if len(by_name) < len(starts):
        raise ConfigError("two starts have one name", hint="rename one of the directories")
    for start in starts:
        if start.teacher and (start.teacher not in by_name or by_name[start.teacher].teacher):
            raise ConfigError(
                f"{start.name}: the teacher {start.teacher} is none of the starts",
                hint="name it too: TEACHER STUDENT@TEACHER",
            )
    return by_name


def find_jobs(names: Sequence[str]) -> tuple[list[Job], list[str]]:
    """The recipes whose data is there, and why others are left out.

    Raises:
        ConfigError: no such recipe.
        DataError: none is left.
    """
    jobs: list[Job] = []
    left_out: list[str] = []
    for name in names:
        recipe = load_recipe(ROOT / "recipes" / f"{name}.toml", "finetune")
        tests = (recipe.data.train[0].path, *MORE_TESTS.get(name, ()))
        try:
            for test, split in ((tests[0], "train"), *((test, "test") for test in tests)):
                open_dataset(test, task=recipe.task, split=split)
        except DataError as error:
            left_out.append(name)
            say(f"left out: {name}: {error.message}")
            continue
        jobs.append(Job(name, recipe.task, tests))
    if not jobs:
        raise DataError("there is data for none of the recipes", hint="set SQUEEZEBERT_DATA")
    return jobs, left_out


def directory(runs: Path, start: str, job: Job, seed: int) -> Path:
    """Of one run."""
    return runs / start / job.name / f"seed-{seed}"


def take_times(
    options: argparse.Namespace, job: Job, test: str, names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """CPU milliseconds a text, from raw text to prediction, on one thread: by start and precision.

    All models of a set take turns over the same texts; kept in a file, since the scores don't
    change either.
    """
    path = options.runs / "times" / f"{test}.json"
    about = {
        "starts": list(names),
        "limit": options.limit,
        "rounds": options.rounds,
        "cpu": describe_machine(1).cpu,
    }
    if path.is_file():
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if kept["about"] == about:
            return kept["cpu_ms"]
    say(f"taking times on {test}")
    keys = [(name, precision) for name in names for precision in PRECISIONS]
    pipelines = [
        load(directory(options.runs, name, job, 0), precision=precision, threads=1)
        for name, precision in keys
    ]
    examples = open_dataset(test, task=job.task).examples[: options.limit]
    step = max(len(examples) / TIMED_TEXTS, 1.0)
    texts = [examples[int(at * step)] for at in range(min(len(examples), TIMED_TEXTS))]

    def call(index: int) -> Any:
        return lambda: pipelines[index].answer(texts, with_labels=True)

    least = least_cpu_ms([call(index) for index in range(len(keys))], rounds=options.rounds)
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    for (name, precision), cpu_ms in zip(keys, least, strict=True):
        found[name][precision] = cpu_ms / len(texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, json.dumps({"about": about, "cpu_ms": found}, indent=2) + "\n")
    return found


def command(options: argparse.Namespace, names: Sequence[str]) -> str:
    """The command that makes the same tables on another machine: no folders."""
    words = ["python", "recipes/results.py", *names, "--seeds", str(options.seeds)]
    if tuple(options.recipes) != RECIPES:
        words += ["--recipes", *options.recipes]
    for setting in options.set:
        words += ["--set", setting]
    if options.limit is not None:
        words += ["--limit", str(options.limit)]
    return shlex.join([*words, *(["--glue"] if options.glue else [])])


def write_part(page: Path, text: str | None) -> None:
    """Puts the tables between the page's marks; only looks for these where ``text`` is None, so
    that hours of work do not end in an error.

    Raises:
        DataError: no such page, or one without the marks.
    """
    content = page.read_text(encoding="utf-8") if page.is_file() else ""
    before, begin, rest = content.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise DataError(f"{page} has no part between the lines {BEGIN} and {END}")
    if text is not None:
        page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def say(text: str) -> None:
    """To the person who waits."""
    print(f"results: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
