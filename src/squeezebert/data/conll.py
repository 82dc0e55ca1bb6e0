"""CoNLL columns: one word a line with its tag, a blank line after each sentence."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Literal

from squeezebert.data.examples import TokenExample
from squeezebert.data.lines import read_lines
from squeezebert.data.messages import OnBad, broken, listed, passing, refuse, shown
from squeezebert.data.messages import columns as count_of
from squeezebert.data.tags import TagLines, detect_scheme, is_tag, to_iob2
from squeezebert.errors import DataError, InvalidInputError, near
from squeezebert.files import write_text
from squeezebert.spec import SCHEMES, Scheme

_LOG = logging.getLogger(__name__)

DOCUMENT_START = "-DOCSTART-"
_COMMENT_VALUE = re.compile(r"#\s*([^=\s]+)\s*=\s*(.*?)\s*$")
_NO_WORD_OF_ITS_OWN = re.compile(r"\d+[-.]\d+")
_CONLL_U_COLUMNS = 10


@dataclass
class _Sentence:
    line: int = 0
    columns: int = 0
    words: list[str] = field(default_factory=list[str])
    tags: list[str] = field(default_factory=list[str])
    lines: list[int] = field(default_factory=list[int])
    """Where each tag stands."""
    comments: dict[str, str] = field(default_factory=dict[str, str])
    """``# name = value`` lines before the sentence."""


def read_conll(
    path: str | os.PathLike[str],
    *,
    token_column: int = 0,
    tag_column: int | None = -1,
    scheme: Scheme | None = None,
    types: Collection[str] | None = None,
    other_types: Literal["error", "O"] = "error",
    only: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    ragged: bool = False,
    encoding: str = "utf-8",
    bad: OnBad = refuse,
) -> list[TokenExample]:
    """Sentences with IOB2 tags out of a file of columns, plain, ``.gz`` or ``.xz``.

    A line that starts with ``#`` before the first word of a sentence is a comment, unless it has
    the columns of a word: as many as the file's other words, a tag (where columns are divided by
    spaces and the line begins with ``# ``, one of a type that others have too), and no
    ``# name = value``. Within a sentence ``#`` is a word like any other.
    ``-DOCSTART-`` lines are left out, and so are the ranges (``3-4``) and empty nodes (``3.1``) of
    CoNLL-U's ten columns.

    Args:
        path: The file.
        token_column: Where the word stands, from 0; negative numbers count from the end.
        tag_column: Where the tag stands; None for words without tags.
        scheme: How entities are tagged, see :mod:`squeezebert.data.tags`; found out from all tags
            of the file where None.
        types: The entity types that may stand there; any where None.
        other_types: What to do with a type that is not in ``types``: raise, or make it ``O``.
        only: Take only sentences with these comments: ``{"split": "dev"}`` takes those after
            ``# split = dev``.
        delimiter: What stands between columns; where None, a tab if the first word's line has one,
            else any number of spaces.
        ragged: Accept lines with more columns than the first word's.
        encoding: Of the file.
        bad: Gets the errors that concern one sentence, which is then left out.

    Raises:
        DataError: a file or line that cannot be read as asked; it names file and line.
        InvalidInputError: a scheme or delimiter that cannot be.
    """
    if scheme is not None and scheme not in SCHEMES:
        raise InvalidInputError(f"scheme is {scheme!r}, expected one of {', '.join(SCHEMES)}")
    found = list(_sentences(path, token_column, tag_column, delimiter, ragged, encoding, bad))
    _refuse_numbers(path, found, token_column)
    lines = [TagLines(str(path), s.line, s.tags, s.lines) for s in found]
    if scheme == "IOB1":
        _tell_repaired(path, found)
    if scheme is None:
        scheme = detect_scheme(lines)
    examples: list[TokenExample] = []
    for sentence, tag_lines in zip(found, lines, strict=True):
        if only and any(sentence.comments.get(name) != value for name, value in only.items()):
            continue
        tags = None
        try:
            if tag_column is not None:
                tags = [*to_iob2(tag_lines, scheme)]
                if types is not None:
                    tags = _allowed(tags, types, other_types, tag_lines)
        except DataError as error:
            bad(error)
            continue
        where = f"{path}:{sentence.line}"
        examples.append(TokenExample.from_words(sentence.words, tags, where))
    if not examples:
        kept = "" if only is None else f" with {dict(only)!r}"
        raise broken(str(path), f"no sentences{kept}", "at least one word", "check the file")
    return examples


