"""``squeezebert vocabulary``: a WordPiece vocabulary from text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from squeezebert.cli.options import output_option
from squeezebert.errors import DataError


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--size", default=16384, show_default=True, help="Tokens at most.")
@click.option(
    "--lowercase/--cased",
    default=True,
    show_default=True,
    help="Whether upper and lower case are told apart. German nouns want --cased.",
)
@output_option
def vocabulary(*, files: tuple[Path, ...], size: int, lowercase: bool, output: Path) -> None:
    r"""Train a WordPiece vocabulary from UTF-8 text files.

    Writes tokenizer.json, vocab.txt and tokenizer_config.json, which `pretrain --tokenizer` and
    transformers read.

    \b
    squeezebert vocabulary corpus/*.txt --size 16384 --cased --output runs/vocabulary-de
    """
    from squeezebert.tokenizer import Tokenizer

    tokenizer = Tokenizer.train(_lines(files), vocab_size=size, lowercase=lowercase)
    tokenizer.save(output)
    click.echo(f"{tokenizer.vocab_size} tokens: {output / 'tokenizer.json'}")


def _lines(files: tuple[Path, ...]) -> Iterator[str]:
    for file in files:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    yield line.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise DataError(
                        f"{file}:{number}: not UTF-8: {error.reason} at byte {error.start}",
                        hint="convert the file, for example with iconv -f latin1 -t utf-8",
                    ) from error
