"""Predictions for a person: what `predict` prints on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from squeezebert.shown import shown

if TYPE_CHECKING:
    from rich.text import Text as Line


def as_lines(text: str | tuple[str, str], cells: Mapping[str, Any]) -> Iterator[Line]:
    """A text, then what was found, indented.

    Args:
        text: What was given.
        cells: The columns that a prediction makes, under their own names; see
            :class:`squeezebert.predicting.columns.Appended`.
    """
    from rich.text import Text as Line

    def found(name: str, score: float | None, rest: str = "") -> Line:
        line = Line("  ").append(shown(name), style="bold")
        line.append("" if score is None else f"  {score:.2f}", style="cyan")
        return line.append(f"  {shown(rest)}" if rest else "")

    yield Line(shown(text if isinstance(text, str) else " ‖ ".join(text)))
    if cells.get("scores") is not None:
        for label, score in cells["scores"].items():
            yield found(label, score)
    elif cells.get("label") is not None:
        yield found(cells["label"], cells["score"])
    for label in cells.get("labels") or ():
        if not cells.get("scores"):
            yield found(label, None)
    if cells.get("value") is not None:
        yield found(f"{cells['value']:.3f}", None)
    if cells.get("truncated_tokens"):
        yield Line(f"  not read: the last {cells['truncated_tokens']} tokens", style="dim")
    for entity in cells.get("entities") or ():
        rest = f"{entity['text']}  ({entity['start']}-{entity['end']})"
        yield found(entity["type"], entity["score"], rest)
    for mask in cells.get("masks") or ():
        for guess in mask["candidates"]:
            yield found(guess["token"], guess["score"], guess["text"])
    if cells.get("language"):
        yield Line(f"  language: {cells['language']}", style="dim")