def _tell_repaired(path: str | os.PathLike[str], found: Iterable[_Sentence]) -> None:
    """Logs how many entities begin with ``I-`` in a file that otherwise begins them with ``B-``."""
    stray = usual = 0
    for sentence in found:
        for before, tag in pairwise(["O", *sentence.tags]):
            fresh = before == "O" or _type(before) != _type(tag)
            stray += fresh and tag.startswith("I-")
            usual += fresh and tag.startswith("B-")
    if stray and usual:
        _LOG.warning("%s: %d I- tags without a B- begin an entity", path, stray)


def write_conll(path: str | os.PathLike[str], examples: Iterable[TokenExample]) -> None:
    """Writes words and IOB2 tags as two columns with a tab between; the whole file or nothing.

    Spacing is not kept: reading the file gives the words joined by single spaces.

    Raises:
        InvalidInputError: an example without tags, or a word that the format cannot hold.
    """
    blocks: list[str] = []
    for example in examples:
        if example.tags is None:
            raise InvalidInputError(f"{example.where or 'an example'} has no tags to write")
        for word in example.words:
            if not word.strip() or word == DOCUMENT_START or any(c in word for c in "\t\n\r\0"):
                raise InvalidInputError(
                    f"the word {word!r} cannot stand in a CoNLL file",
                    hint="words have no tabs, line ends or NUL, and are not only white space",
                )
        rows = zip(example.words, example.tags, strict=True)
        blocks.append("".join(f"{word}\t{tag}\n" for word, tag in rows))
    write_text(Path(path), "\n".join(blocks))


def _sentences(
    path: str | os.PathLike[str],
    token_column: int,
    tag_column: int | None,
    delimiter: str | None,
    ragged: bool,
    encoding: str,
    bad: OnBad,
) -> Iterator[_Sentence]:
    lines = list(read_lines(path, encoding=encoding))
    layout = _Layout(lines, token_column, tag_column, delimiter)
    columns, delimiter = layout.columns, layout.delimiter
    current = _Sentence()
    wrong = False
    for number, line in lines:
        if not line.strip():
            if current.words and not wrong:
                yield current
            if current.words or wrong:
                current, wrong = _Sentence(), False
            continue
        if wrong:
            continue  # one error a sentence is enough
        if line.startswith("#") and not current.words and not layout.is_word(line):
            value = _COMMENT_VALUE.match(line)
            if value:
                current.comments[value[1]] = value[2]
            continue
        where = f"{path}:{number}"
        try:
            cells = _split(line, delimiter)
            word = _cell(cells, token_column, "token_column", where)
            if word == DOCUMENT_START:
                if current.words:
                    yield current
                current = _Sentence()
                continue
            tag = _checked(
                line, cells, word, token_column, tag_column, columns, ragged=ragged, where=where
            )
        except DataError as error:
            bad(error)
            wrong = True
            continue
        if columns == _CONLL_U_COLUMNS and _NO_WORD_OF_ITS_OWN.fullmatch(cells[0]):
            continue
        if tag is not None:
            current.tags.append(tag)
            current.lines.append(number)
        if not current.words:
            current.line, current.columns = number, columns
        current.words.append(word)
    if current.words and not wrong:
        yield current


def _refuse_numbers(
    path: str | os.PathLike[str], sentences: Sequence[_Sentence], column: int
) -> None:
    """Refuses words that are their own numbers beside other columns, as the first of CoNLL-U is."""
    counts = [len(sentence.words) for sentence in sentences]
    if (
        max(counts, default=0) < 2
        or sentences[0].columns < 3
        or any(
            sentence.words != [str(number) for number in range(1, count + 1)]
            for sentence, count in zip(sentences, counts, strict=True)
        )
    ):
        return
    raise broken(
        f"{path}:{sentences[0].line}",
        f"words that are {listed(sentences[0].words)}, the numbers of words",
        "a column of words",
        f"pass --token-column {column + 1} (token_column={column + 1})",
    )


