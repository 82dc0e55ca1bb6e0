"""Tagging schemes, told apart and turned into IOB2; labels of words stay as they are.

========  ====================================================================================
IOB2      ``B-X`` starts every entity, ``I-X`` goes on with it.
IOB1      ``I-X`` throughout; ``B-X`` only where an entity follows another one of its type.
IOBES     ``B-X … E-X`` for longer entities, ``S-X`` for one word (also called BIOES).
BILOU     The same with ``L-X`` for the last word and ``U-X`` for one word.
IO        Types without a prefix, and ``O``; neighboring words of one type are one entity.
words     Labels of words, such as parts of speech: no prefixes and no ``O``.
========  ====================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from squeezebert.data.examples import Span, TokenExample
from squeezebert.data.messages import broken, passing, shown
from squeezebert.errors import DataError
from squeezebert.spec import SCHEMES, Scheme

_PREFIXES: dict[Scheme, str] = {"IOB1": "IB", "IOB2": "BI", "IOBES": "BIES", "BILOU": "BILU"}
_ALL_PREFIXES = "BIESLU"

_NO_TYPE = re.compile(r"[=|]|^\s|\s$")
"""What stands in features (``Case=Nom|Number=Sing``) and notes, and never in a type or label."""

MOST_LABELS = 1000
"""More different labels than that are a column of something else, such as lemmas."""


@dataclass(frozen=True)
class TagLines:
    """The tags of one sentence, one a line of a file.

    Args:
        path: The file.
        line: The line of the first tag, from 1.
        tags: The tags as they stand there.
        lines: The line of each tag, where they do not follow one another.
    """

    path: str
    line: int
    tags: Sequence[str]
    lines: Sequence[int] = ()

    def where(self, index: int) -> str:
        """``file:line`` of one tag."""
        return f"{self.path}:{self.lines[index] if self.lines else self.line + index}"


def is_tag(text: str) -> bool:
    """Whether ``text`` is ``O`` or a type behind a prefix of some scheme.

    >>> is_tag("O"), is_tag("S-LOC"), is_tag("LOC"), is_tag("I-O"), is_tag("B-PER|Gloss=x")
    (True, True, False, False, False)
    """
    return text == "O" or (_has_prefix(text) and text[2:] != "O" and not _NO_TYPE.search(text))


def _has_prefix(text: str) -> bool:
    return text[:1] in _ALL_PREFIXES and text[1:2] == "-" and len(text) > 2


def detect_scheme(sentences: Iterable[TagLines]) -> Scheme:
    """The one scheme that all the sentences follow; IOB2 where more than one would do.

    Raises:
        DataError: something that is no tag, or tags of different schemes in one file.
    """
    sentences = list(sentences)
    if not any(_has_prefix(tag) for sentence in sentences for tag in sentence.tags):
        return _without_prefixes(sentences)
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
    """The tags of one sentence in IOB2; the labels of words as they are.

    IOB1 is read as the CoNLL scorer does: ``B-`` always starts an entity, ``I-`` does so after
    another type or ``O``. So it takes a mixture with IOB2 as well. The others must be exact.

    Raises:
        DataError: a tag that is not of the scheme, or that cannot stand where it does.

    >>> to_iob2(TagLines("a.conll", 1, ["I-PER", "I-PER", "B-PER", "O"]), "IOB1")
    ('B-PER', 'I-PER', 'B-PER', 'O')
    >>> to_iob2(TagLines("a.conll", 1, ["S-LOC", "B-PER", "E-PER"]), "IOBES")
    ('B-LOC', 'B-PER', 'I-PER')
    """
    if scheme in ("IO", "words"):
        return _plain(sentence, scheme)
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
                f"correct the tag, or to let it start an entity {passing('scheme', 'IOB1')}",
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


def head_labels(tags: Iterable[str]) -> tuple[str, ...]:
    """The outputs of a head that learns these tags, as the readers give them: IOB2 tags over the
    entity types, or the labels of words, sorted.

    >>> head_labels(["O", "B-PER"]), head_labels(["VERB", "NOUN", "VERB"])
    (('O', 'B-PER', 'I-PER'), ('NOUN', 'VERB'))
    """
    found = set(tags)
    if all(is_tag(tag) for tag in found):
        return iob2_labels(tag[2:] for tag in found if tag != "O")
    return tuple(sorted(found))


def names_entities(labels: Iterable[str]) -> bool:
    """Whether labels that :func:`head_labels` gave are IOB2 tags, not labels of words."""
    return "O" in labels


def entity_spans(example: TokenExample) -> tuple[Span, ...]:
    """The entities of an example by characters of its text; none where it has no tags, each word
    where words are labeled.

    >>> entity_spans(TokenExample.from_words(["Ada", "Byron"], ["B-PER", "I-PER"]))
    (Span(start=0, end=9, type='PER'),)
    """
    spans: list[Span] = []
    for (start, end), tag in zip(example.offsets, example.tags or (), strict=False):
        if tag.startswith("I-") and spans:
            spans[-1] = Span(start=spans[-1].start, end=end, type=spans[-1].type)
        elif tag != "O":
            spans.append(Span(start=start, end=end, type=tag[2:] if is_tag(tag) else tag))
    return tuple(spans)


_SCHEME_HINT = (
    f"correct the tags, or if they follow another scheme {passing('scheme', 'IOB1')}; "
    f"there are {', '.join(SCHEMES)}"
)
_COLUMN_HINT = "is this the tag column? If not, pass --tag-column N (tag_column=N)"


def _without_prefixes(sentences: Sequence[TagLines]) -> Scheme:
    """Told apart where no tag has a prefix."""
    labels = {tag for sentence in sentences for tag in sentence.tags}
    fits = _is_bare_type if "O" in labels else _is_word_label
    for sentence in sentences:
        for index, tag in enumerate(sentence.tags):
            if tag != "O" and not fits(tag):
                raise _not_a_tag(sentence.where(index), tag, _ALL_PREFIXES)
    words = sum(len(sentence.tags) for sentence in sentences)
    if len(labels) > MOST_LABELS or (len(labels) > 50 and len(labels) * 4 > words):
        raise broken(
            sentences[0].where(0),
            f"{len(labels)} different tags without a prefix for {words} words",
            "a few labels that come again and again",
            _COLUMN_HINT,
        )
    if labels <= {"O"}:
        return "IOB2"
    return "IO" if "O" in labels else "words"


def _is_bare_type(tag: str) -> bool:
    """Whether ``tag`` can be a type without a prefix: no lone letter, nor one before a dash."""
    return len(tag) > 1 and tag[0].isalnum() and tag[1] not in "-_" and _is_word_label(tag)


def _is_word_label(tag: str) -> bool:
    return tag not in ("", "_") and not _NO_TYPE.search(tag)


def _plain(sentence: TagLines, scheme: Scheme) -> tuple[str, ...]:
    """Tags without prefixes, as IOB2 or as they are."""
    result: list[str] = []
    before = "O"
    for index, tag in enumerate(sentence.tags):
        if not (tag == "O" or _is_bare_type(tag) if scheme == "IO" else _is_word_label(tag)):
            raise _not_a_tag(sentence.where(index), tag, _ALL_PREFIXES, scheme)
        entity = scheme == "IO" and tag != "O"
        result.append(f"{'I' if tag == before else 'B'}-{tag}" if entity else tag)
        before = tag
    return tuple(result)


def _not_a_tag(where: str, tag: str, prefixes: str, scheme: Scheme | None = None) -> DataError:
    expected = f"O or a type after {', '.join(f'{prefix}-' for prefix in prefixes)}"
    if scheme in ("IO", "words"):
        expected = "a label without a prefix"
    return broken(
        where,
        f"tag {shown(tag)}",
        expected if scheme is None else f"a tag of {scheme}: {expected}",
        _COLUMN_HINT if scheme is None else _SCHEME_HINT,
    )


def _mixed(where: str, found: str, other: str) -> DataError:
    return broken(
        where,
        f"{found}, but {other}",
        "one tagging scheme in a file",
        f"correct the tags; or, to let both B- and I- start an entity, {passing('scheme', 'IOB1')}",
    )
