"""``squeezebert grow``: a grouped model out of a dense one."""

from __future__ import annotations

from pathlib import Path

import click

from squeezebert.cli import runs, screen
from squeezebert.cli.options import set_option


@click.command()
@click.argument("model")
@click.option(
    "--recipe",
    required=True,
    metavar="FILE.toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A pretraining recipe: its corpus is what the grouped model is fitted on.",
)
@set_option
@click.option("--groups", default=4, show_default=True, help="Of every grouped projection.")
@click.option(
    "--embeddings",
    "embedding_size",
    type=click.IntRange(min=1),
    metavar="SIZE",
    help="Narrow the word table to SIZE features.  [default: as wide as MODEL's]",
)
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A new directory for the grouped model.",
)
@click.option(
    "--teacher",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A new directory for MODEL with its features in the same order, to distil from.",
)
def grow(
    *,
    model: str,
    recipe: Path,
    settings: tuple[str, ...],
    groups: int,
    embedding_size: int | None,
    output: Path,
    teacher: Path,
) -> None:
    r"""Grow a SqueezeBERT out of a dense MODEL: BERT, MiniLM and the like.

    The features of MODEL are put in the order that suits groups best, the blocks that groups have
    are kept, and every projection is fitted anew to what MODEL computes on the recipe's text.
    Distillation goes on from there:

    \b
    squeezebert grow all-MiniLM --recipe recipes/pretrain_small.toml \
        --embeddings 192 --output runs/grown --teacher runs/minilm
    squeezebert pretrain --recipe recipes/pretrain_small.toml \
        --model runs/grown --output runs/small
    """
    runs.check_installed()
    from squeezebert.training.recipe.file import load_recipe

    loaded = load_recipe(
        recipe,
        "pretrain",
        runs.overrides(data=("corpus", "sources", ()), model=model, settings=settings),
    )

    from squeezebert.training.surgery.growth import grow as grow_model

    found = grow_model(loaded, groups, output, teacher, embedding_size=embedding_size)
    screen.note(
        f"{found.energy:.1%} of the squared weights kept (by chance {1 / groups:.0%}); distance of "
        f"the last states, in units of their variance: {found.cut:.2f} as cut, "
        f"{found.fitted:.2f} as fitted"
    )
    screen.say(str(output))