def _checked(
    line: str,
    cells: list[str],
    word: str,
    token_column: int,
    tag_column: int | None,
    columns: int,
    *,
    ragged: bool,
    where: str,
) -> str | None:
    """The tag of a line with a word, once both are known to be what they should; None where there
    are no tags.
    """
    if len(cells) < columns or (len(cells) > columns and not ragged):
        raise broken(
            where,
            count_of(len(cells)),
            f"{columns} as in the first line with a word",
            "comments may only stand before a sentence"
            if line.startswith("#")
            else "complete the line, or divide all columns by tabs",
        )
    if not word.strip():
        raise broken(
            where,
            "an empty word",
            f"a word in column {token_column}",
            "take the line out; a line between sentences has no columns at all",
        )
    if tag_column is None:
        return None
    tag = _cell(cells, tag_column, "tag_column", where)
    if (token_column - tag_column) % len(cells) == 0:
        raise broken(
            where,
            f"{count_of(len(cells))} ({listed(cells)}), so that the word is its own tag",
            "a column of words and one of tags",
            "pass --token-column and --tag-column (token_column=…, tag_column=…), or, if "
            f"the columns are not told apart, {passing('delimiter', ',')}",
        )
    return tag


def _split(line: str, delimiter: str | None) -> list[str]:
    if delimiter in (None, " "):
        return [cell for cell in line.split(" ") if cell]
    return line.split(delimiter)


def _cell(cells: list[str], column: int, name: str, where: str) -> str:
    if -len(cells) <= column < len(cells):
        return cells[column]
    raise broken(
        where,
        f"{count_of(len(cells))} ({listed(cells)}), none of them {name} {column}",
        f"a column {column}",
        "columns are counted from 0; a wrong delimiter also leaves a single column",
    )


class _Layout:
    """The columns of a file, as its lines that begin with no ``#`` have them; of the first that
    does, where all do.
    """

    def __init__(
        self,
        lines: Sequence[tuple[int, str]],
        token_column: int,
        tag_column: int | None,
        delimiter: str | None,
    ) -> None:
        filled = [line for _, line in lines if line.strip()]
        self._words = [line for line in filled if not line.startswith("#")]
        first = next(iter(self._words or filled), "")
        self.delimiter = delimiter or ("\t" if "\t" in first else " ")
        self.columns = len(_split(first, self.delimiter))
        self._token, self._tag = token_column, tag_column

    def is_word(self, line: str) -> bool:
        """Whether a line that starts with ``#`` has the columns of a word."""
        cells = _split(line, self.delimiter)
        if len(cells) != self.columns or (self.delimiter != "\t" and "=" in cells[1:3]):
            return False
        if self._tag is None:
            return len(cells) == 1
        if any(not -len(cells) <= column < len(cells) for column in (self._token, self._tag)):
            return False
        tag = cells[self._tag]
        remark = cells[0] == "#" and self.delimiter != "\t"  # as in "# corrected B-12"
        # Where all lines begin with #, only a tag with a prefix tells a word from a comment.
        known = tag == "O" or _type(tag) in self._types or (not self._words and tag[1:2] == "-")
        if not known and (remark or not self._words or not is_tag(tag)):
            return False
        others = [
            column
            for column in range(len(cells))
            if column not in (self._token % len(cells), self._tag % len(cells))
        ]
        # "# a remark of O": that only its last cell fits is chance.
        return len(others) < 2 or any(
            cells[column] == "#" or cells[column] in self._seen[column] for column in others
        )

    @cached_property
    def _seen(self) -> list[set[str]]:
        """What stands in each column of the lines that begin with no ``#``."""
        seen: list[set[str]] = [set() for _ in range(self.columns)]
        for line in self._words:
            for column, cell in zip(seen, _split(line, self.delimiter), strict=False):
                column.add(cell)
        return seen

    @cached_property
    def _types(self) -> set[str]:
        assert self._tag is not None
        return {_type(cell) for cell in self._seen[self._tag]}


def _type(tag: str) -> str:
    return tag[2:] if tag[1:2] == "-" else tag


def _allowed(
    tags: list[str], types: Collection[str], other: Literal["error", "O"], lines: TagLines
) -> list[str]:
    result: list[str] = []
    for index, tag in enumerate(tags):
        kind = tag[2:] if tag[:2] in ("B-", "I-") else tag
        if tag == "O" or kind in types:
            result.append(tag)
        elif other == "O":
            result.append("O")
        else:
            raise broken(
                lines.where(index),
                f"unknown entity type {shown(kind)}",
                f"one of {listed(sorted(types))}",
                near(kind, types) or "correct the tag, or add its type to the types",
            )
    return result
