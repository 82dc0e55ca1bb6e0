"""A model's answer set back into its text: entities and gaps as marked stretches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

GAP = "[____]"
"""What stands for the token to be guessed in a masked-LM example."""

NOTHING = "(none)"
"""The answer without any entity or label."""

_ENTITY = re.compile(r"(?P<text>.+?) \[(?P<type>[^\[\]]+)\](?:, |$)", re.DOTALL)


@dataclass(frozen=True)
class Piece:
    """A stretch of a text; ``type`` is its entity's, ``""`` outside of entities."""

    text: str
    type: str = ""


def entities_in(text: str, answer: str) -> list[Piece] | None:
    """The text in pieces, as ``Ada [PER], London [LOC]`` says; entities are in reading order.

    None where the answer is no such list, or names something that the text (it may have been cut)
    does not hold.

    >>> entities_in("Ada saw London.", "London [LOC]")
    [Piece(text='Ada saw ', type=''), Piece(text='London', type='LOC'), Piece(text='.', type='')]
    """
    if answer == NOTHING:
        return [Piece(text)]
    found = list(_ENTITY.finditer(answer))
    if not found or "".join(match.group() for match in found) != answer:
        return None
    pieces: list[Piece] = []
    at = 0
    for match in found:
        start = text.find(match["text"], at)
        if start < 0:
            return None
        end = start + len(match["text"])
        pieces += [Piece(text[at:start]), Piece(text[start:end], match["type"])]
        at = end
    return [piece for piece in [*pieces, Piece(text[at:])] if piece.text]


def type_slots(answers: Iterable[str]) -> dict[str, int]:
    """A color number for each entity type, in alphabetical order so that it rarely changes."""
    types = {match["type"] for answer in answers for match in _ENTITY.finditer(answer)}
    return {kind: at for at, kind in enumerate(sorted(types))}
