"""What a masked language model says of a text: candidates for each of its gaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A token that may stand in a gap.

    Args:
        token: The token as the vocabulary writes it (``##ing`` continues a word).
        score: Its probability.
        source: The text with the gap; other gaps stay as they are.
        start: The gap's first character in ``source``.
        end: The character after its last.
    """

    token: str
    score: float
    source: str = field(repr=False)
    start: int = field(repr=False)
    end: int = field(repr=False)

    @property
    def text(self) -> str:
        """``source`` with the token in the gap."""
        before, word = self.source[: self.start], self.token
        if word.startswith("##"):
            before, word = before.rstrip(), word.removeprefix("##")
        return before + word + self.source[self.end :]


@dataclass(frozen=True, kw_only=True)
class FilledMask:
    """The guesses for one gap.

    Args:
        start: The gap's first character in the text (the turns joined by line breaks).
        end: The character after its last.
        candidates: The best first.
        expected: The true token, where the gap was made by masking.
    """

    start: int
    end: int
    candidates: tuple[Candidate, ...]
    expected: str | None = None


FilledMasks: TypeAlias = tuple[FilledMask, ...]
"""The gaps of a text, in its order."""
