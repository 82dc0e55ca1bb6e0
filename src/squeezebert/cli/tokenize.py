"""``squeezebert tokenize``: the corpus of a recipe as compressed token ids."""

from __future__ import annotations

from pathlib import Path

import click

from squeezebert.cli import runs, screen
from squeezebert.cli.options import output_option, set_option


@click.command()
@click.option(
    "--recipe",
    required=True,
    metavar="FILE.toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A pretraining recipe: its tokenizer and corpus are used.",
)
@set_option
@output_option
def tokenize(*, recipe: Path, settings: tuple[str, ...], output: Path) -> None:
    r"""Tokenize the corpus of a pretraining recipe, to pretrain where its texts are not.

    Where `corpus.shards` names what this wrote, `pretrain` reads that and no text.

    \b
    squeezebert tokenize --recipe recipes/pretrain_gpu.toml --output runs/shards
    """
    runs.check_installed()
    from squeezebert.training.recipe.file import load_recipe

    loaded = load_recipe(
        recipe,
        "pretrain",
        {
            **runs.overrides(data=("corpus", "sources", ()), model=None, settings=settings),
            "corpus.shards": '""',
        },
    )

    from squeezebert.training.loop.start import start_tokenizer
    from squeezebert.training.pretraining.pretrain import open_corpus
    from squeezebert.training.pretraining.shards import write_shards

    tokenizer = start_tokenizer(loaded.model)
    streams = open_corpus(loaded, tokenizer, output.parent)
    made = write_shards(output, loaded.corpus, streams, tokenizer)
    screen.say(f"{made.tokens:,} tokens, {made.size_mb:.1f} MB: {output}")
