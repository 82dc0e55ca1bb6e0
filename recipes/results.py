"""Makes docs/results.md: fine-tunes pretrained models on every set, scores and times them.

    python recipes/results.py bert-mini-mlm squeezebert-mini-mlm \
        squeezebert-mini-mlm@bert-mini-mlm --write docs/results.md

STUDENT@TEACHER is STUDENT fine-tuned with what TEACHER's model of the same recipe and seed says.
Each start is fine-tuned by each recipe with each seed and scored on the whole test part by the
engine in float32 and int8; then all models of a set take turns for their CPU time. Stop it at any
moment: the same command goes on. The tables are there after the first seed.

Scores and times are kept in docs/results, and the page tells all that is there: starts, recipes and
seeds can be added one after the other, on whatever machine. ``--page`` writes it again and runs
nothing; ``--times`` takes all times anew. Runs lie in RUNS/START/RECIPE/seed-N. ``--glue`` adds
GLUE's tasks (RUNS/START/glue).
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from results_kept import Archive, Kept, fingerprint
from results_table import Measured, render

from squeezebert.benchmark.cpu_time import least_cpu_ms
from squeezebert.comparison.machine import describe_machine
from squeezebert.data import open_dataset
from squeezebert.errors import ConfigError, DataError, SqueezeBertError
from squeezebert.hub import resolve
from squeezebert.pipeline import load, model_name
from squeezebert.spec import TaskName
from squeezebert.training.finetune import finetune
from squeezebert.training.glue import GlueResult, load_glue_recipe, run_glue
from squeezebert.training.recipe import FinetuneRecipe
from squeezebert.training.recipe_file import load_recipe
from squeezebert.training.scored import PRECISIONS, SCORES, interrupted_after, train_and_score

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

    @property
    def path(self) -> Path:
        """Of the recipe."""
        return ROOT / "recipes" / f"{self.name}.toml"

    def recipe(
        self, start: Start, seed: int, settings: Mapping[str, str], runs: Path
    ) -> FinetuneRecipe:
        """The recipe of one run, whose teacher's run is among ``runs``."""
        own = {"model.start": json.dumps(start.model), "loop.seed": str(seed)}
        if start.teacher:
            teacher = str(directory(runs, start.teacher, self, seed))
            own["distillation.teachers"] = json.dumps([teacher])
            settings = {**TAUGHT, **settings}
        return load_recipe(self.path, "finetune", {**settings, **own})


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
    add("--glue", action="store_true", help="GLUE's tasks too")
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
    add("--write", type=Path, metavar="FILE", help="a Markdown file with a marked part")
    options = parser.parse_args(argv)
    if options.seeds < 1 or options.rounds < 1:
        parser.error("--seeds and --rounds take 1 or more")
    if not (options.starts or options.page or options.times):
        parser.error("name pretrained models, or --page or --times")
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
    # A trial on a few texts is not among the scores that are kept.
    trial = options.limit is not None
    archive = Archive.open(options.runs / f"kept-{options.limit}" if trial else options.kept)
    if options.page:
        yield page(options, archive, [])
        return
    starts = find_starts(options.starts)
    if options.against and options.against not in {*starts, *(at[1] for at in archive.runs)}:
        raise ConfigError(f"--against is {options.against!r}, which is none of {', '.join(starts)}")
    settings = dict(text.split("=", 1) for text in options.set)
    jobs, left_out = find_jobs(options.recipes)
    for seed in range(options.seeds if starts else 0):
        for job in jobs:
            for start in starts.values():
                say(f"{job.name} from {start.name}, seed {seed + 1} of {options.seeds}")
                run_one(options, archive, job, start, seed, settings)
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
        take_times(options, archive, starts, settings)
        yield page(options, archive, glue, left_out)
    if not starts:
        take_times(options, archive, starts, settings)
        yield page(options, archive, [])


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
    glue: Sequence[GlueResult],
    left_out: Sequence[str] = (),
) -> str:
    """The text between the marks, of all that is kept."""
    families = {start: is_bert(start) for _, start, _ in archive.runs}
    order = sorted(families, key=lambda start: (not families[start], "mini" not in start, start))
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
    against = options.against or next((start for start in order if families[start]), "")
    cpus = dict.fromkeys(f"{row['cpu']}, {row['isa']}" for row in archive.times.values())
    about = [
        *([f"Times: {'; '.join(cpus)}."] if cpus else []),
        *([f"Left out, as the data is not there: {', '.join(left_out)}."] if left_out else []),
    ]
    return render(measured, glue, against=against, about=about, limit=options.limit)


