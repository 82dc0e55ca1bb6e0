"""The models that come with the package, and what was measured of them."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from squeezebert import files
from squeezebert.checkpoint.directory import CONFIG, read_spec, size_on_disk
from squeezebert.errors import CheckpointError
from squeezebert.spec import TaskSpec
from squeezebert.structured import build, read_json

PRETRAINED = Path(__file__).parents[1] / "pretrained"
"""Where the models that ship lie, each in a directory of its name."""

MEASURED = "measured.json"
"""Beside a shipped model: its scores and its speed."""

VECTORS = "sentence_vectors"
"""What a model without a head is for: :class:`squeezebert.embedding.TextEncoder` takes it."""


@dataclass(frozen=True, kw_only=True)
class ShippedScore:
    """What a shipped model reaches, in the precision that it takes by itself.

    Args:
        name: ``accuracy``, ``entity_f1``, …
        value: Of it.
        data: The data set by name.
        split: Which part of it.
    """

    name: str
    value: float
    data: str
    split: str


@dataclass(frozen=True, kw_only=True)
class ShippedSpeed:
    """How fast the engine runs a shipped model.

    Args:
        cpu_ms: Milliseconds of CPU time of one text, on one thread.
        tokens: The text's length.
        precision: In what the engine computed.
        isa: On which instruction set.
        cpu: What the processor is called.
    """

    cpu_ms: float
    tokens: int
    precision: str
    isa: str
    cpu: str


@dataclass(frozen=True, kw_only=True)
class ShippedModel:
    """A trained model that comes with the package.

    Args:
        name: What :func:`squeezebert.load` takes.
        directory: Where it lies.
        spec: Task, labels and languages; None for an encoder of sentences, which has no head.
        languages: ISO 639-1 codes of the languages that it was trained for.
        size_mb: Of its weight files, shared ones included.
        description: One line from its card.
        scores: On the data sets that its card tells of.
        speed: On the machine that it was measured on; None where it was not.
    """

    name: str
    directory: Path
    spec: TaskSpec | None
    languages: tuple[str, ...]
    size_mb: float
    description: str
    scores: tuple[ShippedScore, ...] = ()
    speed: ShippedSpeed | None = None

    @property
    def task(self) -> str:
        """What it is for: its task, or :data:`VECTORS`."""
        return VECTORS if self.spec is None else self.spec.task


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The content of ``measured.json``.

    Args:
        scores: Of the model, on the data sets that its card tells of.
        speed: On the machine that it was measured on; None where it was not.
        languages: ISO 639-1 codes of an encoder of sentences; others have theirs in ``task.json``.
    """

    scores: tuple[ShippedScore, ...] = ()
    speed: ShippedSpeed | None = None
    languages: tuple[str, ...] = ()


def shipped_models() -> list[ShippedModel]:
    """The models that come with the package, by name."""
    models: list[ShippedModel] = []
    for directory in sorted(PRETRAINED.glob("*/")):
        if not (directory / CONFIG).is_file():
            continue
        spec = read_spec(directory)
        measured = read_measured(directory)
        models.append(
            ShippedModel(
                name=directory.name,
                directory=directory,
                spec=spec,
                languages=measured.languages if spec is None else spec.languages,
                size_mb=size_on_disk(directory) / 1e6,
                description=_first_sentence(directory / "README.md"),
                scores=measured.scores,
                speed=measured.speed,
            )
        )
    return models


def read_measured(directory: Path) -> Measured:
    """What ``measured.json`` in a model's directory says; nothing where there is none.

    Raises:
        CheckpointError: an unreadable file, or one of other fields.
    """
    path = directory / MEASURED
    if not path.is_file():
        return Measured()
    return build(Measured, read_json(path), str(path), CheckpointError)


def write_measured(directory: Path, measured: Measured) -> None:
    """Writes what :func:`read_measured` reads."""
    content = dataclasses.asdict(measured)
    if not measured.languages:
        del content["languages"]
    files.write_text(directory / MEASURED, json.dumps(content, indent=2) + "\n")


def _first_sentence(card: Path) -> str:
    if not card.is_file():
        return ""
    for line in card.read_text(encoding="utf-8").splitlines():
        if line and line[0].isalnum():
            return line
    return ""
