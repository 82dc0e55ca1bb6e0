"""``squeezebert train``: fine-tunes a model for a task."""

from __future__ import annotations

from pathlib import Path

import click

from squeezebert.cli import runs
from squeezebert.cli.options import output_option, recipe_option, resume_option, set_option
from squeezebert.errors import InvalidInputError
from squeezebert.spec import TASK_NAMES


@click.command()
@click.argument("task", type=click.Choice(TASK_NAMES))
@click.option(
    "--data",
    "-d",
    multiple=True,
    metavar="NAME_OR_FILE",
    help="What to train on. Can be given several times.",
)
@click.option("--model", "-m", metavar="NAME_OR_DIR", help="What to start from.")
@recipe_option
@set_option
@output_option
@resume_option
def train(
    *,
    task: str,
    data: tuple[str, ...],
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
    squeezebert train text_classification --data sample_news --model squeezebert-mini-mlm \
        --output runs/news --set loop.epochs=5
    squeezebert train text_classification --output runs/news --resume
    """
    runs.check_installed()
    from squeezebert.training.recipe.file import load_recipe

    file = runs.recipe_file(recipe, output, resume=resume)
    given = runs.overrides(data=("data", "train", data), model=model, settings=settings)
    if file is None:
        given.setdefault("task", task)
    loaded = load_recipe(file, "finetune", given)
    if loaded.task != task:
        raise InvalidInputError(
            f"{file or '--set'} is for the task {loaded.task}, but {task} was asked for",
            hint=f"squeezebert train {loaded.task} …",
        )

    from squeezebert.training.finetuning.finetune import finetune

    runs.say_how_it_ended(finetune(loaded, output, resume=resume))
