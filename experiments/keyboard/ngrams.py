"""The baseline: words counted, and pairs of words."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from experiments.keyboard.places import WORD
from squeezebert.classical.bigrams import DISCOUNT

MOST_EDITS = 2
EDIT = -4.4
"""The logarithm of how likely an error is, as native/text/typing.cpp has it."""
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
            (EDIT * edits + math.log(self._probability(word, last)), word)
            for word in near
            if (edits := distance(small, word)) <= MOST_EDITS
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


def distance(one: str, two: str) -> int:
    """The fewest letters to insert, drop, replace or exchange with their neighbor."""
    earlier, last = [0] * (len(two) + 1), list(range(len(two) + 1))
    for i, a in enumerate(one, start=1):
        now = [i]
        for j, b in enumerate(two, start=1):
            best = min(last[j - 1] + (a != b), last[j] + 1, now[j - 1] + 1)
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                best = min(best, earlier[j - 2] + 1)
            now.append(best)
        earlier, last = last, now
    return last[-1]
