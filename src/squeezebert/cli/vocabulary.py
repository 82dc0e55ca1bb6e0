"""``squeezebert vocabulary``: a WordPiece vocabulary from text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from squeezebert.cli import screen
from squeezebert.cli.options import output_option


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
    r"""Train a WordPiece vocabulary from UTF-8 text files, plain or compressed (.gz, .xz).

    Writes tokenizer.json, vocab.txt and tokenizer_config.json, which `pretrain --tokenizer` and
    transformers read. The same files give the same vocabulary.

    \b
    squeezebert vocabulary corpus/*.txt --size 16384 --cased --output runs/vocabulary-de
    """
    from squeezebert.files import appearing
    from squeezebert.tokenizer import Tokenizer

    with appearing(output) as directory:
        tokenizer = Tokenizer.train(Lines(files), vocab_size=size, lowercase=lowercase)
        tokenizer.save(directory)
    screen.say(f"{tokenizer.vocab_size} tokens: {output / 'tokenizer.json'}")


@dataclass(frozen=True)
class Lines:
    """The lines of ``files``, read as often as they are asked for."""

    files: tuple[Path, ...]

    def __iter__(self) -> Iterator[str]:
        from squeezebert.data.lines import read_lines

        return (line for file in self.files for _, line in read_lines(file))
