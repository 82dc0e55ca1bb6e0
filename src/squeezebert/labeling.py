"""Soft labels for text that nobody labeled: a tagger says what it thinks of each word, a
classifier what it thinks of each text.

Small models learn from that more than from the few sentences that people tagged. Nothing here needs
torch: the teacher runs on any backend.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from squeezebert.data import dataset_names, open_dataset
from squeezebert.data.delimited import TABLE_SUFFIXES
from squeezebert.data.examples import TextExample, TokenExample
from squeezebert.data.lines import format_suffix
from squeezebert.data.sentences import split_sentences
from squeezebert.data.variants import variants
from squeezebert.data.words import split_words
from squeezebert.errors import InvalidInputError, near
from squeezebert.pipeline import Pipeline
from squeezebert.tasks import TextClassification, TokenClassification
from squeezebert.tasks.metrics import sigmoid, softmax

Item = TypeVar("Item")
Example = TypeVar("Example", TextExample, TokenExample)

SHORTEST, LONGEST = 4, 60
"""Words of a sentence that is worth labeling; longer ones are cut."""

CHUNK = 2048
"""Texts that the teacher reads together."""

PLAIN = 0.5
"""A sentence is plain where the teacher gives every word at least this probability of being outside
all names."""


def unlabeled(
    source: str | Path,
    limit: int | None = None,
    **columns: Any,
) -> Iterator[TokenExample]:
    """The sentences of a file of text, or of a data set known by name, untagged.

    Args:
        source: A table (:mod:`squeezebert.data.tables`) or another text file, plain, ``.gz`` or
            ``.xz`` (:mod:`squeezebert.data.documents`), or the name of a token- or
            text-classification set, whose ``train`` split is read; with ``:dev`` or ``:test`` after
            it, that split.
        limit: At most so many of them, spread evenly over the source; all where None.
        columns: How a table is laid out, in the words of :func:`squeezebert.data.open_dataset`:
            ``text``, ``pair``, ``delimiter`` and so on.

    Raises:
        DataError, InvalidInputError: no such file or data set.
    """
    name, _, split = str(source).partition(":")
    if name in dataset_names("token_classification"):
        data = open_dataset(name, task="token_classification", split=split or "train")
        for example in _spread(data.examples, limit):
            yield dataclasses.replace(example, tags=None, types=None)
        return
    if name in dataset_names("text_classification"):
        texts = [
            (text, example.where)
            for example in _known_texts(name, split)
            for text in (example.text, example.pair)
            if text
        ]
    else:
        pair = columns.pop("pair", None)
        if pair is not None:  # two columns are as good as one, where sentences are wanted
            columns["text"] = (columns.get("text", "text"), pair)
        texts = _paragraphs(source, columns)
    found = [
        (sentence, where)
        for text, where in texts
        for sentence in split_sentences(text)
        if sentence.count(" ") >= SHORTEST - 1
    ]
    for sentence, where in _spread(found, limit):
        words = [sentence[first:last] for first, last in split_words(sentence)]
        for start in range(0, len(words), LONGEST):
            if len(words) - start >= SHORTEST:
                yield TokenExample.from_words(words[start : start + LONGEST], where=where)


def _known_texts(name: str, split: str) -> list[TextExample]:
    data = open_dataset(name, task="text_classification", split=split or "train")
    return [dataclasses.replace(example, label=None) for example in data.examples]


def _paragraphs(source: str | Path, columns: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The paragraphs of a file, or the rows of a table, and where each stands."""
    _check_there(source)
    columns = {"empty": "skip", **columns}
    data = open_dataset(Path(source), task="masked_lm", split="train", **columns)
    return [(turn, document.where) for document in data.examples for turn in document.turns]


def _check_there(source: str | Path) -> None:
    """Names the data set that a misspelt one may have meant."""
    path = Path(source)
    if not path.exists() and not path.suffix and path.name == str(source):
        names = dataset_names("token_classification") + dataset_names("text_classification")
        raise InvalidInputError(
            f"no data set and no file is called {str(source)!r}",
            hint=near(str(source), names) or "name a file, or a data set of entities or of classes",
        )


