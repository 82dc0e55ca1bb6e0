"""Splits that a data set does not bring, and the cleaning of some texts.

Splits go by hash, so that they depend on no file order, random number generator or Python version.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from html import unescape
from typing import Any, TypeVar

from squeezebert.data.examples import Document, TextExample

SEED = 0
"""What the hashes of all our own splits begin with."""

Item = TypeVar("Item", TextExample, Document)


def letters_and_digits(text: str) -> str:
    """The letters and digits of ``text``, case folded: equal for texts that only differ in
    spacing, signs or case.

    >>> letters_and_digits("Don ’ t!") == letters_and_digits("don't")
    True
    """
    return "".join(letter for letter in text if letter.isalnum()).casefold()


def whole_text(text: str) -> str:
    """The text itself: repeated texts are those that are exactly equal."""
    return text


def below_title(text: str) -> str:
    """The text below its first line: articles under two titles count as one."""
    return text.partition("\n")[2]


def distinct(examples: Iterable[TextExample], key: Callable[[str], str]) -> list[TextExample]:
    """The first example of each key of a text."""
    first: dict[str, TextExample] = {}
    for example in examples:
        first.setdefault(key(example.text), example)
    return list(first.values())


def document_key(document: Document) -> str:
    """What two dialogues share that count as the same one."""
    return letters_and_digits(" ".join(document.turns))


def unseen(documents: Iterable[Document], seen: Collection[str] = ()) -> list[Document]:
    """The first document of each key that is not in ``seen``, see :func:`document_key`."""
    first: dict[str, Document] = {}
    for document in documents:
        first.setdefault(document_key(document), document)
    return [document for key, document in first.items() if key not in seen]


def part(
    examples: Sequence[TextExample], low: float, high: float, *, seed: int = SEED
) -> list[TextExample]:
    """The examples whose rank within their label lies in the shares ``low`` to ``high``.

    The rank is that of a hash of seed and text. Parts that divide 0 to 1 divide the examples, and
    each label in the same shares up to rounding. Multi-label examples are ranked together. The
    order of the examples is kept.

    >>> examples = [TextExample(text=str(n), label="even odd".split()[n % 2]) for n in range(20)]
    >>> [len(part(examples, *shares)) for shares in ((0, 0.7), (0.7, 0.8), (0.8, 1))]
    [14, 2, 4]
    """
    groups: dict[object, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        groups[example.label if isinstance(example.label, str) else None].append(index)
    taken: list[int] = []
    for indices in groups.values():
        ranked = sorted(indices, key=lambda index: _hash(examples[index], seed))
        taken += ranked[round(low * len(ranked)) : round(high * len(ranked))]
    return [examples[index] for index in sorted(taken)]


def divide(examples: Sequence[Any], share: float, *, by_label: bool) -> tuple[list[Any], list[Any]]:
    """Training and dev part of a set without a dev part; the same ones whenever it is asked.

    Args:
        examples: All of them.
        share: Of the dev part.
        by_label: Of texts: each class in the same share, and one text of all where no class is
            large enough; else every so-manieth example.

    >>> [len(some) for some in divide(range(20), 0.1, by_label=False)]
    [18, 2]
    """
    if by_label:
        dev = part(examples, 0.0, share)
        if dev or len(examples) < 2:
            return part(examples, share, 1.0), dev
        first = min(range(len(examples)), key=lambda index: _hash(examples[index], SEED))
        return [*examples[:first], *examples[first + 1 :]], [examples[first]]
    every = max(round(1 / share), 2)
    dev = examples[every // 2 :: every]
    return [e for index, e in enumerate(examples) if index % every != every // 2], [*dev]


def _hash(example: TextExample, seed: int) -> str:
    content = f"{seed}\n{example.text}\n{example.pair or ''}"
    return hashlib.sha256(content.encode()).hexdigest()


_NUMBER = re.compile(r" ?(?<!&)#(\d{2,5});")
_NAME = re.compile(r" ?(?<![&\w])(quot|amp|lt|gt|nbsp|mdash|hellip);")


def clean_ag_news(text: str) -> str:
    r"""AG News text without its damaged HTML escapes.

    The set's authors turned the ``&`` of most escapes into a space and line ends into ``\``.

    >>> clean_ag_news(r"Ada #39;s  quot;plan\B quot; &lt;b&gt;")
    'Ada\'s "plan B" <b>'
    """
    text = _NUMBER.sub(r"&#\1;", text)
    text = _NAME.sub(r"&\1;", text)
    return unescape(text).replace("\\", " ")


_QUOTE = re.compile(r"^\s*([>|]|In article\b)|\b(writes|wrote):\s*$")


def clean_newsgroup_post(text: str) -> str:
    r"""A post without headers, quoted lines and signature, which give its group away; its subject
    where nothing else is left.

    >>> clean_newsgroup_post("From: a@b\nSubject: Orbits\n\nBo writes:\n> why?\nBecause.\n-- \nA.")
    'Because.'
    """
    header, _, body = text.partition("\n\n")
    lines: list[str] = []
    for line in body.split("\n"):
        if line.rstrip() == "--":
            break
        if not _QUOTE.search(line):
            lines.append(line)
    cleaned = "\n".join(lines).strip()
    if cleaned:
        return cleaned
    subject = re.search(r"^Subject:\s*(?:Re:\s*)*(.*)$", header, re.MULTILINE | re.IGNORECASE)
    return (subject[1].strip() if subject else "") or text.strip()
