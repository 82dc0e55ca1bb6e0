"""From a name to a model and its tokenizer: the one way for pipelines and for vectors."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from squeezebert.checkpoint.directory import read_spec
from squeezebert.checkpoint.hub import resolve
from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.spec import TASK_NAMES, TaskName, TaskSpec
from squeezebert.tokenizer import Tokenizer

if TYPE_CHECKING:
    from squeezebert.engine.precision import Precision


class Shaped(Protocol):
    """Anything that knows the shape of its model: an engine, a backend."""

    @property
    def config(self) -> EncoderConfig:
        """The shape."""
        ...


Opened = TypeVar("Opened", bound=Shaped)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a model is. Small, so that what was loaded from it can be sent to other processes.

    Args:
        name: What to call it: a directory by its own name, any other by the name given.
        given: What was asked for; a directory as its absolute path.
        directory: Where it was found.
    """

    name: str
    given: str
    directory: Path

    @classmethod
    def find(cls, name_or_directory: str | Path) -> Source:
        """A model directory, the name of a shipped model, or one on the Hugging Face hub.

        Raises:
            CheckpointError: none of the three.

        >>> Source.find("squeezebert-mini-news").name
        'squeezebert-mini-news'
        """
        directory = resolve(name_or_directory).absolute()
        path = Path(name_or_directory).expanduser()
        given = str(path.absolute() if path.is_dir() else name_or_directory)
        return cls(name=model_name(name_or_directory), given=given, directory=directory)

    def find_again(self) -> Source:
        """The same model in another process: the very directory where it can be seen, so that no
        name is asked for twice; on another machine by what was asked for.

        Raises:
            CheckpointError: it is not there.
        """
        if self.directory.is_dir():
            return self
        return dataclasses.replace(self, directory=resolve(self.given).absolute())

    def open(self, opener: Callable[[Path], Opened]) -> tuple[Opened, Tokenizer]:
        """The model, as ``opener`` loads it from the directory, and its tokenizer.

        Raises:
            CheckpointError: a damaged model, or one with the tokenizer of another.
        """
        tokenizer = Tokenizer.load(self.directory)
        opened = opener(self.directory)
        if tokenizer.vocab_size > opened.config.vocab_size:
            raise CheckpointError(
                f"{self.directory}: the tokenizer has {tokenizer.vocab_size} tokens, but the model "
                f"embeddings for {opened.config.vocab_size}",
                hint="the tokenizer of another model lies in the directory",
            )
        return opened, tokenizer


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a pipeline or an encoder was loaded from, and how: all that a pickled one carries.

    Args:
        source: Where the model is.
        backend: What runs it.
        precision: As it was asked for.
        threads: The same; None leaves the choice to the backend of each process.
        task: The task that is expected, or None.
    """

    source: Source
    backend: str
    precision: Precision
    threads: int | None
    task: TaskName | None

    @classmethod
    def find(
        cls,
        name_or_directory: str | Path,
        *,
        backend: str = "engine",
        precision: Precision = "auto",
        threads: int | None = None,
        task: TaskName | None = None,
    ) -> Origin:
        """Looks a model up; see :meth:`Source.find`.

        Raises:
            CheckpointError: no such model.
            InvalidInputError: no such task.
        """
        if task is not None and task not in TASK_NAMES:
            raise InvalidInputError(
                f"no task is called {task!r}", hint=f"tasks: {', '.join(TASK_NAMES)}"
            )
        return cls(
            source=Source.find(name_or_directory),
            backend=backend,
            # A copy, as some mappings cannot be pickled.
            precision=precision if isinstance(precision, str) else dict(precision),
            threads=threads,
            task=task,
        )

    def read_spec(self, source: Source) -> TaskSpec:
        """The model's task, which is the one that is expected.

        Raises:
            CheckpointError: a damaged model.
            InvalidInputError: it is for another task, or for none.
        """
        spec = read_spec(source.directory)
        if spec is not None and self.task in (None, spec.task):
            return spec
        hint = "fine-tune it: squeezebert train --help"
        if spec is None:
            hint += (
                "; for vectors of texts take squeezebert.TextEncoder; if it has a head, say so "
                'in its config.json: "architectures": ["BertForTokenClassification"]'
            )
        raise InvalidInputError(
            f"the model {source.given} is for {spec.task if spec else 'none of the tasks'}"
            + (f", not for {self.task}" if self.task else ""),
            hint=hint,
        )


def model_name(name_or_directory: str | Path) -> str:
    """What to call a model: a directory by its own name, any other by the name given.

    >>> model_name("squeezebert/squeezebert-uncased")
    'squeezebert/squeezebert-uncased'
    """
    path = Path(name_or_directory).expanduser()
    return path.resolve().name if path.is_dir() else str(name_or_directory)
