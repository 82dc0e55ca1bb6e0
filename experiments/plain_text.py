"""The words of data sets as plain text, one sentence a line, for a pretraining recipe to read.

    python -m experiments.plain_text german_ler mobie germeval2014:test --output runs/german.txt

Words are joined by single spaces, which a tokenizer of BERT's reads as the sentence they were.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from squeezebert.files import write_text
from squeezebert.labeling import unlabeled

SENTENCES_A_DOCUMENT = 8
"""Lines between blank ones: a document is then about as long as a model's input."""


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("sources", nargs="+", metavar="SET", help="`name` or `name:split`")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.txt")
    arguments = parser.parse_args()
    lines: list[str] = []
    for source in arguments.sources:
        for number, example in enumerate(unlabeled(source)):
            if number % SENTENCES_A_DOCUMENT == 0 and lines:
                lines.append("")
            lines.append(" ".join(example.words))
    write_text(arguments.output, "\n".join(lines) + "\n")
    print(f"{arguments.output}: {sum(map(bool, lines)):,} sentences")


if __name__ == "__main__":
    main()
