"""Text in, typed predictions out: a task, a model under some backend, and batching."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, cast, overload

from squeezebert.backends import DEFAULT_BACKEND, open_backend
from squeezebert.backends.base import Backend
from squeezebert.batch import plan_batches
from squeezebert.checkpoint.bundle import copy_model
from squeezebert.chunks import Answers, Chunk, encoded_ahead, read_chunks
from squeezebert.columns import FrameLibrary, Several, Text, items_of, make_frame, refusal
from squeezebert.errors import CheckpointError, ConfigError, InvalidInputError
from squeezebert.loading import Origin
from squeezebert.spec import TaskName
from squeezebert.tasks import Entities, FilledMasks, TextPrediction, make_task
from squeezebert.tasks.base import Aggregation, Features, Task

if TYPE_CHECKING:
    from squeezebert.engine.precision import Precision

CHUNK_TEXTS = 512
"""Texts that are sorted by length and batched together when a long list is worked through."""

Prediction: TypeAlias = TextPrediction | Entities | FilledMasks
"""What a text gives: a class (or classes, or a number), entities, or candidates for its masks."""

Answer = TypeVar("Answer")
"""What a pipeline gives for a text: one of those, by task."""


class Pipeline(Generic[Answer]):
    """A model ready for use; made by :func:`load`.

    Calls may come from many threads at once. A loaded pipeline can be pickled: its origin and its
    settings travel, not its weights; it is loaded anew on the other side. Copies share the model.

    Args:
        task: Encodes texts and decodes answers.
        backend: Runs the model.
        name: What to call it.
        batch_tokens: The most tokens of a batch (a longer input goes alone), padding included if
            the backend pads; what suits the backend where None.
        origin: Where it can be loaded from again; None for one that cannot be pickled.

    Raises:
        CheckpointError: a task whose inputs or vocabulary the model cannot take.
        InvalidInputError: ``batch_tokens`` below 1.

    >>> pipeline = load("squeezebert-mini-news", task="text_classification", threads=1)
    >>> one, two = pipeline(["The striker scored twice.", "The bank raised its interest rate."])
    >>> one.label, two.label
    ('sport', 'business')
    >>> list(pipeline("The match was postponed.", top_k=2).probabilities)[0]
    'sport'
    """

    def __init__(
        self,
        task: Task[Any, Any, Answer],
        backend: Backend,
        *,
        name: str = "model",
        batch_tokens: int | None = None,
        origin: Origin | None = None,
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
        self._origin = origin

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes or tags, in the order of the model's outputs; none for a masked LM."""
        return self.task.spec.labels

    def __repr__(self) -> str:
        by = self.backend
        return (
            f"<Pipeline {self.name!r} for {self.task.name}: {by.name} in {by.precision} on "
            f"{by.instruction_set}, {by.threads} thread{'s' if by.threads != 1 else ''}>"
        )

    # Copies and pickles

    def __copy__(self) -> Pipeline[Answer]:
        return self._with(self.task)

    def __deepcopy__(self, memo: dict[int, Any]) -> Pipeline[Answer]:
        return self._with(self.task)

    def __reduce__(self) -> tuple[Callable[..., Pipeline[Any]], tuple[object, ...]]:
        return _load, (self._loaded_from(), self.batch_tokens)

    def _loaded_from(self) -> Origin:
        if self._origin is None:
            raise InvalidInputError(
                f"the pipeline {self.name!r} was put together by hand: there is no model directory "
                "that another process could load it from",
                hint="save the model and load() it, or make the pipeline in each process",
            )
        return self._origin

    def _with(self, task: Task[Any, Any, Answer]) -> Pipeline[Answer]:
        origin = self._origin if task is self.task else None
        return Pipeline(
            task, self.backend, name=self.name, batch_tokens=self.batch_tokens, origin=origin
        )

    # Predictions

    @overload
    def __call__(
        self,
        texts: Text,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        aggregation: Aggregation | None = None,
    ) -> Answer: ...

    @overload
    def __call__(
        self,
        texts: Several,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        aggregation: Aggregation | None = None,
    ) -> list[Answer]: ...

    def __call__(
        self,
        texts: Text | Several,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        aggregation: Aggregation | None = None,
    ) -> Answer | list[Answer]:
        """Predictions for one text or for several.

        Args:
            texts: A string; or strings as a list, a Series of pandas or polars, an array of NumPy
                or pyarrow, or an iterator, which is read whole. Text classification takes a pair of
                texts as a tuple of two strings. A masked LM fills each ``[MASK]`` in a text.
            top_k: Text classification: how many classes to tell the probabilities of; all where
                None. Masked LM: how many candidates a gap gets; 5 where None.
            threshold: The least probability: of a label, where a text may have several (0.5 where
                None); of an entity; of a candidate for a gap.
            aggregation: Token classification: ``entities``, or ``words`` for every word with its
                tag as the type; ``entities`` where None.

        Returns:
            One prediction for a string or a tuple, a list of them for anything else.

        Raises:
            InvalidInputError: something that is not a text, a pair for another task than text
                classification, a text for a masked LM without ``[MASK]``; the message says which
                of the list. A choice that the task does not have.
        """
        pipeline = self.choosing(top_k=top_k, threshold=threshold, aggregation=aggregation)
        if isinstance(texts, (str, tuple)):
            return pipeline.predict([self.task.from_text(texts)])[0]
        items = items_of(texts)
        if items is None:
            raise refusal(texts)
        # All are looked at before any is answered: a wrong one costs no waiting.
        examples = [self.task.from_text(text, f"text {at}") for at, text in enumerate(items)]
        chunks = (
            Chunk(examples=examples[at : at + CHUNK_TEXTS])
            for at in range(0, len(examples), CHUNK_TEXTS)
        )
        return list(pipeline._predict_chunks(chunks))

    def stream(
        self,
        texts: Iterable[Text] | Several,
        *,
        chunk_texts: int = CHUNK_TEXTS,
        top_k: int | None = None,
        threshold: float | None = None,
        aggregation: Aggregation | None = None,
        place: Callable[[int], str] = "text {}".format,
    ) -> Iterator[Answer]:
        """Predictions one after the other, in order; memory holds two chunks only.

        Args:
            texts: Any number of texts, as for a call.
            chunk_texts: How many are batched by length. The next chunk is read, and made into
                tokens, while the model works on one.
            top_k: As for a call.
            threshold: As for a call.
            aggregation: As for a call.
            place: What messages call the text of an index, such as the line of its file. Asked as
                soon as the text is read.

        Raises:
            InvalidInputError: as for a call; where a text is to blame, once all before it have
                been answered, with its number. What goes wrong in ``texts`` itself comes then too.
        """
        if chunk_texts < 1:
            raise InvalidInputError(f"chunk_texts is {chunk_texts}, expected 1 or more")
        if isinstance(texts, str):
            raise InvalidInputError(
                "the input is a string, expected several texts", hint="call the pipeline with it"
            )
        pipeline = self.choosing(top_k=top_k, threshold=threshold, aggregation=aggregation)
        items = items_of(texts) or cast("Iterable[object]", texts)
        return pipeline._predict_chunks(read_chunks(self.task, items, chunk_texts, place))

    def frame(
        self,
        texts: Several,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        aggregation: Aggregation | None = None,
        library: FrameLibrary | None = None,
    ) -> Any:
        """Predictions for several texts as a frame: a row a text, an entity, or a candidate for a
        gap; see :func:`squeezebert.columns.make_frame`.

        Args:
            texts: As for a call, like the other choices.
            top_k: The same.
            threshold: The same.
            aggregation: The same.
            library: ``pandas``, ``polars`` or ``pyarrow``; where None that of ``texts``, or pandas.
        """
        predictions = self(texts, top_k=top_k, threshold=threshold, aggregation=aggregation)
        return make_frame(self.task.name, texts, predictions, library)

    def save(self, directory: str | Path) -> None:
        """Writes the model as a directory of its own, for :func:`load` and the command line.

        Raises:
            CheckpointError, InvalidInputError: the model is gone; something is there already.
        """
        copy_model(self._loaded_from().source.find_again().directory, Path(directory))

    def predict(self, examples: Sequence[Any]) -> list[Answer]:
        """Predictions for examples as the readers give them, in order."""
        answers = self.answer(examples)
        return self.task.predict(examples, answers.features, answers.reduced)

    def choosing(
        self,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        aggregation: Aggregation | None = None,
    ) -> Pipeline[Answer]:
        """The same with other choices of what predictions hold, as for a call; both share a model.

        Raises:
            InvalidInputError: a choice that the task does not have, or one out of its range.
        """
        if top_k is None and threshold is None and aggregation is None:
            return self
        return self._with(
            self.task.choosing(top_k=top_k, threshold=threshold, aggregation=aggregation)
        )

    def _predict_chunks(self, chunks: Iterator[Chunk]) -> Iterator[Answer]:
        for chunk in encoded_ahead(self.task, chunks):
            yield from self.task.predict(chunk.examples, chunk.features, self.run(chunk.features))
            if chunk.error is not None:
                raise chunk.error

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
            kept = self.task.ask(self.backend, [features[at] for at in batch])
            for index, item in zip(batch, kept, strict=True):
                reduced[index] = item
        return reduced