def unlabeled_texts(
    source: str | Path,
    limit: int | None = None,
    *,
    copies: int = 0,
    **columns: Any,
) -> list[TextExample]:
    """The texts, or pairs, of a file or of a data set known by name, without their labels.

    Args:
        source: A table, whose rows are texts; any other text file, whose paragraphs are; or the
            name of a token- or text-classification set, as for :func:`unlabeled`.
        limit: At most so many of them, spread evenly over the source; all where None.
        copies: So many altered copies of each come after them (:mod:`squeezebert.data.variants`).
        columns: How a table is laid out, as for :func:`unlabeled`.

    Raises:
        DataError, InvalidInputError: no such file or data set, or a table that cannot be read.
    """
    name, _, split = str(source).partition(":")
    if name in dataset_names("token_classification"):
        data = open_dataset(name, task="token_classification", split=split or "train")
        found = [TextExample(text=e.text, where=e.where) for e in data.examples]
    elif name in dataset_names("text_classification"):
        found = _known_texts(name, split)
    elif format_suffix(source) in TABLE_SUFFIXES:
        columns = {"empty": "skip", **columns, "label": None}
        data = open_dataset(Path(source), task="text_classification", split="train", **columns)
        found = data.examples
    else:
        found = [
            TextExample(text=text, where=where) for text, where in _paragraphs(source, columns)
        ]
    found = list(_spread(found, limit))
    originals = found[:]
    for seed in range(copies if originals else 0):
        found += variants(originals, seed=seed)
    return found


def _spread(items: Sequence[Item], limit: int | None) -> Sequence[Item]:
    if limit is None or len(items) <= limit:
        return items
    step = len(items) / limit
    return [items[int(index * step)] for index in range(limit)]


def label(
    pipeline: Pipeline[Any],
    examples: Iterable[TokenExample],
    *,
    plain_share: float = 1.0,
    seed: int = 0,
) -> Iterator[TokenExample]:
    """The examples with ``soft``, what the tagger gives each word.

    Args:
        pipeline: A tagger.
        examples: In words.
        plain_share: The share of plain sentences (:data:`PLAIN`) that is kept. Names are rare in
            running text, so students see more of them this way.
        seed: Of that choice.

    Raises:
        InvalidInputError: a model of another task, or a share outside [0, 1].
    """
    task = pipeline.task
    if not isinstance(task, TokenClassification):
        raise InvalidInputError(
            f"{pipeline.name} is a model for {task.name}, expected token_classification",
            hint="labels of words come from a tagger, such as one that ends in -ner",
        )
    if not 0 <= plain_share <= 1:
        raise InvalidInputError(f"plain_share is {plain_share}, expected a share from 0 to 1")
    draw = np.random.default_rng(seed)
    outside = [not task.tag_set.type_of(label) for label in task.spec.labels]
    for chunk in _chunks(examples):
        answers = pipeline.answer(chunk)
        scores = task.word_scores(chunk, answers.features, answers.reduced)
        kept = draw.random(len(chunk)) < plain_share
        for example, logits, plain_too in zip(chunk, scores, kept, strict=True):
            soft = softmax(logits)
            if len(soft) and (plain_too or soft[:, outside].sum(axis=1).min() < PLAIN):
                yield dataclasses.replace(example, soft=soft.astype(np.float16))


def label_texts(pipeline: Pipeline[Any], examples: Iterable[TextExample]) -> Iterator[TextExample]:
    """The examples with ``soft``, how probable the classifier thinks each class; of a regression,
    the number.

    Args:
        pipeline: A text classifier; its temperature does not count.
        examples: Texts or pairs.

    Raises:
        InvalidInputError: a model of another task.
    """
    task = pipeline.task
    if not isinstance(task, TextClassification):
        raise InvalidInputError(
            f"{pipeline.name} is a model for {task.name}, expected text_classification",
            hint="labels of texts come from a classifier, those of words from a tagger",
        )
    likely = {"single_label": softmax, "multi_label": sigmoid}.get(task.spec.problem_type)
    for chunk in _chunks(examples):
        logits = np.stack(pipeline.answer(chunk).reduced)
        for example, soft in zip(chunk, likely(logits) if likely else logits, strict=True):
            yield dataclasses.replace(example, soft=soft.astype(np.float32))


def _chunks(examples: Iterable[Example]) -> Iterator[Sequence[Example]]:
    chunk: list[Example] = []
    for example in examples:
        chunk.append(example)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
