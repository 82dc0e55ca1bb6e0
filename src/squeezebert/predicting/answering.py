"""Chunks of rows through a pipeline: what it says of each, and which rows are bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from squeezebert.columns import Text
from squeezebert.data.bad_rows import BadRows
from squeezebert.data.tables import EmptyText
from squeezebert.errors import DataError, InvalidInputError, SqueezeBertError
from squeezebert.pipeline import Pipeline, Prediction
from squeezebert.predicting.items import Item
from squeezebert.tasks.base import Features

CHUNK_ROWS = 1024
CHUNK_CHARACTERS = 4_000_000
"""A chunk ends before it holds so much text, or after its first row."""


class Columns(Protocol):
    """Where rows come from, as far as it matters here."""

    @property
    def text(self) -> str:
        """The column of the text."""
        ...

    @property
    def pair(self) -> str | None:
        """That of the second text of a pair."""
        ...

    @property
    def read(self) -> float:
        """The share of the input that was read, 0 to 1."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Answered:
    """Some rows that follow each other.

    Args:
        items: All of them, bad ones included, in their order.
        good: Those that were answered, each with its text (a pair as a tuple), what the model says
            (None where the text is blank) and the language of the text where that was asked for.
        bad: Those that cannot be, with the reason.
        error: What ends the work behind these rows.
        read: The share of the input that was read when these were, 0 to 1.
    """

    items: list[Item]
    good: list[tuple[Item, Text, Prediction | None, str | None]]
    bad: list[tuple[Item, SqueezeBertError]]
    error: BaseException | None
    read: float


@dataclass(kw_only=True, eq=False)
class _Prepared:
    items: list[Item] = field(default_factory=list[Item])
    texts: list[tuple[Item, Text, bool, str | None]] = field(
        default_factory=list[tuple[Item, Text, bool, "str | None"]]
    )
    """Good rows: item, text, whether it is not blank, language."""
    examples: list[Any] = field(default_factory=list[Any])
    features: list[Features] = field(default_factory=list[Features])
    bad: list[tuple[Item, SqueezeBertError]] = field(
        default_factory=list[tuple[Item, SqueezeBertError]]
    )
    error: BaseException | None = None
    read: float = 0.0


