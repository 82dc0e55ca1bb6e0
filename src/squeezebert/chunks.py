"""Any number of texts, cut into chunks of examples; what is wrong with one does not touch those
before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from squeezebert.errors import SqueezeBertError
from squeezebert.tasks.base import Features, Task


@dataclass(frozen=True, kw_only=True, eq=False)
class Chunk:
    """Examples that are worked through together.

    Args:
        examples: In the order of the texts.
        error: What stands in the way of the next one, to be raised once these are answered; such
            a chunk is the last.
    """

    examples: list[Any]
    error: Exception | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedChunk(Chunk):
    """The same as inputs of a model."""

    features: list[Features]


def read_chunks(
    task: Task[Any, Any, Any],
    texts: Iterable[object],
    size: int,
    place: Callable[[int], str] = "text {}".format,
) -> Iterator[Chunk]:
    """Texts as examples, in chunks. An error ends them: it comes with what was read before it.

    Args:
        task: Makes the examples.
        texts: As a person gave them.
        size: The most of a chunk.
        place: What messages call the text of an index; asked as soon as the text is read.
    """
    examples: list[Any] = []
    numbered = enumerate(texts)
    while True:
        try:
            for at, text in islice(numbered, size - len(examples)):
                examples.append(task.from_text(text, place(at)))
        except Exception as error:  # noqa: BLE001 - raised in its turn
            yield Chunk(examples=examples, error=error)
            return
        if not examples:
            return
        yield Chunk(examples=examples)
        examples = []


def encoded_ahead(task: Task[Any, Any, Any], chunks: Iterator[Chunk]) -> Iterator[EncodedChunk]:
    """All chunks as inputs; while one is worked with, a thread encodes the next."""
    present = next(chunks, None)
    following = next(chunks, None)
    if present is not None and following is None:
        yield _encode_chunk(task, present)
    elif present is not None:
        with ThreadPoolExecutor(1, thread_name_prefix="squeezebert-encode") as encoder:
            ahead = encoder.submit(_encode_chunk, task, present)
            while ahead is not None:
                encoded, ahead = ahead.result(), None
                if following is not None:
                    ahead = encoder.submit(_encode_chunk, task, following)
                yield encoded
                following = next(chunks, None)


def _encode_chunk(task: Task[Any, Any, Any], chunk: Chunk) -> EncodedChunk:
    """The examples as inputs, up to the first that cannot be one."""
    try:
        features = task.encode(chunk.examples)
        return EncodedChunk(examples=chunk.examples, error=chunk.error, features=features)
    except SqueezeBertError as error:
        return _encode_before(task, chunk.examples, error)


def _encode_before(
    task: Task[Any, Any, Any], examples: list[Any], error: SqueezeBertError
) -> EncodedChunk:
    for at, example in enumerate(examples):
        try:
            task.encode([example])
        except SqueezeBertError as own:
            good = examples[:at]
            return EncodedChunk(examples=good, error=own, features=task.encode(good))
    raise error  # none of them is to blame by itself


@dataclass(frozen=True, eq=False)
class Answers:
    """What the model said about some examples, before it is decoded.

    Args:
        features: The inputs, in the order of the examples.
        reduced: What the task kept of the logits of each.
    """

    features: list[Features]
    reduced: list[Any]

    @property
    def tokens(self) -> int:
        """All tokens of all inputs, special ones included."""
        return sum(len(item) for item in self.features)
