"""Tagging schemes: IOB1, IOB2, IOBES and BILOU, told apart and turned into IOB2.

========  ====================================================================================
IOB2      ``B-X`` starts every entity, ``I-X`` goes on with it.
IOB1      ``I-X`` throughout; ``B-X`` only where an entity follows another one of its type.
IOBES     ``B-X … E-X`` for longer entities, ``S-X`` for one word (also called BIOES).
BILOU     The same with ``L-X`` for the last word and ``U-X`` for one word.
========  ====================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from squeezebert.data.examples import Span, TokenExample
from squeezebert.data.messages import broken, shown
from squeezebert.errors import DataError

Scheme = Literal["IOB1", "IOB2", "IOBES", "BILOU"]
SCHEMES: tuple[Scheme, ...] = ("IOB1", "IOB2", "IOBES", "BILOU")

_PREFIXES: dict[Scheme, str] = {"IOB1": "IB", "IOB2": "BI", "IOBES": "BIES", "BILOU": "BILU"}
_ALL_PREFIXES = "BIESLU"


@dataclass(frozen=True)
class TagLines:
    """The tags of one sentence, one a line of a file.

    Args:
        path: The file.
        line: The line of the first tag, from 1.
        tags: The tags as they stand there.
    """

    path: str
    line: int
    tags: Sequence[str]

    def where(self, index: int) -> str:
        """``file:line`` of one tag."""
        return f"{self.path}:{self.line + index}"


def is_tag(text: str) -> bool:
    """Whether ``text`` is a tag of any scheme.

    >>> is_tag("O"), is_tag("S-LOC"), is_tag("LOC")
    (True, True, False)
    """
    return text == "O" or (text[:1] in _ALL_PREFIXES and text[1:2] == "-" and len(text) > 2)


def detect_scheme(sentences: Iterable[TagLines]) -> Scheme:
    """The one scheme that all the sentences follow; IOB2 where more than one would do.

    Raises:
        DataError: something that is no tag, or tags of different schemes in one file.
    """
    at: dict[str, str] = {}
    """Where each telling tag first stood."""
    for sentence in sentences:
        previous = "O"
        for index, tag in enumerate(sentence.tags):
            if not is_tag(tag):
                raise _not_a_tag(sentence.where(index), tag, _ALL_PREFIXES)
            same = previous != "O" and previous[2:] == tag[2:]
            if tag[0] in "ESLU" and tag[0] not in at:
                at[tag[0]] = sentence.where(index)
            elif tag[0] == "I" and not same:
                at.setdefault("I first", sentence.where(index))
            elif tag[0] == "B" and not same:
                at.setdefault("B first", sentence.where(index))
            previous = tag
    iobes = at.get("E") or at.get("S")
    bilou = at.get("L") or at.get("U")
    if iobes and bilou:
        raise _mixed(bilou, "an L- or U- tag (BILOU)", f"an E- or S- tag (IOBES) at {iobes}")
    if iobes:
        return "IOBES"
    if bilou:
        return "BILOU"
    if "I first" in at and "B first" in at:
        raise _mixed(
            at["I first"],
            "an entity that starts with I- (IOB1)",
            f"one that starts with B- (IOB2) at {at['B first']}",
        )
    return "IOB1" if "I first" in at else "IOB2"


def to_iob2(sentence: TagLines, scheme: Scheme) -> tuple[str, ...]:
    """The tags of one sentence in IOB2.

    IOB1 is read as the CoNLL scorer does: ``B-`` always starts an entity, ``I-`` does so after
    another type or ``O``. So it takes a mixture with IOB2 as well. The others must be exact.

    Raises:
        DataError: a tag that is not of the scheme, or that cannot stand where it does.

    >>> to_iob2(TagLines("a.conll", 1, ["I-PER", "I-PER", "B-PER", "O"]), "IOB1")
    ('B-PER', 'I-PER', 'B-PER', 'O')
    >>> to_iob2(TagLines("a.conll", 1, ["S-LOC", "B-PER", "E-PER"]), "IOBES")
    ('B-LOC', 'B-PER', 'I-PER')
    """
    prefixes = _PREFIXES[scheme]
    last, single = ("L", "U") if scheme == "BILOU" else ("E", "S")
    marked_end = scheme in ("IOBES", "BILOU")
    tags: list[str] = []
    inside = ""
    """The type of the entity that may, or with a marked end must, go on."""
    for index, tag in enumerate(sentence.tags):
        prefix, kind = tag[:1], tag[2:]
        if not is_tag(tag) or (tag != "O" and prefix not in prefixes):
            raise _not_a_tag(sentence.where(index), tag, prefixes, scheme)
        goes_on = prefix in ("I", last) and kind == inside
        must_go_on = bool(inside) or prefix in ("I", last)
        if marked_end and must_go_on != goes_on:
            expected = f"I-{inside} or {last}-{inside}" if inside else f"B-{kind} before it"
            raise broken(sentence.where(index), f"tag {tag!r} in {scheme}", expected, _SCHEME_HINT)
        if prefix == "I" and not goes_on and scheme == "IOB2":
            raise broken(
                sentence.where(index),
                f"tag {tag!r}, which goes on with no entity, in IOB2",
                f"B-{kind}",
                "correct the tag, or pass scheme='IOB1' to let it start an entity",
            )
        if tag == "O":
            tags.append("O")
        else:
            tags.append(f"I-{kind}" if goes_on else f"B-{kind}")
        ended = tag == "O" or (marked_end and prefix in (last, single))
        inside = "" if ended else kind
    if marked_end and inside:
        raise broken(
            sentence.where(len(sentence.tags) - 1),
            f"the sentence ends within an entity of type {inside}",
            f"{last}-{inside}",
            _SCHEME_HINT,
        )
    return tuple(tags)


def iob2_labels(types: Iterable[str]) -> tuple[str, ...]:
    """The tags over entity types: ``O``, then ``B-`` and ``I-`` of each type, sorted.

    >>> iob2_labels(["PER", "LOC"])
    ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER')
    """
    return ("O", *(f"{prefix}-{kind}" for kind in sorted(set(types)) for prefix in "BI"))


def entity_spans(example: TokenExample) -> tuple[Span, ...]:
    """The entities of an example by characters of its text; none where it has no tags.

    >>> entity_spans(TokenExample.from_words(["Ada", "Byron"], ["B-PER", "I-PER"]))
    (Span(start=0, end=9, type='PER'),)
    """
    spans: list[Span] = []
    for (start, end), tag in zip(example.offsets, example.tags or (), strict=False):
        if tag[0] == "I" and spans:
            spans[-1] = Span(start=spans[-1].start, end=end, type=spans[-1].type)
        elif tag != "O":
            spans.append(Span(start=start, end=end, type=tag[2:]))
    return tuple(spans)


_SCHEME_HINT = "correct the tags, or name their scheme: scheme='IOB1', 'IOB2', 'IOBES' or 'BILOU'"


def _not_a_tag(where: str, tag: str, prefixes: str, scheme: Scheme | None = None) -> DataError:
    expected = f"O or a type after {', '.join(f'{prefix}-' for prefix in prefixes)}"
    return broken(
        where,
        f"tag {shown(tag)}",
        expected if scheme is None else f"a tag of {scheme}: {expected}",
        "is this the tag column? pass tag_column=…" if scheme is None else _SCHEME_HINT,
    )


def _mixed(where: str, found: str, other: str) -> DataError:
    return broken(
        where,
        f"{found}, but {other}",
        "one tagging scheme in a file",
        "correct the tags; or pass scheme='IOB1', which lets both B- and I- start an entity",
    )
