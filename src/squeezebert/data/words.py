"""Splitting running text into words, where no data file has done it."""

from __future__ import annotations

import re

# A letter or digit with the signs that combine with it: accents written apart, soft hyphens,
# zero-width joiners.
_SIGN = r"[^\W_][\u0300-\u036f\u00ad\u200c\u200d]*"
_ENDING = r"['’](?:s|re|ve|ll|d|m|t)\b"
_WORD = re.compile(
    rf"""
      (?:[^\W\d_]\.){{2,}}                              # U.S.A.
    | \d+(?:[.,:/]\d+)+                                 # 3,000.50  12:30  1/2/2024
    | {_ENDING}                                         # the 's of "Ada's"
    | (?:{_SIGN})+(?:(?!{_ENDING})[-'’&](?:{_SIGN})+)*  # Rolls-Royce  O'Neill  AT&T
    | ([^\w\s\x00-\x1f\x7f]|_)\1*                       # other signs; a run of one is one word
    """,
    re.VERBOSE | re.IGNORECASE,
)


def split_words(text: str) -> list[tuple[int, int]]:
    """Where the words of ``text`` stand: half-open character ranges, in order.

    Words are runs of letters and digits, with hyphens and apostrophes inside; English endings
    such as ``'s`` stand alone, as in the CoNLL data; so does punctuation. Only white space and
    control characters are left out.

    >>> text = "Ada's U.S. trip to Rolls-Royce cost 3,000.50..."
    >>> [text[start:end] for start, end in split_words(text)]
    ['Ada', "'s", 'U.S.', 'trip', 'to', 'Rolls-Royce', 'cost', '3,000.50', '...']
    """
    return [match.span() for match in _WORD.finditer(text)]
