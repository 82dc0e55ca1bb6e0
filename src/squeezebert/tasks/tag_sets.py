"""A model's own labels for words, told apart by their names, and the entities that they spell.

=========  ==================================================================================
IOB        ``O``, ``B-X``, ``I-X``: IOB2, and IOB1, whose ``I-X`` starts an entity too.
IOBES      With ``E-X`` for an entity's last word and ``S-X`` for its only one (also BIOES).
BILOU      The same with ``L-X`` and ``U-X``.
IO         ``O`` and types without a prefix: an entity is a run of one type.
words      No ``O`` and no prefixes, as of parts of speech: each word is labeled for itself.
=========  ==================================================================================

Readers give the tags of data as IOB2, or as they stand for labeled words; :meth:`TagSet.of_data`
says the same in the model's labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from squeezebert.tasks.entities import WordSpan, spans_from_tags

Naming = Literal["IOB", "IOBES", "BILOU", "IO", "words"]

_PREFIXES: dict[str, str] = {"IOB": "BI", "IOBES": "BIES", "BILOU": "BILU"}


class _Meaning(NamedTuple):
    """What a label says of its word: ``starts`` an entity for sure, ``ends`` it for sure."""

    type: str
    starts: bool
    ends: bool


class TagSet:
    """The labels of one token classifier.

    Args:
        labels: In the order of the head's outputs. Any will do: where some are tags and others
            are not, the others are types without a prefix, as ``transformers`` reads them.

    >>> TagSet(["O", "PER", "LOC"]).spans(["PER", "PER", "LOC"])
    [WordSpan(start=0, end=2, type='PER'), WordSpan(start=2, end=3, type='LOC')]
    >>> TagSet(["NOUN", "VERB"]).spans(["NOUN", "NOUN"])
    [WordSpan(start=0, end=1, type='NOUN'), WordSpan(start=1, end=2, type='NOUN')]
    >>> TagSet(["O", "B-PER", "I-PER", "E-PER", "S-PER"]).of_data(["B-PER", "I-PER", "B-PER"])
    ['B-PER', 'E-PER', 'S-PER']
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self.naming = _naming(self.labels)
        self._meanings = {label: self._meaning(label) for label in self.labels}
        kinds = [meaning.type for meaning in self._meanings.values() if meaning.type]
        self.types: tuple[str, ...] = tuple(sorted(set(kinds)))
        """The types of entities, sorted; for labeled words the labels."""

    def _meaning(self, label: str) -> _Meaning:
        if self.naming == "words":
            return _Meaning(label, starts=True, ends=True)
        if label == "O":
            return _Meaning("", starts=False, ends=False)
        prefix, _, kind = label.partition("-")
        if self.naming != "IO" and kind and prefix in tuple(_PREFIXES[self.naming]):
            return _Meaning(kind, starts=prefix in "BSU", ends=prefix in "ESLU")
        return _Meaning(label, starts=False, ends=False)

    def type_of(self, label: str) -> str:
        """The type that a label names; empty for ``O``."""
        return self._meanings[label].type

    def spans(self, labels: Sequence[str]) -> list[WordSpan]:
        """The entities that the labels of a text's words spell, in order; each word where words
        are labeled. Labels in an order that the scheme does not have are read as conlleval does:
        whatever cannot go on with an entity starts one.
        """
        spans: list[WordSpan] = []
        open_type = ""
        for index, label in enumerate(labels):
            kind, starts, ends = self._meanings[label]
            if kind and kind == open_type and not starts:
                spans[-1] = WordSpan(spans[-1].start, index + 1, kind)
            elif kind:
                spans.append(WordSpan(index, index + 1, kind))
            open_type = "" if ends else kind
        return spans

    def of_data(self, tags: Sequence[str]) -> list[str]:
        """The tags of a data set's text in the labels of this set; what has no label here stays.

        Args:
            tags: As the readers give them: IOB2, or labels of words.
        """
        known = self.naming == "IOB" and all(tag in self._meanings for tag in tags)
        if known or self.naming == "words" or not all(_is_iob2(tag) for tag in tags):
            return list(tags)
        result = ["O"] * len(tags)
        for start, end, kind in spans_from_tags(tags):
            if self.naming == "IO":
                result[start:end] = [kind] * (end - start)
                continue
            first, inside = f"B-{kind}", f"I-{kind}"
            if self.naming == "IOB" and first not in self._meanings and inside in self._meanings:
                first = inside
            result[start:end] = [first] + [inside] * (end - start - 1)
            if self.naming in ("IOBES", "BILOU"):
                last, single = ("E", "S") if self.naming == "IOBES" else ("L", "U")
                result[end - 1] = f"{single if end - start == 1 else last}-{kind}"
        return result


def _is_iob2(tag: str) -> bool:
    return tag == "O" or (tag[:2] in ("B-", "I-") and len(tag) > 2)


def _naming(labels: Sequence[str]) -> Naming:
    tags = [label for label in labels if label != "O"]
    prefixes = {label[0] for label in tags if label[1:2] == "-" and len(label) > 2}
    if "B" in prefixes or prefixes == {"I"}:
        # Beside real tags, an odd one such as X-1 does not tell the scheme.
        if prefixes & set("ES") and not prefixes & set("LU"):
            return "IOBES"
        if prefixes & set("LU") and not prefixes & set("ES"):
            return "BILOU"
        if len(tags) < len(labels) or all(label[1:2] == "-" for label in tags):
            return "IOB"
    return "IO" if len(tags) < len(labels) else "words"
