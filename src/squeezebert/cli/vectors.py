"""``squeezebert vectors``: word vectors from a pretraining corpus."""

from __future__ import annotations

from pathlib import Path

import click

from squeezebert.cli import runs, screen
from squeezebert.cli.options import set_option


@click.command()
@click.option(
    "--recipe",
    required=True,
    metavar="FILE.toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A pretraining recipe: its tokenizer and corpus are used.",
)
@set_option
@click.option("--dimensions", default=128, show_default=True, help="Length of a vector.")
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FILE.safetensors",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)
def vectors(*, recipe: Path, settings: tuple[str, ...], dimensions: int, output: Path) -> None:
    r"""Make word vectors from the corpus of a pretraining recipe, by co-occurrence alone.

    A word table can start from them (`model.embeddings` of a recipe), and masked language models
    are compared in them (`compare --reference`).

    \b
    squeezebert vectors --recipe recipes/pretrain_mini.toml --output runs/vectors.safetensors
    """
    runs.check_installed()
    from squeezebert.training.recipe.file import load_recipe

    loaded = load_recipe(
        recipe,
        "pretrain",
        runs.overrides(data=("corpus", "sources", ()), model=None, settings=settings),
    )

    from squeezebert.training.loop.start import start_tokenizer
    from squeezebert.training.pretraining.pretrain import open_corpus
    from squeezebert.training.pretraining.word_vectors import reference_embeddings

    tokenizer = start_tokenizer(loaded.model)
    streams = open_corpus(loaded, tokenizer, output.parent)
    table = reference_embeddings(
        (stream.train for stream in streams), tokenizer, dimensions=dimensions
    )
    table.save(output)
    screen.say(f"{len(table)} vectors of {dimensions} dimensions: {output}")
