"""Where sentences end in running text."""

from __future__ import annotations

import re

_CAPITAL = r"\s+(?=[\"'“‘(\[]*[^\W\d_a-zß-öø-ÿ])"
_END = re.compile(rf"(?<=[.!?]){_CAPITAL}|(?<=[.!?][\"'”’)\]]){_CAPITAL}")


def split_sentences(text: str) -> list[str]:
    """``text`` cut after a sign that ends a sentence where the next word begins with a capital.

    >>> split_sentences("It rained. We met Mr. Lovelace at 5 p.m. in Ulm! Then? nothing.")
    ['It rained.', 'We met Mr.', 'Lovelace at 5 p.m. in Ulm!', 'Then? nothing.']
    """
    return [part for part in _END.split(text) if part.strip()]
