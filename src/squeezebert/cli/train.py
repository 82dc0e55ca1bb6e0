"""``squeezebert train``: fine-tunes a model for a task."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from squeezebert.cli import runs, screen, trained
from squeezebert.cli.layout import Layout, layout_options, part_option, split_option
from squeezebert.cli.options import (
    output_option,
    recipe_option,
    resume_option,
    set_option,
)
from squeezebert.cli.starts import with_start
from squeezebert.errors import InvalidInputError
from squeezebert.spec import TASK_NAMES

if TYPE_CHECKING:
    from squeezebert.training.recipe.run import FinetuneRecipe

_LENGTHS = ("epochs", "max_steps", "max_tokens", "max_minutes")

STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 1000, 3, 20
"""How long a run is where nobody says: about so many steps, within so many epochs. Three epochs of
a few hundred texts are too few steps to learn anything.
"""


@click.command()
@click.argument("task", type=click.Choice(TASK_NAMES))
@click.option(
    "--data",
    "-d",
    multiple=True,
    metavar="NAME_OR_FILE",
    help="What to train on. Can be given several times.",
)
@split_option("train")
@part_option(
    "dev",
    "What to choose the best weights on [default: the data's dev part, or a share of the data].",
)
@part_option("test", "What to score the model on in the end; nothing is chosen by it.")
@click.option(
    "--classical",
    is_flag=True,
    help="Fit a classical model to the same texts, and tell its scores beside the model's. Needs "
    "squeezebert[classical].",
)
@click.option(
    "--model",
    "-m",
    metavar="NAME_OR_DIR",
    help="What to start from [default: the shipped model that suits task and languages best].",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    metavar="CODE",
    help="ISO 639-1 code of the texts' language, such as en. Can be given several times "
    "[default: the data's, where it says; else what the texts look to be in].",
)
@layout_options
@recipe_option
@set_option
@output_option
@resume_option
def train(
    *,
    task: str,
    data: tuple[str, ...],
    split: str,
    dev: tuple[str, ...],
    test: tuple[str, ...],
    classical: bool,
    languages: tuple[str, ...],
    layout: Layout,
    model: str | None,
    recipe: Path | None,
    settings: tuple[str, ...],
    output: Path,
    resume: bool,
) -> None:
    r"""Fine-tune a model for a task.

    Writes a model directory that every other verb takes, with a card, the recipe and the metrics of
    the run. A run that was stopped or killed goes on with --resume to the same weights.

    \b
    squeezebert train text_classification --data sample_news --output runs/news
    squeezebert train text_classification --data reviews.csv --text body --label stars \
        --model squeezebert-mini-mlm --set loop.epochs=5 --output runs/reviews
    squeezebert train text_classification --output runs/news --resume
    """
    if split == "dev" and not dev and not all(Path(name).is_file() for name in data):
        raise click.UsageError(
            "--split dev trains on the dev part: name with --dev what the best weights are chosen "
            "on"
        )
    runs.check_installed()
    if classical:
        trained.check_installed()
    from squeezebert.training.recipe.file import load_recipe

    file = runs.recipe_file(recipe, output, resume=resume)
    given = runs.overrides(data=("data", "train", ()), model=model, settings=settings)
    part = "" if split == "train" else split
    for use, sources in (
        ("train", [layout.as_source(name, part) for name in data]),
        ("dev", [layout.as_source(name) for name in dev]),
    ):
        if sources:
            given.setdefault(f"data.{use}", runs.as_list(sources))
    if file is None and "data.train" not in given:
        raise click.UsageError(
            f"nothing to train on: name a data set for {task}, a file or a folder with --data"
        )
    if languages:
        given.setdefault("languages", json.dumps(list(languages)))
    if file is None:
        given.setdefault("task", task)
    loaded = load_recipe(file, "finetune", given)
    if loaded.task != task:
        raise InvalidInputError(
            f"{file or '--set'} is for the task {loaded.task}, but {task} was asked for",
            hint=f"squeezebert train {loaded.task} …",
        )

    from squeezebert.training.finetuning.datasets import open_training_data
    from squeezebert.training.finetuning.finetune import finetune

    texts = None
    if file is None:
        texts = open_training_data(loaded)
        chosen = any(name.startswith("model.") for name in given)
        loaded = with_start(loaded, texts, chosen=chosen)
        if not any(f"loop.{name}" in given for name in _LENGTHS):
            loaded = _long_enough(loaded, len(texts.train))
        texts = dataclasses.replace(texts, languages=loaded.languages or texts.languages)
    # Before hours of training, in case that one cannot be read.
    tests = [
        layout.open(name, task=loaded.task, split="test", problem_type=loaded.problem_type)
        for name in test
    ]
    result = finetune(loaded, output, resume=resume, data=texts)
    if runs.in_main_process():
        trained.tell_scores(result.output, loaded, tests, classical=classical)
    runs.say_how_it_ended(result)


def _long_enough(recipe: FinetuneRecipe, texts: int) -> FinetuneRecipe:
    """The recipe with as many epochs as so many texts need."""
    wanted = math.ceil(STEPS * recipe.loop.batch_size * recipe.loop.accumulation / texts)
    epochs = float(min(max(wanted, FEWEST_EPOCHS), MOST_EPOCHS))
    screen.note(f"--set loop.epochs={epochs:g}: {texts:,} training texts")
    return dataclasses.replace(recipe, loop=dataclasses.replace(recipe.loop, epochs=epochs))
