"""``squeezebert transplant``: a trained encoder under another vocabulary."""

from __future__ import annotations

from pathlib import Path

import click

from squeezebert.cli import runs, screen


@click.command()
@click.argument("model")
@click.option(
    "--tokenizer",
    required=True,
    metavar="DIR_OR_FILE",
    type=click.Path(exists=True, path_type=Path),
    help="The new vocabulary: a model directory, tokenizer.json or vocab.txt.",
)
@click.option(
    "--vectors",
    metavar="FILE.safetensors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Word vectors of its tokens, made by `squeezebert vectors`; without them, a token starts "
    "as the mean of the old tokens that spell it.",
)
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    help="A new directory.",
)
def transplant(*, model: str, tokenizer: Path, vectors: Path | None, output: Path) -> None:
    r"""Give a trained MODEL another vocabulary, such as that of another language.

    Tokens that both have keep their embeddings; the others start as mixtures of these, by their
    likeness in word vectors, or of those that spell them. Masked LM goes on from there:

    \b
    squeezebert transplant squeezebert-small-mlm --tokenizer runs/vocabulary \
        --vectors runs/vectors.safetensors --output runs/transplanted
    squeezebert pretrain --recipe german.toml --model runs/transplanted \
        --output runs/german
    """
    runs.check_installed()
    from squeezebert.tasks.reference import ReferenceEmbeddings
    from squeezebert.tokenizer import Tokenizer
    from squeezebert.training.surgery.transplant import transplant as give_vocabulary

    known = None if vectors is None else ReferenceEmbeddings.load(vectors)
    found = give_vocabulary(model, Tokenizer.load(tokenizer), known, output)
    screen.note(
        f"{found.shared:,} tokens keep their embeddings, {found.mixed:,} are mixtures of these, "
        f"{found.drawn:,} are drawn at random"
    )
    screen.say(str(output))
