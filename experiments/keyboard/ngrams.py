"""The baseline: words counted, and pairs of words."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from experiments.keyboard.places import WORD
from experiments.keyboard.typos import NEIGHBORS
from squeezebert.classical.bigrams import DISCOUNT

MOST_EDITS = 2
SLIP, WRONG = 2, 3
"""What an error costs that fingers or ears make, and any other: as in native/text/typing.cpp."""
ONE = -2.6
"""The logarithm of how likely an error is, for each that it costs; from there too."""
VOWELS = "aeiouy"
START = ""


class Counted:
    """How often words stand in turns, and after one another; a word is known by its small letters.

    Args:
        turns: What is counted.
        pairs: Whether the word before is looked at: absolute discounting, mixed with single words.
    """

    def __init__(self, turns: Sequence[str], *, pairs: bool) -> None:
        self.name = "bigrams" if pairs else "unigrams"
        self._pairs = pairs
        self._after: dict[str, Counter[str]] = defaultdict(Counter)
        self._counts = Counter[str]()
        for turn in turns:
            words = _words(turn)
            self._counts.update(words)
            for before, word in pairwise([START, *words]):
                self._after[before][word] += 1
        self._total = self._counts.total()
        self._frequent = [word for word, _ in self._counts.most_common(50)]
        self._shortened: dict[str, list[str]] = defaultdict(list)
        for word in self._counts:
            for short in _shortened(word):
                self._shortened[short].append(word)

    def next_words(self, before: str, top_k: int) -> list[str]:
        """The likeliest words after a text, the best first."""
        last = self._last(before)
        candidates = {*self._frequent, *self._after.get(last, {})}
        return sorted(candidates, key=lambda word: -self._probability(word, last))[:top_k]

    def spelled(self, before: str, typed: str, top_k: int) -> list[str]:
        """The likeliest words for one that was typed, itself among them if it is known."""
        small, last = typed.lower(), self._last(before)
        near = {word for short in _shortened(small) for word in self._shortened.get(short, ())}
        scored = [
            (ONE * paid + math.log(self._probability(word, last)), word)
            for word in near
            if (paid := cost(small, word)) <= SLIP + WRONG
        ]
        return [word for _, word in sorted(scored, reverse=True)[:top_k]]

    def _last(self, before: str) -> str:
        return ([START, *_words(before)])[-1]

    def _probability(self, word: str, last: str) -> float:
        single = self._counts[word] / self._total
        seen = self._after.get(last) if self._pairs else None
        if not seen:
            return single
        total = seen.total()
        kept = max(seen[word] - DISCOUNT, 0.0) / total
        return kept + single * DISCOUNT * len(seen) / total


def _words(text: str) -> list[str]:
    return [found[0].lower() for found in WORD.finditer(text)]


def _shortened(word: str) -> Iterator[str]:
    """The word without up to ``MOST_EDITS`` letters: words within so many edits share one."""
    seen = set[str]()
    for count in range(min(MOST_EDITS, len(word)) + 1):
        for places in combinations(range(len(word)), count):
            short = "".join(letter for at, letter in enumerate(word) if at not in places)
            if short not in seen:
                seen.add(short)
                yield short


def cost(typed: str, word: str) -> int:
    """The cheapest errors that make ``typed`` of ``word``."""
    start = [0]
    for at in range(len(typed)):
        start.append(start[-1] + _added(typed, at))
    earlier, last = start, start
    for j, letter in enumerate(word):
        now = [last[0] + SLIP]
        for i, other in enumerate(typed):
            best = min(
                last[i] + _replaced(letter, other), last[i + 1] + SLIP, now[i] + _added(typed, i)
            )
            if i > 0 and j > 0 and other == word[j - 1] and typed[i - 1] == letter:
                best = min(best, earlier[i - 1] + SLIP)
            now.append(best)
        earlier, last = last, now
    return last[-1]


def _added(typed: str, at: int) -> int:
    return SLIP if at > 0 and typed[at] == typed[at - 1] else WRONG


def _replaced(letter: str, other: str) -> int:
    if letter == other:
        return 0
    vowels = letter in VOWELS and other in VOWELS
    return SLIP if vowels or other in NEIGHBORS.get(letter, "") else WRONG
