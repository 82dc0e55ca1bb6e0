"""From a name to a model directory: a path, a model that ships, or a hub name."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from squeezebert import checkpoint, files
from squeezebert.errors import CheckpointError
from squeezebert.spec import TaskSpec

PRETRAINED = Path(__file__).parent / "pretrained"
"""Where the models that ship lie, each in a directory of its name."""

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
HUB_FILES = ("*.json", "*.txt", "*.safetensors", "pytorch_model.bin")


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


def shipped_models() -> list[ShippedModel]:
    """The models that come with the package, by name."""
    models: list[ShippedModel] = []
    for directory in sorted(PRETRAINED.glob("*/")):
        spec = (
            checkpoint.read_spec(directory) if (directory / checkpoint.CONFIG).is_file() else None
        )
        if spec is None:
            continue
        scores, speed = read_measured(directory)
        models.append(
            ShippedModel(
                name=directory.name,
                directory=directory,
                spec=spec,
                size_mb=checkpoint.size_on_disk(directory) / 1e6,
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
    content = checkpoint.read_json(path)
    try:
        speed: dict[str, Any] | None = content["speed"]
        return (
            tuple(ShippedScore(**row) for row in content["scores"]),
            None if speed is None else ShippedSpeed(**speed),
        )
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} does not hold scores and a speed: {error}") from error


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


def resolve(name_or_path: str | Path) -> Path:
    """The directory of a model: ``name_or_path`` itself if it is one, else the shipped model of
    that name, else a download from the Hugging Face hub (kept in its cache).

    Raises:
        CheckpointError: none of the three; the message lists the shipped names.
    """
    path = Path(name_or_path).expanduser()
    if (path / checkpoint.CONFIG).is_file():
        return path
    if path.is_dir():
        raise CheckpointError(
            f"{path} holds no {checkpoint.CONFIG}",
            hint="name the directory that a training run or save_model wrote",
        )
    name = str(name_or_path)
    if not HUB_NAME.fullmatch(name):
        raise _unknown(name)
    if (PRETRAINED / name / checkpoint.CONFIG).is_file():
        return PRETRAINED / name
    return _download(name)


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise _unknown(name) from error


def _unknown(name: str) -> CheckpointError:
    shipped = [model.name for model in shipped_models()]
    return CheckpointError(
        f"no model is called {name!r}: it is no directory, no shipped model, and could not be "
        "had from the Hugging Face hub",
        hint=f"the shipped models are {', '.join(shipped) or 'none'}",
    )
