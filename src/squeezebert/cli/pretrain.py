"""``squeezebert pretrain``: masked language modeling on a corpus."""

from __future__ import annotations

from pathlib import Path

import click

from squeezebert.cli import runs
from squeezebert.cli.options import output_option, recipe_option, resume_option, set_option


@click.command()
@click.option(
    "--data",
    "-d",
    multiple=True,
    metavar="FILE_OR_DIRECTORY",
    help="UTF-8 text, a blank line between documents. Can be given several times.",
)
@click.option("--model", "-m", metavar="NAME_OR_DIR", help="A shape's name, or what to go on from.")
@click.option("--tokenizer", metavar="PATH", help="What `squeezebert vocabulary` wrote.")
@recipe_option
@set_option
@output_option
@resume_option
def pretrain(
    *,
    data: tuple[str, ...],
    model: str | None,
    tokenizer: str | None,
    recipe: Path | None,
    settings: tuple[str, ...],
    output: Path,
    resume: bool,
) -> None:
    r"""Pretrain a masked language model on text.

    A run that was stopped or killed goes on with --resume to the same weights.

    \b
    squeezebert pretrain --data corpus/ --model squeezebert-mini --tokenizer runs/vocabulary \
        --output runs/pretrained --set loop.max_minutes=45
    """
    runs.check_installed()
    from squeezebert.training.recipe.file import load_recipe

    if tokenizer is not None:
        settings = (f"model.tokenizer={tokenizer}", *settings)
    loaded = load_recipe(
        runs.recipe_file(recipe, output, resume=resume),
        "pretrain",
        runs.overrides(data=("corpus", "sources", data), model=model, settings=settings),
    )

    from squeezebert.training.pretraining.pretrain import pretrain as run

    runs.say_how_it_ended(run(loaded, output, resume=resume))
