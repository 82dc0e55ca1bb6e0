"""The models that come with the package, and what was measured of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
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
        spec: Task, labels and languages.
        size_mb: Of its weight files, shared ones included.
        description: One line from its card.
        scores: On the data sets that its card tells of.
        speed: On the machine that it was measured on; None where it was not.
    """

    name: str
    directory: Path
    spec: TaskSpec
    size_mb: float
    description: str
    scores: tuple[ShippedScore, ...] = ()
    speed: ShippedSpeed | None = None


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """The content of ``measured.json``."""

    scores: tuple[ShippedScore, ...]
    speed: ShippedSpeed | None


def shipped_models() -> list[ShippedModel]:
    """The models that come with the package, by name."""
    models: list[ShippedModel] = []
    for directory in sorted(PRETRAINED.glob("*/")):
        spec = read_spec(directory) if (directory / CONFIG).is_file() else None
        if spec is None:
            continue
        scores, speed = read_measured(directory)
        models.append(
            ShippedModel(
                name=directory.name,
                directory=directory,
                spec=spec,
                size_mb=size_on_disk(directory) / 1e6,
                description=_first_sentence(directory / "README.md"),
                scores=scores,
                speed=speed,
            )
        )
    return models


def read_measured(directory: Path) -> tuple[tuple[ShippedScore, ...], ShippedSpeed | None]:
    """What ``measured.json`` in a model's directory says; nothing where there is none.

    Raises:
        CheckpointError: an unreadable file, or one of other fields.
    """
    path = directory / MEASURED
    if not path.is_file():
        return (), None
    measured = build(_Measured, read_json(path), str(path), CheckpointError)
    return measured.scores, measured.speed


def write_measured(
    directory: Path, scores: Sequence[ShippedScore], speed: ShippedSpeed | None
) -> None:
    """Writes what :func:`read_measured` reads."""
    content = {
        "scores": [dataclasses.asdict(score) for score in scores],
        "speed": None if speed is None else dataclasses.asdict(speed),
    }
    files.write_text(directory / MEASURED, json.dumps(content, indent=2) + "\n")


def _first_sentence(card: Path) -> str:
    if not card.is_file():
        return ""
    for line in card.read_text(encoding="utf-8").splitlines():
        if line and line[0].isalnum():
            return line
    return ""