@overload
def load(
    name_or_directory: str | Path,
    *,
    task: Literal["text_classification"],
    backend: str = DEFAULT_BACKEND,
    precision: Precision = "auto",
    threads: int | None = None,
    batch_tokens: int | None = None,
) -> Pipeline[TextPrediction]: ...


@overload
def load(
    name_or_directory: str | Path,
    *,
    task: Literal["token_classification"],
    backend: str = DEFAULT_BACKEND,
    precision: Precision = "auto",
    threads: int | None = None,
    batch_tokens: int | None = None,
) -> Pipeline[Entities]: ...


@overload
def load(
    name_or_directory: str | Path,
    *,
    task: Literal["masked_lm"],
    backend: str = DEFAULT_BACKEND,
    precision: Precision = "auto",
    threads: int | None = None,
    batch_tokens: int | None = None,
) -> Pipeline[FilledMasks]: ...


@overload
def load(
    name_or_directory: str | Path,
    *,
    task: TaskName | None = None,
    backend: str = DEFAULT_BACKEND,
    precision: Precision = "auto",
    threads: int | None = None,
    batch_tokens: int | None = None,
) -> Pipeline[Any]: ...


def load(
    name_or_directory: str | Path,
    *,
    task: TaskName | None = None,
    backend: str = DEFAULT_BACKEND,
    precision: Precision = "auto",
    threads: int | None = None,
    batch_tokens: int | None = None,
) -> Pipeline[Any]:
    """A model with its tokenizer, ready for texts.

    Args:
        name_or_directory: A model directory, the name of a shipped model, or one on the Hugging
            Face hub.
        task: The task that is expected; an error where the model is for another. Type checkers
            know by it what the pipeline gives.
        backend: What runs it, see :data:`squeezebert.backends.BACKENDS`.
        precision: In what the engine computes: ``auto``, ``int8``, ``bf16`` or ``float32``, or
            names by kind of product; see :meth:`squeezebert.engine.Engine.load`.
        threads: CPU threads of the backend; its own choice where None.
        batch_tokens: The most tokens of a batch; what suits the backend where None.

    Raises:
        CheckpointError: no such model, or a damaged one.
        InvalidInputError: an unknown task, backend or precision, or a task that the model has no
            head for.
        MissingDependencyError: the backend's package is not installed.
    """
    origin = Origin.find(
        name_or_directory, backend=backend, precision=precision, threads=threads, task=task
    )
    return _load(origin, batch_tokens)


def _load(origin: Origin, batch_tokens: int | None) -> Pipeline[Any]:
    source = origin.source.find_again()
    spec = origin.read_spec(source)
    backend, tokenizer = source.open(
        lambda directory: open_backend(
            origin.backend, directory, precision=origin.precision, threads=origin.threads
        )
    )
    try:
        made = make_task(spec, tokenizer)
    except ConfigError as error:
        raise ConfigError(f"the model {source.given}: {error.message}", hint=error.hint) from error
    return Pipeline(made, backend, name=source.name, batch_tokens=batch_tokens, origin=origin)
