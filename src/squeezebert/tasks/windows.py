"""Cutting a long token sequence into overlapping windows, each word decided in one of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from squeezebert.errors import InvalidInputError


class Window(NamedTuple):
    """Tokens ``start`` up to, not including, ``end``.

    ``words`` is (end - start,) int32: the word that is decided at a token, -1 at all others.
    """

    start: int
    end: int
    words: NDArray[np.int32]


def cut_windows(word_ids: NDArray[np.int32], size: int, overlap: int) -> list[Window]:
    """Windows that cover every token, and one decision for every word.

    A window begins at the start of a word where it can (not inside a word that is longer than
    what windows advance by). A word is decided at its first token, in the window where the nearer
    end of the window is furthest from it; the ends of the text itself do not count as ends.
    The earlier window wins a tie.

    Args:
        word_ids: (length,) the word of each token, rising from 0 without gaps.
        size: The most tokens of a window.
        overlap: How many tokens neighboring windows share at least.

    Raises:
        InvalidInputError: an overlap that leaves windows no way to advance.

    >>> windows = cut_windows(np.array([0, 1, 2, 3, 4, 5], dtype=np.int32), size=4, overlap=2)
    >>> [(w.start, w.end, w.words.tolist()) for w in windows]
    [(0, 4, [0, 1, 2, -1]), (2, 6, [-1, 3, 4, 5])]
    """
    if not 0 <= overlap < size:
        raise InvalidInputError(f"overlap is {overlap}, expected 0 to {size - 1}")
    length = len(word_ids)
    if length == 0:
        return []
    firsts = np.flatnonzero(np.diff(word_ids, prepend=-1))
    if length <= size:
        words = np.full(length, -1, dtype=np.int32)
        words[firsts] = np.arange(len(firsts))
        return [Window(0, length, words)]
    starts = [0]
    while starts[-1] + size < length:
        latest = starts[-1] + size - overlap
        whole = int(firsts[np.searchsorted(firsts, latest, side="right") - 1])
        starts.append(whole if whole > starts[-1] else latest)

    best = np.full(len(firsts), -1, dtype=np.int64)
    chosen = np.zeros(len(firsts), dtype=np.int64)
    inside = [slice(*np.searchsorted(firsts, [start, start + size])) for start in starts]
    for number, (start, here) in enumerate(zip(starts, inside, strict=True)):
        tokens = firsts[here]
        before = tokens - start if start > 0 else length
        after = start + size - 1 - tokens if start + size < length else length
        context = np.minimum(before, after)
        better = context > best[here]
        best[here] = np.where(better, context, best[here])
        chosen[here] = np.where(better, number, chosen[here])

    windows: list[Window] = []
    for number, (start, here) in enumerate(zip(starts, inside, strict=True)):
        words = np.full(min(size, length - start), -1, dtype=np.int32)
        decided = here.start + np.flatnonzero(chosen[here] == number)
        words[firsts[decided] - start] = decided
        windows.append(Window(start, start + len(words), words))
    return windows
