"""Altered copies of texts, for a teacher to label.

What a teacher says of a text that is no longer quite the same teaches a student more than its
answer to the text itself (Jiao et al. 2020, section 3.2, who let BERT replace words). Nothing here
keeps the meaning, and nothing need: the teacher labels each copy anew.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from squeezebert.data.examples import TextExample

LEFT_OUT = (0.1, 0.4)
"""The share of a text's words that is left out, drawn between these."""

STRETCH = (0.4, 0.8)
"""The share of a text that is kept, where it is a stretch of it."""

STRANGERS = (0.05, 0.3)
"""The share of a text's words that are replaced by other texts' words."""

SPLICED = ((0.3, 0.8), (0.2, 0.7))
"""The share after which a text breaks off, and that of another at which it goes on."""


def variants(examples: Sequence[TextExample], *, seed: int = 0) -> Iterator[TextExample]:
    """One altered copy of each text, without its label; of a pair, of either text or of both.

    Args:
        examples: At least one; also where the other words and texts come from.
        seed: Of what is drawn.

    >>> texts = ["One two three four five six.", "Seven eight nine."]
    >>> for copy in variants([TextExample(text=text) for text in texts], seed=7):
    ...     print(copy.text)
    One two three four nine.
    Seven five six.
    """
    draw = np.random.default_rng(seed)
    pool = [text.split() for example in examples for text in (example.text, example.pair) if text]

    def altered(text: str) -> str:
        words = text.split()
        return text if len(words) < 2 else " ".join(_altered(words, pool, draw))

    for example in examples:
        text, pair = example.text, example.pair
        which = draw.integers(3) if pair is not None else 0
        if which != 1:
            text = altered(text)
        if pair is not None and which != 0:
            pair = altered(pair)
        yield dataclasses.replace(example, text=text, pair=pair, label=None)


def _altered(words: list[str], pool: Sequence[list[str]], draw: np.random.Generator) -> list[str]:
    """A text of two words or more without some of them, a stretch of it, with words of others, or
    with the end of another; each with equal chances.
    """
    kind, other = draw.integers(4), pool[int(draw.integers(len(pool)))]
    if kind == 0:
        share = draw.uniform(*LEFT_OUT)
        return [word for word in words if draw.random() > share] or [words[0]]
    if kind == 1:
        length = max(1, round(len(words) * draw.uniform(*STRETCH)))
        start = int(draw.integers(len(words) - length + 1))
        return words[start : start + length]
    if kind == 2:
        return _with_strangers(words, pool, draw)
    (first, last), (begin, end) = SPLICED
    kept = max(1, round(len(words) * draw.uniform(first, last)))
    return [*words[:kept], *other[round(len(other) * draw.uniform(begin, end)) :]]


def _with_strangers(
    words: list[str], pool: Sequence[list[str]], draw: np.random.Generator
) -> list[str]:
    found = list(words)
    count = max(1, round(len(found) * draw.uniform(*STRANGERS)))
    for place in draw.choice(len(found), count, replace=False):
        other = pool[int(draw.integers(len(pool)))]
        if other:
            found[place] = other[int(draw.integers(len(other)))]
    return found
