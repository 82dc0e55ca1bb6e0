"""Words for a keyboard: how often the right one is the first that is offered, or among three.

    python -m experiments.keyboard [--places 500] [--split test] [--seed 0] [--models NAME ...]

On turns of DailyDialog (from the folder that SQUEEZEBERT_DATA names), each once and without the
dialogues and turns of its train part. Three questions at places drawn by ``--seed``:

* next: the word that comes, from what stands before it in its turn.
* corrected: a word of four letters or more with one typing error (``typos.py``), a space behind it.
* kept: the same word typed right: it should be the first.

Our masked LMs, which never saw DailyDialog, beside unigrams and bigrams counted on its train part.
A word counts as right whatever the size of its letters. Prints a table for docs/phone.md and a line
of JSON; with ``--write`` the table goes there.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.keyboard.ngrams import Counted
from experiments.keyboard.places import Place, mistyped_words, next_words, turns_of
from experiments.page import ROOT, replace_part
from squeezebert.checkpoint.shipped import PRETRAINED
from squeezebert.data import open_dataset
from squeezebert.engine import _native

MODELS = ("squeezebert-mini-mlm", "bert-mini-mlm", "squeezebert-small-mlm")
SHOWN = 3
Offer = Callable[[str, str], list[str]]
"""What stands before, and what is typed: words, the likeliest first."""


@dataclass(frozen=True)
class Row:
    """What one way of guessing reached: shares from 0 to 1, CPU milliseconds a question."""

    name: str
    next_first: float
    next_three: float
    corrected_first: float
    corrected_three: float
    kept_first: float
    next_ms: float
    corrected_ms: float


def main(argv: Sequence[str] | None = None) -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--places", type=int, default=500, metavar="N", help="of each question")
    parser.add_argument("--split", default="test", choices=("dev", "test"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", nargs="*", default=MODELS, metavar="NAME")
    parser.add_argument("--write", action="store_true", help="put the table into docs/phone.md")
    args = parser.parse_args(argv)
    page = ROOT / "docs" / "phone.md"
    if args.write:
        replace_part(page, "keyboard", None)
    seen = open_dataset("dailydialog_dedup", task="masked_lm", split="train").examples
    asked = open_dataset("dailydialog_dedup", task="masked_lm", split=args.split).examples
    turns = turns_of(asked, seen)
    rng = random.Random(args.seed)
    coming = next_words(turns, args.places, rng)
    wrong = mistyped_words(turns, args.places, rng)
    rows = list[Row]()
    for pairs in (False, True):
        counted = Counted(turns_of(seen), pairs=pairs)
        rows.append(measured(counted.name, by_counts(counted), coming, wrong))
    for name in args.models:
        # A name is relative to the models that ship; a path of its own stays as it is.
        rows.append(measured(name, by_model(PRETRAINED / name), coming, wrong))
    found = {"split": args.split, "seed": args.seed, "turns": len(turns), "next": len(coming)}
    found |= {"corrected": len(wrong), "rows": [asdict(row) for row in rows]}
    print(table(rows))
    print(json.dumps(found))
    if args.write:
        replace_part(page, "keyboard", table(rows))


def by_counts(counted: Counted) -> Offer:
    """Words of a baseline."""

    def offer(before: str, typed: str) -> list[str]:
        return counted.spelled(before, typed, SHOWN) if typed else counted.next_words(before, SHOWN)

    return offer


def by_model(path: Path) -> Offer:
    """Words of the engine."""
    model = _native.TextModel(str(path), 1)

    def offer(before: str, typed: str) -> list[str]:
        text = before + typed + " " * bool(typed)
        _, _, words = model.suggest(text, len(before + typed), SHOWN)
        return [word for word, _, _ in words]

    return offer


def measured(name: str, offer: Offer, coming: Sequence[Place], wrong: Sequence[Place]) -> Row:
    """All questions asked."""
    first, three, next_ms = _right(offer, [(it.before, "", it.word) for it in coming])
    fixed, fixed_three, ms = _right(offer, [(it.before, it.typed, it.word) for it in wrong])
    kept, _, _ = _right(offer, [(it.before, it.word, it.word) for it in wrong])
    return Row(name, first, three, fixed, fixed_three, kept, next_ms, ms)


def _right(offer: Offer, asked: Sequence[tuple[str, str, str]]) -> tuple[float, float, float]:
    """Shares of words that were first and among ``SHOWN``; CPU milliseconds a question."""
    first = three = 0
    begun = time.process_time()
    for before, typed, word in asked:
        words = [one.lower() for one in offer(before, typed)]
        first += words[:1] == [word.lower()]
        three += word.lower() in words
    milliseconds = 1000.0 * (time.process_time() - begun) / len(asked)
    return round(first / len(asked), 4), round(three / len(asked), 4), round(milliseconds, 2)


def table(rows: Sequence[Row]) -> str:
    """In Markdown."""
    lines = [
        "| | next: first | of three | corrected: first | of three | kept | ms: next | corrected |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        shares = (row.next_first, row.next_three, row.corrected_first, row.corrected_three)
        cells = [f"{100.0 * share:.1f}" for share in (*shares, row.kept_first)]
        cells += [f"{row.next_ms:.1f}", f"{row.corrected_ms:.1f}"]
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