class Answering:
    """Answers rows, a chunk at a time; the next one is read and made into tokens meanwhile.

    Args:
        pipeline: The model, with what its predictions shall hold chosen.
        inputs: Where the rows come from.
        bad_rows: ``error`` stops before the first row that cannot be answered.
        empty: What becomes of a row whose text is blank: ``keep`` gives it no answer, ``skip``
            leaves it out, and ``error`` takes it for one that cannot be answered; of a pair the
            last two look at either text.
        language: Tells the language of a text.
        refusal: Why a good row cannot be written, or None; such a row is bad too.
        chunk_rows: The most rows of a chunk.
    """

    def __init__(
        self,
        pipeline: Pipeline[Any],
        inputs: Columns,
        *,
        bad_rows: BadRows = "error",
        empty: EmptyText = "keep",
        language: Callable[[str], str] | None = None,
        refusal: Callable[[Item], SqueezeBertError | None] | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        self._pipeline = pipeline
        self._task = pipeline.task
        self._inputs = inputs
        self._empty = empty
        self._stops = bad_rows == "error"
        self._language = language
        self._refusal = refusal
        self._chunk_rows = chunk_rows

    def chunks(self, items: Iterator[Item]) -> Iterator[Answered]:
        """Everything that ``items`` still gives. What goes wrong on the way comes as the ``error``
        of the last chunk.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="squeezebert-read") as reader:
            ahead = reader.submit(self._prepare, items)
            while True:
                present = ahead.result()
                if not present.items and present.error is None:
                    return
                if present.error is None:
                    ahead = reader.submit(self._prepare, items)
                yield self._answer(present)
                if present.error is not None:
                    return

    def _answer(self, prepared: _Prepared) -> Answered:
        said = iter(
            self._task.predict(
                prepared.examples, prepared.features, self._pipeline.run(prepared.features)
            )
        )
        good = [
            (item, text, next(said) if asked else None, language)
            for item, text, asked, language in prepared.texts
        ]
        return Answered(
            items=prepared.items,
            good=good,
            bad=prepared.bad,
            error=prepared.error,
            read=prepared.read,
        )

    def _prepare(self, items: Iterator[Item]) -> _Prepared:
        chunk = _Prepared()
        characters = 0
        try:
            while len(chunk.items) < self._chunk_rows and characters < CHUNK_CHARACTERS:
                item = next(items, None)
                if item is None:
                    break
                try:
                    text = self._text(item)
                    blank = self._is_blank(text, item)
                    example = None if blank else self._example(text, item)
                except SqueezeBertError as error:
                    if self._stops:
                        raise
                    chunk.bad.append((item, error))
                else:
                    characters += len(text) if isinstance(text, str) else sum(map(len, text))
                    if not (blank and self._empty == "skip"):
                        language = None if blank else self._language_of(text)
                        chunk.texts.append((item, text, not blank, language))
                        chunk.examples += [] if blank else [example]
                chunk.items.append(item)
        except BaseException as error:  # noqa: BLE001 - raised in its turn, behind what is good
            chunk.error = error
        try:
            chunk.features = self._task.encode(chunk.examples)
        except SqueezeBertError:
            self._encode_singly(chunk)
        chunk.read = self._inputs.read
        return chunk

    def _text(self, item: Item) -> Text:
        if item.error is not None:
            raise item.error
        assert item.row is not None
        if self._refusal is not None:
            wrong = self._refusal(item)
            if wrong is not None:
                raise wrong
        first = self._cell(item, self._inputs.text)
        return first if self._inputs.pair is None else (first, self._cell(item, self._inputs.pair))

    def _is_blank(self, text: Text, item: Item) -> bool:
        """Whether a row gets no answer.

        Raises:
            DataError: it is blank, and such rows are errors.
        """
        blank = [not one.strip() for one in ((text,) if isinstance(text, str) else text)]
        if self._empty == "keep":
            return all(blank)
        if any(blank) and self._empty == "error":
            name = self._inputs.text if blank[0] else self._inputs.pair
            raise DataError(
                f"{item.where}: the text (column {name!r}) is empty, expected some text",
                hint="--empty keep answers such rows with nothing, skip leaves them out",
            )
        return any(blank)

    def _example(self, text: Text, item: Item) -> Any:
        return item.example or self._task.from_text(text, item.where)

    def _cell(self, item: Item, name: str) -> str:
        assert item.row is not None
        value = item.row.get(name)
        if value is None:
            if item.row and name not in item.row:
                raise InvalidInputError(
                    f"{item.where}: no field {name!r}", hint="write null where there is no text"
                )
            return ""
        if not isinstance(value, str):
            raise InvalidInputError(
                f"{item.where}: {name!r} is {value!r:.40}, expected a text",
                hint="choose the column of the text with --text",
            )
        return value

    def _language_of(self, text: Text) -> str | None:
        if self._language is None:
            return None
        return self._language(text if isinstance(text, str) else "\n".join(text))

    def _encode_singly(self, chunk: _Prepared) -> None:
        """Finds the rows that cannot be encoded, and encodes the others."""
        examples = iter(chunk.examples)
        kept: list[Any] = []
        texts = chunk.texts
        chunk.texts = []
        for item, text, asked, language in texts:
            if asked:
                example = next(examples)
                try:
                    self._task.encode([example])
                except SqueezeBertError as error:
                    if self._stops:
                        chunk.error = error
                        chunk.items = chunk.items[: chunk.items.index(item)]
                        break
                    chunk.bad.append((item, error))
                    continue
                kept.append(example)
            chunk.texts.append((item, text, asked, language))
        chunk.examples = kept
        chunk.features = self._task.encode(kept)
