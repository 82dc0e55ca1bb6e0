"""The models of a server, and the way of a question from its texts to an answer."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from squeezebert.backends.engine_backend import EngineBackend
from squeezebert.checkpoint.directory import read_spec
from squeezebert.embedding import TextEncoder
from squeezebert.engine import describe_precision
from squeezebert.engine.precision import AUTO, Precision
from squeezebert.errors import InvalidInputError, SqueezeBertError, shown
from squeezebert.loading import Source, model_name
from squeezebert.pipeline import Pipeline, load
from squeezebert.serving import schemas
from squeezebert.serving.batching import Batcher
from squeezebert.serving.limits import Limits
from squeezebert.serving.logs import LOGGER, event
from squeezebert.serving.metrics import Metrics
from squeezebert.serving.operations import (
    ClassifyText,
    ClassifyTokens,
    ExtractFeatures,
    FillMask,
    Operation,
    OperationName,
    Prepared,
)
from squeezebert.serving.refusals import (
    ModelFaultError,
    RefusedError,
    TooLargeError,
    UnknownModelError,
)

INLINE_CHARACTERS = 2000
"""Texts of so many characters are tokenized, and answers decoded, where they are: a hop to a thread
and back takes longer."""

WAITING_SHARE = 0.7
"""Of the time that a request has: if its turn would come later, it is not let in."""

WARM_UP = "[MASK] is a word."
"""A first text makes the engine start its threads before somebody waits for them."""

_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)?", re.ASCII)

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A model to serve, under a name that can stand in a URL.

    >>> ModelSource.parse("news=squeezebert-mini-news")
    ModelSource(name='news', model='squeezebert-mini-news')
    """

    name: str
    model: str

    @classmethod
    def parse(cls, text: str) -> ModelSource:
        """``NAME=MODEL``, or a model that is served under its own name.

        Raises:
            InvalidInputError: a name that a URL cannot hold.
        """
        name, equals, model = text.partition("=")
        if not equals or not _NAME.fullmatch(name) or Path(text).is_dir():
            name, model = model_name(text), text
        if not _NAME.fullmatch(name):
            raise InvalidInputError(
                f"a model cannot be served as {name!r}: letters, digits, '_', '-', '.' and one '/' "
                "make a name",
                hint=f"give it one: NAME={text}",
            )
        return cls(name=name, model=model)


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked(Generic[Answer]):
    """An operation of a loaded model with its queue."""

    operation: Operation[Any, Any, Any]
    batcher: Batcher[Any, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """A model in memory. A reload makes a new one; whoever holds the old one can finish with it,
    and the last one to let go of it frees it.

    Args:
        info: What it is.
        since: When it was loaded, in seconds since 1970.
        asked: What it answers, by name; vectors always.
    """

    info: schemas.ModelInfo
    since: int
    asked: Mapping[OperationName, Asked[Any]]

    @property
    def features(self) -> ExtractFeatures:
        """The operation that makes vectors."""
        operation = self.asked["feature-extraction"].operation
        assert isinstance(operation, ExtractFeatures)
        return operation


class Service:
    """Loads models and answers questions to them. One event loop at a time may ask.

    Args:
        sources: What to serve.
        limits: How much to take on.
        precision: As for :func:`squeezebert.load`.
        threads: The engine's threads a batch; all usable cores where None.

    Raises:
        InvalidInputError: no model, or two under one name.
        CheckpointError: a model that cannot be loaded.

    >>> service = Service([ModelSource.parse("squeezebert-mini-news")], threads=1)
    >>> service.model("squeezebert-mini-news").info.task
    'text-classification'
    >>> service.close()
    """

    def __init__(
        self,
        sources: Sequence[ModelSource],
        *,
        limits: Limits | None = None,
        precision: Precision = AUTO,
        threads: int | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.metrics = Metrics()
        self.ready = False
        self._precision: Precision = precision
        self._threads = threads
        self._sources = {source.name: source for source in sources}
        if not sources or len(self._sources) < len(sources):
            raise InvalidInputError(
                "no model is given"
                if not sources
                else f"two models would have one name among {', '.join(s.name for s in sources)}",
                hint="give each a name of its own: NAME=MODEL",
            )
        # One batch at a time: the engine spreads each over the cores by itself.
        self._engine = ThreadPoolExecutor(1, thread_name_prefix="squeezebert-engine")
        self._tokenizing = ThreadPoolExecutor(2, thread_name_prefix="squeezebert-tokenize")
        self._reloading = asyncio.Lock()
        self._loaded = {name: self._load(source, 1) for name, source in self._sources.items()}

    # Models

    @property
    def models(self) -> Mapping[str, Loaded]:
        """All models by name."""
        return self._loaded

    def model(self, name: str) -> Loaded:
        """A model.

        Raises:
            UnknownModelError: none of that name is served.
        """
        if name not in self._loaded:
            raise self.missing(name)
        return self._loaded[name]

    def missing(self, rest: str) -> UnknownModelError:
        """Why there is nothing at ``rest`` below ``/models/``: no such model, or one that does not
        answer that.
        """
        name, _, asked = rest.partition("/pipeline/")
        if name not in self._loaded:
            return UnknownModelError(
                f"no model {shown(name)} is served here",
                hint=f"models: {', '.join(self._loaded)}",
            )
        return UnknownModelError(
            f"the model {shown(name)} does not answer {shown(asked)}",
            hint=f"it answers {', '.join(self._loaded[name].asked)}",
        )

    def _load(self, source: ModelSource, times: int) -> Loaded:
        found = Source.find(source.model)
        spec = read_spec(found.directory)
        operations: list[Operation[Any, Any, Any]] = []
        if spec is None:
            encoder = TextEncoder.load(
                source.model, precision=self._precision, threads=self._threads
            )
            labels: list[str] = []
        else:
            pipeline = load(source.model, precision=self._precision, threads=self._threads)
            labels = list(pipeline.labels)
            operations.append(_operation(pipeline))
            backend = pipeline.backend
            assert isinstance(backend, EngineBackend)
            encoder = TextEncoder(
                backend.engine, pipeline.task.tokenizer, max_length=spec.max_length
            )
        operations.append(ExtractFeatures(encoder))
        engine = encoder.engine
        return Loaded(
            info=schemas.ModelInfo(
                model_id=source.name,
                task=operations[0].name,
                labels=labels,
                max_length=encoder.max_length,
                dimensions=engine.config.hidden_size,
                precision=describe_precision(engine.precision),
                instruction_set=engine.isa,
                threads=engine.threads,
                loaded=times,
            ),
            since=int(time.time()),
            asked={op.name: self._asked(source.name, op) for op in operations},
        )

    def _asked(self, name: str, operation: Operation[Any, Any, Any]) -> Asked[Any]:
        batcher = Batcher(
            operation.run,
            cost=operation.cost,
            executor=self._engine,
            batch_tokens=self.limits.batch_tokens,
            queue_tokens=self.limits.queue_tokens,
            observe=self.metrics.batch_observer(name, operation.name),
        )
        return Asked(operation=operation, batcher=batcher)

    async def start(self) -> None:
        """Warms the models up; from then on the service is ready."""
        for name in self._loaded:
            await self._install(name, self._loaded[name])
        self.ready = True

    async def _install(self, name: str, loaded: Loaded) -> None:
        """Puts a model where requests find it, once it has answered a first text."""
        features = loaded.asked["feature-extraction"]
        warm = features.operation.prepare(schemas.FeatureExtractionRequest(inputs=WARM_UP))
        await features.batcher.run(warm.items)
        self._loaded[name] = loaded
        for operation, asked in loaded.asked.items():
            batcher = asked.batcher
            self.metrics.watch_queue(name, operation, lambda b=batcher: b.waiting_tokens)

    async def reload(self) -> None:
        """Loads all models anew from where they came, one after the other. Requests go on: those
        that have begun end with the old model. One that cannot be loaded, or is now for another
        task, stays as it is; the log says why.
        """
        async with self._reloading:
            for name, source in self._sources.items():
                old = self._loaded[name].info
                try:
                    new = await asyncio.get_running_loop().run_in_executor(
                        self._tokenizing, self._load, source, old.loaded + 1
                    )
                    if new.info.task != old.task:
                        raise InvalidInputError(
                            f"{name} was loaded for {old.task} and is now for {new.info.task}",
                            hint="start the server again",
                        )
                    await self._install(name, new)
                except (SqueezeBertError, OSError) as error:
                    event(logging.ERROR, "reload failed", model=name, reason=str(error))
                    self.metrics.count_reload(name, succeeded=False)
                else:
                    event(logging.INFO, "reloaded", model=name, times=new.info.loaded)
                    self.metrics.count_reload(name, succeeded=True)

    def close(self) -> None:
        """Frees the threads, once what they do is done."""
        self.ready = False
        self._engine.shutdown()
        self._tokenizing.shutdown()

    # Questions

    async def ask(
        self,
        asked: Asked[Any],
        body: Any,
        texts: Sequence[Any],
        render: Callable[[Prepared[Any], Sequence[Any]], Answer],
        *,
        seconds: float,
    ) -> tuple[Answer, Prepared[Any]]:
        """An answer, made of the results by ``render``; and what it was made for.

        Args:
            asked: Of which model, and what.
            body: The question.
            texts: Its texts, counted and measured only.
            render: Makes the answer.
            seconds: That there are. Who would wait for most of them is refused at once, rather
                than to take the place of others and go away without an answer.

        Raises:
            RefusedError: too much, a full queue, a model that fails.
            InvalidInputError: texts that the task does not take.
        """
        limits = self.limits
        if len(texts) > limits.texts:
            raise TooLargeError(
                f"{len(texts)} texts are too many: a request may have {limits.texts}",
                hint="send them in several requests",
            )
        # Before any work is put into it.
        asked.batcher.check_room(within_seconds=WAITING_SHARE * seconds)
        small = sum(map(_characters, texts)) <= INLINE_CHARACTERS
        prepared: Prepared[Any] = await self._do(small, asked.operation.prepare, body)
        if prepared.tokens > limits.tokens:
            raise TooLargeError(
                f"{prepared.tokens} tokens are too many: a request may have {limits.tokens}",
                hint="send shorter texts, or fewer at a time",
            )
        try:
            results = await asked.batcher.run(prepared.items)
        except RefusedError:
            raise
        except SqueezeBertError as error:
            # The texts were in order: this is not the client's fault.
            LOGGER.error("the model failed", exc_info=error)
            raise ModelFaultError("the model failed on this input") from error
        return await self._do(small, render, prepared, results), prepared

    async def _do(self, small: bool, work: Callable[..., Answer], *arguments: Any) -> Answer:
        if small:
            return work(*arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._tokenizing, work, *arguments)


def _operation(pipeline: Pipeline[Any]) -> Operation[Any, Any, Any]:
    if pipeline.task.name == "masked_lm":
        return FillMask(pipeline)
    if pipeline.task.name == "text_classification":
        return ClassifyText(pipeline)
    return ClassifyTokens(pipeline)


def _characters(text: Any) -> int:
    return len(text) if isinstance(text, str) else len(text.text) + len(text.text_pair)
