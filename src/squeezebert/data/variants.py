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

Words = list[str]


def variants(examples: Sequence[TextExample], *, seed: int = 0) -> Iterator[TextExample]:
    """One altered copy of each text, without its label; of a pair, of either text or of both.

    With equal chances words are left out, a stretch is kept, words are replaced, or the text goes
    on as another one.

    Args:
        examples: At least one; also where the other words and texts come from.
        seed: Of what is drawn.

    >>> texts = ["One two three four five six.", "Seven eight nine."]
    >>> for copy in variants([TextExample(text=text) for text in texts], seed=1):
    ...     print(copy.text)
    two three four five six.
    eight nine.
    """
    draw = np.random.default_rng(seed)
    pool = [text for example in examples for text in (example.text, example.pair) if text]
    for example in examples:
        text, pair = example.text, example.pair
        which = draw.integers(3) if pair is not None else 0
        if which != 1:
            text = _altered(text, pool, draw)
        if pair is not None and which != 0:
            pair = _altered(pair, pool, draw)
        yield dataclasses.replace(example, text=text, pair=pair, label=None)


def _altered(text: str, pool: Sequence[str], draw: np.random.Generator) -> str:
    words = text.split()
    if len(words) < 2:
        return text
    alter = (_without_some, _stretch, _with_strangers, _spliced)[draw.integers(4)]
    return " ".join(alter(words, pool, draw))


def _without_some(words: Words, pool: Sequence[str], draw: np.random.Generator) -> Words:
    del pool
    share = draw.uniform(*LEFT_OUT)
    return [word for word in words if draw.random() > share] or words[:1]


def _stretch(words: Words, pool: Sequence[str], draw: np.random.Generator) -> Words:
    del pool
    length = max(1, round(len(words) * draw.uniform(*STRETCH)))
    start = int(draw.integers(len(words) - length + 1))
    return words[start : start + length]


def _with_strangers(words: Words, pool: Sequence[str], draw: np.random.Generator) -> Words:
    words = list(words)
    count = max(1, round(len(words) * draw.uniform(*STRANGERS)))
    for place in draw.choice(len(words), count, replace=False):
        other = pool[int(draw.integers(len(pool)))].split()
        if other:
            words[place] = other[int(draw.integers(len(other)))]
    return words


def _spliced(words: Words, pool: Sequence[str], draw: np.random.Generator) -> Words:
    other = pool[int(draw.integers(len(pool)))].split()
    (first, last), (begin, end) = SPLICED
    kept = max(1, round(len(words) * draw.uniform(first, last)))
    return words[:kept] + other[round(len(other) * draw.uniform(begin, end)) :]
