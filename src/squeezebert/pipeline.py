"""Text in, typed predictions out: a task, a model under some backend, and batching."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

from squeezebert.backends import DEFAULT_BACKEND, open_backend
from squeezebert.backends.base import Backend, RanksTokens
from squeezebert.batch import RaggedBatch
from squeezebert.checkpoint.directory import read_spec
from squeezebert.checkpoint.hub import resolve
from squeezebert.data.examples import Document, TextExample
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.spec import TASK_NAMES, TaskName
from squeezebert.tasks import make_task
from squeezebert.tasks.base import Features, Task
from squeezebert.tasks.masked_lm import FilledMask, MaskedLM
from squeezebert.tasks.text_classification import TextPrediction
from squeezebert.tasks.token_classification import Entity, TokenClassification
from squeezebert.tokenizer import MASK, Tokenizer

if TYPE_CHECKING:
    from squeezebert.engine.precision import Precision

CHUNK_TEXTS = 512
"""Texts that are sorted by length and batched together when a long list is worked through."""

Text: TypeAlias = str | tuple[str, str]
"""A text, or a pair of texts for text classification."""

Texts: TypeAlias = list[str] | list[tuple[str, str]] | list[Text]
"""Several texts. Only a list will do: a tuple of two strings is one pair."""

Prediction: TypeAlias = TextPrediction | tuple[Entity, ...] | tuple[FilledMask, ...]
"""What a text gives: a class (or classes, or a number), entities, or candidates for its masks."""


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


class Pipeline:
    """A model ready for use; made by :func:`load`.

    Args:
        task: Encodes texts and decodes answers.
        backend: Runs the model.
        name: What to call it.
        batch_tokens: The most tokens of a batch (a longer input goes alone), padding included if
            the backend pads; what suits the backend where None.

    Raises:
        CheckpointError: a task whose inputs or vocabulary the model cannot take.
        InvalidInputError: ``batch_tokens`` below 1.

    >>> from squeezebert.backends.torch_backend import TorchBackend
    >>> from squeezebert.config import EncoderConfig
    >>> from squeezebert.model import HeadConfig, build_model
    >>> from squeezebert.tasks import TaskSpec
    >>> tokenizer = Tokenizer.from_vocabulary(
    ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"], lowercase=True
    ... )
    >>> config = EncoderConfig(vocab_size=7, embedding_size=16, hidden_size=16,
    ...     num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    >>> labels = ("no", "yes")
    >>> model = build_model(config, HeadConfig(kind="text_classification", labels=labels))
    >>> task = make_task(TaskSpec(task="text_classification", labels=labels), tokenizer)
    >>> pipeline = Pipeline(task, TorchBackend(model))
    >>> answers = pipeline(["good", "bad", "good bad"])
    >>> len(answers), answers[0].label in labels
    (3, True)
    """

    def __init__(
        self,
        task: Task[Any, Any, Any],
        backend: Backend,
        *,
        name: str = "model",
        batch_tokens: int | None = None,
    ) -> None:
        if batch_tokens is not None and batch_tokens < 1:
            raise InvalidInputError(f"batch_tokens is {batch_tokens}, expected 1 or more")
        positions = backend.config.max_position_embeddings
        if task.spec.max_length > positions:
            raise CheckpointError(
                f"{name}: max_length is {task.spec.max_length}, but the model has positions "
                f"for {positions} tokens",
                hint="lower max_length in task.json",
            )
        self.task = task
        self.backend = backend
        self.name = name
        self.batch_tokens = backend.batch_tokens if batch_tokens is None else batch_tokens

    @overload
    def __call__(self, texts: Text) -> Prediction: ...

    @overload
    def __call__(self, texts: Texts) -> list[Prediction]: ...

    def __call__(self, texts: Text | Texts) -> Prediction | list[Prediction]:
        """Predictions for one text or for a list of them.

        Args:
            texts: A string, or a list of strings. Text classification takes a pair of texts as
                a tuple of two strings. A masked LM fills each ``[MASK]`` in a text.

        Returns:
            One prediction for a string or a tuple, a list of them for a list.

        Raises:
            InvalidInputError: something that is not a text, a pair for another task than text
                classification, a text for a masked LM without ``[MASK]``.
        """
        if isinstance(texts, (str, tuple)):
            return self.predict([self._example(texts, "the text")])[0]
        if not isinstance(texts, list):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(
                f"the input is {_kind(texts)}, expected a string or a list of strings",
                hint="a file or generator of texts goes into Pipeline.stream",
            )
        # All are looked at before any is answered: a wrong one costs no waiting.
        examples = [self._example(text, f"text {at}") for at, text in enumerate(texts)]
        return list(self._predict_chunks(_chunks(examples, CHUNK_TEXTS)))

    def stream(
        self, texts: Iterable[Text], *, chunk_texts: int = CHUNK_TEXTS
    ) -> Iterator[Prediction]:
        """Predictions one after the other, in order; memory holds two chunks only.

        Args:
            texts: Any number of texts, as for a call.
            chunk_texts: How many are batched by length. The next chunk is read, and made into
                tokens, while the model works on one.

        Raises:
            InvalidInputError: as for a call, when the chunk with the wrong text is read.
        """
        if chunk_texts < 1:
            raise InvalidInputError(f"chunk_texts is {chunk_texts}, expected 1 or more")
        examples = (self._example(text, f"text {at}") for at, text in enumerate(texts))
        yield from self._predict_chunks(_chunks(examples, chunk_texts))

    def predict(self, examples: Sequence[Any]) -> list[Any]:
        """Predictions for examples as the readers give them, in order."""
        answers = self.answer(examples)
        return self.task.predict(examples, answers.features, answers.reduced)

    def _predict_chunks(self, chunks: Iterator[list[Any]]) -> Iterator[Prediction]:
        """Predictions for all chunks. Tokenizing is done in a thread, for the next chunk."""
        present = next(chunks, None)
        following = next(chunks, None)
        if present is None or following is None:
            yield from self.predict(present or [])
            return

        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1, thread_name_prefix="squeezebert-encode") as encoder:
            encoded = encoder.submit(self.task.encode, present)
            while present is not None:
                features = encoded.result()
                if following is not None:
                    encoded = encoder.submit(self.task.encode, following)
                yield from self.task.predict(present, features, self.run(features))
                present, following = following, next(chunks, None)

    def answer(self, examples: Sequence[Any], *, with_labels: bool = False) -> Answers:
        """Encodes ``examples``, runs the model over them in batches by length, and keeps what the
        task needs of the logits. Nothing is decoded yet.

        Raises:
            DataError: ``with_labels`` and a label that the model does not know.
            InvalidInputError: an example that cannot be encoded.
        """
        features = self.task.encode(examples, with_labels=with_labels)
        return Answers(features=features, reduced=self.run(features))

    def run(self, features: Sequence[Features]) -> list[Any]:
        """What the task keeps of each input's logits, in order; the model runs in batches."""
        reduced: list[Any] = [None] * len(features)
        lengths = [len(item) for item in features]
        for batch in plan_batches(lengths, self.batch_tokens, pads=self.backend.pads):
            for index, kept in zip(batch, self._run([features[at] for at in batch]), strict=True):
                reduced[index] = kept
        return reduced

    def _run(self, features: list[Features]) -> list[Any]:
        """What the task keeps of each input of one batch."""
        batch = RaggedBatch.from_features(features)
        if isinstance(self.task, MaskedLM):
            return self._fill(self.task, batch, features)
        logits = self.backend.logits(batch)
        # One row an input, or one a token. An input has two tokens at least.
        by_input = len(logits) == len(batch)
        rows = list(logits) if by_input else np.split(logits, batch.cu_seqlens[1:-1])
        return [self.task.reduce(item, row) for item, row in zip(features, rows, strict=True)]

    def _fill(self, task: MaskedLM, batch: RaggedBatch, features: list[Features]) -> list[Any]:
        """The same for a masked LM, which answers at its gaps only."""
        gaps = [task.positions(item) for item in features]
        positions = np.concatenate(gaps) + np.repeat(batch.cu_seqlens[:-1], [*map(len, gaps)])
        ends = np.cumsum([*map(len, gaps)])[:-1]
        needed = task.best_needed(features[0])
        # Some models' tables are padded to a round number, which only task.reduce leaves out.
        padded = self.backend.config.vocab_size > task.tokenizer.vocab_size
        if needed is not None and not padded and isinstance(self.backend, RanksTokens):
            best = self.backend.top_k(batch, positions, needed)
            rows = zip(*(np.split(part, ends) for part in best), strict=True)
            return [task.reduce_best(*row) for row in rows]
        logits = np.split(self.backend.logits(batch, positions), ends)
        return [task.reduce(item, row) for item, row in zip(features, logits, strict=True)]

    def _example(self, text: object, where: str) -> Any:
        """A raw text as the task's kind of example."""
        if isinstance(text, tuple) and self.task.name == "text_classification":
            parts: tuple[object, ...] = text
            if len(parts) == 2 and all(isinstance(part, str) for part in parts):
                return TextExample(text=str(parts[0]), pair=str(parts[1]))
        if not isinstance(text, str):
            raise InvalidInputError(
                f"{where} is {_kind(text)}, expected a string",
                hint="pairs are tuples of two strings, for text classification only",
            )
        if self.task.name == "text_classification":
            return TextExample(text=text)
        if isinstance(self.task, TokenClassification):
            return self.task.from_text(text)
        if MASK not in text:
            raise InvalidInputError(
                f"{where} holds no {MASK}, so there is nothing to fill: {text[:80]!r}",
                hint=f"write {MASK} where a word is wanted",
            )
        return Document(turns=(text,))


def load(
    name_or_directory: str | Path,
    *,
    backend: str = DEFAULT_BACKEND,
    precision: Precision = "auto",
    task: TaskName | None = None,
    threads: int | None = None,
    batch_tokens: int | None = None,
) -> Pipeline:
    """A model with its tokenizer, ready for texts.

    Args:
        name_or_directory: A model directory, the name of a shipped model, or one on the Hugging
            Face hub.
        backend: What runs it, see :data:`squeezebert.backends.BACKENDS`.
        precision: In what the engine computes: ``auto``, ``int8``, ``bf16`` or ``float32``, or
            names by kind of product; see :meth:`squeezebert.engine.Engine.load`.
        task: The task that is expected; an error where the model is for another.
        threads: CPU threads of the backend; its own choice where None.
        batch_tokens: The most tokens of a batch; what suits the backend where None.

    Raises:
        CheckpointError: no such model, or a damaged one.
        InvalidInputError: an unknown task, backend or precision, or a task that the model has no
            head for.
        MissingDependencyError: the backend's package is not installed.
    """
    if task is not None and task not in TASK_NAMES:
        raise InvalidInputError(
            f"no task is called {task!r}", hint=f"tasks: {', '.join(TASK_NAMES)}"
        )
    directory = resolve(name_or_directory)
    spec = read_spec(directory)
    if spec is None or (task is not None and spec.task != task):
        found = "none of the tasks" if spec is None else spec.task
        raise InvalidInputError(
            f"the model {name_or_directory} is for {found}" + (f", not for {task}" if task else ""),
            hint="fine-tune it: squeezebert train --help",
        )
    tokenizer = Tokenizer.load(directory)
    opened = open_backend(backend, directory, precision=precision, threads=threads)
    if tokenizer.vocab_size > opened.config.vocab_size:
        raise CheckpointError(
            f"{directory}: the tokenizer has {tokenizer.vocab_size} tokens, but the model "
            f"embeddings for {opened.config.vocab_size}",
            hint="the tokenizer of another model lies in the directory",
        )
    return Pipeline(
        make_task(spec, tokenizer),
        opened,
        name=model_name(name_or_directory),
        batch_tokens=batch_tokens,
    )


def model_name(name_or_directory: str | Path) -> str:
    """What to call a model: a directory by its own name, any other by the name given.

    >>> model_name("squeezebert/squeezebert-uncased")
    'squeezebert/squeezebert-uncased'
    """
    path = Path(name_or_directory).expanduser()
    return path.resolve().name if path.is_dir() else str(name_or_directory)


def plan_batches(
    lengths: Sequence[int], batch_tokens: int, *, pads: bool = True
) -> list[list[int]]:
    """Which inputs go together: alike in length, longest first, at most ``batch_tokens`` tokens,
    padding included if the backend ``pads``.

    >>> plan_batches([2, 9, 3, 8], batch_tokens=20)
    [[1, 3], [2, 0]]
    >>> plan_batches([2, 9, 3, 8], batch_tokens=20, pads=False)
    [[1, 3, 2], [0]]
    """
    batches: list[list[int]] = []
    room = 0
    for index in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        cost = lengths[batches[-1][0]] if pads and batches else lengths[index]
        if not batches or cost > room:
            batches.append([])
            room, cost = batch_tokens, lengths[index]
        batches[-1].append(index)
        room -= cost
    return batches


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _kind(value: object) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    return f"of type {type(value).__name__}"
