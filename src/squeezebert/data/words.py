"""Splitting running text into words, where no data file has done it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

Offsets = list[tuple[int, int]]
"""Half-open character ranges, in order."""

# The characters that BERT's tokenizer sets apart as words of their own: CJK ideographs.
_HAN = (
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ceaf"
    "\U0002f800-\U0002fa1f"
)
_ENDING = r"['’](?:s|re|ve|ll|d|m|t)\b"
_ZERO_WIDTH_JOINER = "\u200d"


def _pattern(apart: str) -> re.Pattern[str]:
    sign = rf"[^\W_{apart}]"
    return re.compile(
        rf"""
          (?:(?!\d){sign}\.){{2,}}                          # U.S.A.
        | \d+(?:[.,:/]\d+)+                               # 3,000.50  12:30  1/2/2024
        | {_ENDING}                                       # the 's of "Ada's"
        | {sign}+(?:(?!{_ENDING})[-'’&]{sign}+)*          # Rolls-Royce  O'Neill  AT&T
        {f"| [{apart}]" if apart else ""}                 # a Chinese character
        | ([^\w\s\x00-\x1f\x7f-\x9f]|_)\1*               # other signs; a run of one is one word
        """,
        re.VERBOSE | re.IGNORECASE,
    )


_HAN_APART, _HAN_TOGETHER = _pattern(_HAN), _pattern("")


def split_words(text: str, *, chinese_characters: bool = True) -> Offsets:
    """Where the words of ``text`` stand: half-open character ranges, in order.

    Words are runs of letters and digits, with hyphens and apostrophes inside; English endings
    such as ``'s`` stand alone, as in the CoNLL data; so do punctuation and, where
    ``chinese_characters``, each Chinese character. White space and control characters are left
    out.

    Marks (Unicode category M: accents written apart, vowel signs, variation selectors) and format
    characters (Cf: zero-width and direction marks, soft hyphens) never decide where a word begins
    or ends. The text is split as if they were not there; then a word reaches to the last mark
    behind its last letter. Touching symbols such as the parts of an emoji are one word. Takes time
    in proportion to the length.

    >>> text = "Ada's U.S. trip to Rolls-Royce cost 3,000.50..."
    >>> [text[start:end] for start, end in split_words(text)]
    ['Ada', "'s", 'U.S.', 'trip', 'to', 'Rolls-Royce', 'cost', '3,000.50', '...']
    """
    pattern = _HAN_APART if chinese_characters else _HAN_TOGETHER
    if text.isascii():
        return _spans(pattern, text)
    kept = [at for at, sign in enumerate(text) if not is_attached(sign)]
    bare = text if len(kept) == len(text) else "".join([text[at] for at in kept])
    words = [(kept[start], kept[end - 1] + 1) for start, end in _spans(pattern, bare)]
    return _join_symbols(text, with_marks(text, words))


def _spans(pattern: re.Pattern[str], text: str) -> Offsets:
    return [match.span() for match in pattern.finditer(text)]


@lru_cache(maxsize=8192)
def is_attached(sign: str) -> bool:
    """Whether a character belongs to the one before it (a mark), or to none (format)."""
    category = unicodedata.category(sign)
    return category[0] == "M" or category == "Cf"


@lru_cache(maxsize=8192)
def _is_symbol(sign: str) -> bool:
    return not sign.isascii() and unicodedata.category(sign) in ("So", "Sk")


def with_marks(text: str, words: Sequence[tuple[int, int]]) -> Offsets:
    """``words`` without marks and format characters at their beginning and format characters at
    their end, but with all marks that follow, even if those were words of their own; words that
    hold nothing else are dropped.

    >>> with_marks("\u200bcafe\u0301\u200b", [(0, 5)])
    [(1, 6)]
    """
    result: Offsets = []
    for start, end in words:
        while start < end and is_attached(text[start]):
            start += 1
        if start == end:
            continue
        last = reach = end
        while reach < len(text) and is_attached(text[reach]):
            reach += 1
            if unicodedata.category(text[reach - 1])[0] == "M":
                last = reach
        while unicodedata.category(text[last - 1]) == "Cf":
            last -= 1
        result.append((start, last))
    return result


def _join_symbols(text: str, words: Offsets) -> Offsets:
    """Puts touching symbols together: skin tones, flags, and what a zero-width joiner joins."""
    result: Offsets = []
    for start, end in words:
        if result and _is_symbol(text[start]) and _is_symbol(text[result[-1][0]]):
            between = text[result[-1][1] : start]
            if between in ("", _ZERO_WIDTH_JOINER):
                result[-1] = (result[-1][0], end)
                continue
        result.append((start, end))
    return result
