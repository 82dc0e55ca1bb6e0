"""What experiments/results/results.py trains: every start by every recipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.page import ROOT
from experiments.results.kept import Archive
from squeezebert.data import open_dataset
from squeezebert.errors import ConfigError, DataError
from squeezebert.loading import model_name
from squeezebert.spec import TaskName
from squeezebert.training.recipe.file import load_recipe
from squeezebert.training.recipe.run import FinetuneRecipe

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


def is_bert(start: str) -> bool:
    """By the name, as a start may be a directory of another machine."""
    return model_name(start).startswith("bert")


def named(start: str) -> Start:
    """A start that was run by another command, by its name."""
    model, _, teacher = start.partition("@")
    return Start(start, model, teacher)


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


def say(text: str) -> None:
    """To the person who waits."""
    print(f"results: {text}", file=sys.stderr, flush=True)
