"""Places in turns of dialogues where somebody types a word."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.keyboard.typos import mistyped
from squeezebert.data.examples import Document

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
"""Letters, with apostrophes inside: a word of all that is measured."""
FEWEST_LETTERS = 4
"""Of words that are mistyped."""


@dataclass(frozen=True)
class Place:
    """A word, what stands before it in its turn, and how it was mistyped (as it is where it is too
    short).
    """

    before: str
    word: str
    typed: str
    kind: str


def turns_of(documents: Sequence[Document], seen: Sequence[Document] = ()) -> list[str]:
    """Turns, each once and in order, without those that ``seen`` has word for word."""
    known = {turn for document in seen for turn in document.turns}
    turns = dict.fromkeys(turn for document in documents for turn in document.turns)
    return [turn for turn in turns if turn not in known]


def next_words(turns: Sequence[str], count: int, rng: random.Random) -> list[Place]:
    """Words drawn evenly from all of ``turns``, to be guessed from what stands before them."""
    return [Place(before, word, word, "") for before, word in _drawn(turns, count, rng, 1)]


def mistyped_words(turns: Sequence[str], count: int, rng: random.Random) -> list[Place]:
    """Words of ``FEWEST_LETTERS`` and more, each with an error."""
    return [
        Place(before, word, *mistyped(word, rng))
        for before, word in _drawn(turns, count, rng, FEWEST_LETTERS)
    ]


def _drawn(
    turns: Sequence[str], count: int, rng: random.Random, letters: int
) -> list[tuple[str, str]]:
    words = [
        (turn[: found.start()], found[0])
        for turn in turns
        for found in WORD.finditer(turn)
        if len(found[0]) >= letters
    ]
    return rng.sample(words, min(count, len(words)))
