"""Typing errors, injected by chance.

One error a word, of four kinds, equally likely, at a letter that is drawn evenly from the first to
the last:

* ``neighbor``: a letter becomes one of those around it on a QWERTY keyboard.
* ``exchanged``: a letter and the next one change places.
* ``left out``: a letter is missing.
* ``doubled``: a letter stands twice.

A draw that leaves the word as it was (two equal letters exchanged, a letter with no neighbor known)
is drawn anew. What comes out may be a word in its own right ("form" for "from"), and may begin with
a wrong letter: both happen to people, though first letters less often than here.
"""

from __future__ import annotations

import random

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
KINDS = ("neighbor", "exchanged", "left out", "doubled")


def _neighbors() -> dict[str, str]:
    """Each letter's: beside it in its row, and the two or so that touch it above and below."""
    places = {letter: (y, x + y / 2) for y, row in enumerate(ROWS) for x, letter in enumerate(row)}
    return {
        one: "".join(
            other
            for other, (b, u) in places.items()
            if other != one and abs(a - b) <= 1 and abs(t - u) <= 1
        )
        for one, (a, t) in places.items()
    }


NEIGHBORS = _neighbors()


def mistyped(word: str, rng: random.Random) -> tuple[str, str]:
    """``word`` with one error, and the error's kind.

    Raises:
        ValueError: no error can be made in a word of fewer than two letters.
    """
    if len(word) < 2:
        raise ValueError(f"the word is {word!r}, expected two letters or more")
    while True:
        kind, at = rng.choice(KINDS), rng.randrange(len(word))
        letter, rest = word[at], word[at + 1 :]
        if kind == "neighbor":
            around = NEIGHBORS.get(letter.lower(), letter)
            other = rng.choice(around)
            middle = other.upper() if letter.isupper() else other
        elif kind == "exchanged":
            if not rest:
                continue
            middle, rest = rest[0] + letter, rest[1:]
            if letter.isupper() and not rest[:1].isupper():
                middle = middle.capitalize()
        else:
            middle = "" if kind == "left out" else letter * 2
        result = word[:at] + middle + rest
        if result != word:
            return result, kind