def tested(archive: Archive) -> dict[str, list[str]]:
    """The data sets of what is kept, each with its recipes, the first to be told first."""
    places = {name: place for place, name in enumerate(RECIPES)}
    runs = sorted(archive.runs.values(), key=lambda k: (places.get(k.recipe, 99), k.recipe))
    found: dict[str, list[str]] = {}
    for kept in runs:
        for data in kept.texts:
            recipes = found.setdefault(data, [])
            if kept.recipe not in recipes:
                recipes.append(kept.recipe)
    return found


def is_bert(start: str) -> bool:
    """By the name, as a start may be a directory of another machine."""
    return model_name(start).startswith("bert")


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
    options: argparse.Namespace,
    archive: Archive,
    starts: Mapping[str, Start],
    settings: Mapping[str, str],
) -> None:
    """CPU milliseconds a text, from raw text to prediction, on one thread: by data set, start and
    precision.

    All models of a set take turns over the same texts. A set's times are kept until it has another
    model, or other models' weights; they are those of seed 0, or where that was trained elsewhere,
    of a model as large, trained for two steps.
    """
    machine = describe_machine(1).cpu
    for test, recipes in tested(archive).items():
        jobs, _ = find_jobs(recipes[:1])
        for job in jobs:
            runs = [kept for kept in archive.runs.values() if test in kept.texts]
            names = sorted({kept.start for kept in runs})
            made_from = sorted({kept.made_from for kept in runs})
            about = {"data": test, "made_from": made_from}
            kept = archive.times.get(test, {})
            if not options.times and all(kept.get(key) == value for key, value in about.items()):
                continue
            say(f"taking times on {test}")
            pipelines = {
                (name, precision): load(
                    timed_model(options, job, starts.get(name) or named(name), settings),
                    precision=precision,
                    threads=1,
                )
                for name in names
                for precision in PRECISIONS
            }
            examples = open_dataset(test, task=job.task).examples[: options.limit]
            step = max(len(examples) / TIMED_TEXTS, 1.0)
            texts = [examples[int(at * step)] for at in range(min(len(examples), TIMED_TEXTS))]
            calls = [
                functools.partial(pipeline.answer, texts, with_labels=True)
                for pipeline in pipelines.values()
            ]
            least = least_cpu_ms(calls, rounds=options.rounds)
            cpu_ms: dict[str, dict[str, float]] = {name: {} for name in names}
            for (name, precision), total in zip(pipelines, least, strict=True):
                cpu_ms[name][precision] = round(total / len(texts), 4)
            isa = next(iter(pipelines.values())).backend.instruction_set
            archive.add_times({**about, "cpu": machine, "isa": isa, "cpu_ms": cpu_ms})


def named(start: str) -> Start:
    """A start that was run by another command, by its name."""
    model, _, teacher = start.partition("@")
    return Start(start, model, teacher)


def timed_model(
    options: argparse.Namespace, job: Job, start: Start, settings: Mapping[str, str]
) -> Path:
    """A model of this recipe and start: what it has learnt does not change how long it takes."""
    path = directory(options.runs, start.name, job, 0)
    if (path / SCORES).is_file():
        return path
    path = options.runs / "timed" / start.name / job.name
    brief = {**settings, "loop.max_steps": "2"}
    finetune(job.recipe(Start(start.name, start.model), 0, brief, options.runs), path, resume=True)
    return path


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
