"""The tables of docs/web.md."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from squeezebert.machine import describe_machine
from squeezebert.report.markdown import table_text
from squeezebert.report.tables import Table


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A run-time's times for a model and a length.

    Args:
        model: Its name.
        peer: The run-time's.
        tokens: Of the text.
        first_ms: From the downloaded files to the first answer, to the longest text.
        least_ms: Of the rounds.
        median_ms: Of the same.
        probability: Of the first label: what was answered.
    """

    model: str
    peer: str
    tokens: int
    first_ms: float
    least_ms: float
    median_ms: float
    probability: float


@dataclass(frozen=True)
class Size:
    """Bytes of a run-time's files, compressed one by one with gzip -9."""

    name: str
    compressed: int

    @classmethod
    def of(cls, name: str, folder: Path, files: Sequence[str]) -> Size:
        """Of the files of a folder."""
        return cls(name, sum(len(gzip.compress((folder / one).read_bytes(), 9)) for one in files))


def tables(
    found: Sequence[Answers], sizes: Sequence[Size], versions: Mapping[str, str], threads: int
) -> str:
    """Times, and what stands before the first of them."""
    parts = [times(found), "", firsts(found, sizes), ""]
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    cores = "One core" if threads == 1 else f"{threads} cores"
    return "\n".join([*parts, f"{cores} of an {describe_machine(1).cpu} server; {named}."])


def peers_of(found: Sequence[Answers]) -> list[str]:
    """Ours first."""
    return list(dict.fromkeys(one.peer for one in found))


def times(found: Sequence[Answers]) -> str:
    """A row a model and length: least / median of each, and the best peer's least over ours."""
    peers = peers_of(found)
    rows: list[tuple[str, ...]] = []
    for model, tokens in dict.fromkeys((one.model, one.tokens) for one in found):
        here = {one.peer: one for one in found if (one.model, one.tokens) == (model, tokens)}
        cells = [f"{told(here[name].least_ms)} / {told(here[name].median_ms)}" for name in peers]
        best = min(here[name].least_ms for name in peers[1:])
        ratio = best / here[peers[0]].least_ms
        rows.append((model, str(tokens), *cells, f"{ratio:.1f}"))
    return table_text(Table(("model", "tokens", *peers, "best / ours"), tuple(rows), heads=1))


def told(milliseconds: float) -> str:
    """Three digits, or whole milliseconds."""
    return f"{milliseconds:.3g}" if milliseconds < 1000 else f"{milliseconds:,.0f}"


def firsts(found: Sequence[Answers], sizes: Sequence[Size]) -> str:
    """What a run-time weighs, and when it first answers."""
    models = list(dict.fromkeys(one.model for one in found))
    rows: list[tuple[str, ...]] = []
    for peer in peers_of(found):
        size = next(one for one in sizes if peer.startswith(one.name))
        first = {one.model: one.first_ms for one in found if one.peer == peer}
        rows.append((peer, f"{size.compressed / 1e3:,.0f}", *(f"{first[m]:.0f}" for m in models)))
    heads = ("run-time", "KB gzipped", *(f"{model}, first answer, ms" for model in models))
    return table_text(Table(heads, tuple(rows), heads=1))
