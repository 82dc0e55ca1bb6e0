"""What a study found: the dataclasses behind ``study.json``, schema 1."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from squeezebert import files
from squeezebert.errors import DataError
from squeezebert.machine import Machine
from squeezebert.structured import build, read_json

SCHEMA = 1

Setting = Literal["study", "transformers", "float32", "int8"]
"""``study``: in ``transformers``, padded and scored as the study did it; then ``transformers`` in
float32, and our engine in two precisions."""


@dataclass(frozen=True, kw_only=True)
class StudyModel:
    """A checkpoint that was fine-tuned.

    Args:
        name: What it is called here.
        family: ``squeezebert`` or ``bert``.
        origin: Where it came from, with the commit.
        parameters: Of its encoder, by ``complexity``.
    """

    name: str
    family: str
    origin: str
    parameters: int


@dataclass(frozen=True, kw_only=True)
class TrainedRun:
    """A fine-tuning run.

    Args:
        model, dataset, seed: What was trained on what.
        steps: Of the optimizer.
        seconds: By the clock.
        stopped: Why it ended.
        dev_name, dev_score: The dev score that decided.
        test: Test scores in the engine's float32, where several seeds were run.
    """

    model: str
    dataset: str
    seed: int
    steps: int
    seconds: float
    stopped: str
    dev_name: str
    dev_score: float
    test: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model on one set under one setting.

    Args:
        model, family, setting: Whose.
        score: By the study's measure; by its own definition under ``study``. None where that is
            the same as under ``transformers``.
        cpu_ms: Of processor time a text.
        wall_ms: Of the clock a text.
        texts: How many were timed.
        entity_f1: Of names.
    """

    model: str
    family: str
    setting: Setting
    score: float | None
    cpu_ms: float
    wall_ms: float
    texts: int
    entity_f1: float | None = None


@dataclass(frozen=True, kw_only=True)
class StudySetResult:
    """Everything on one set.

    Args:
        name, title, task, origin, license, languages: Which.
        measure: The study's, by its name here.
        texts: Of its test part, as it was scored.
        cells: Models under settings.
        differs: What differs from the study, in sentences.
    """

    name: str
    title: str
    task: str
    origin: str
    license: str
    languages: tuple[str, ...]
    measure: str
    texts: int
    cells: tuple[Cell, ...]
    differs: tuple[str, ...]

    def cell(self, family: str, setting: Setting) -> Cell | None:
        """The first model of a family under a setting."""
        return next(
            (one for one in self.cells if (one.family, one.setting) == (family, setting)), None
        )

    def speedup(self, setting: Setting) -> float | None:
        """How many times less processor time SqueezeBERT takes than BERT; None without both."""
        fast, slow = self.cell("squeezebert", setting), self.cell("bert", setting)
        if fast is None or slow is None or not fast.cpu_ms:
            return None
        return slow.cpu_ms / fast.cpu_ms


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """All of a study; the comparison behind it is ``report.json``.

    Args:
        date: When the last of it was measured, ISO 8601.
        command: The command line.
        quick: Whether it only shows that everything works.
        versions, machine: By what and where.
        device: What trained.
        models, runs, sets: What was found.
        left_out: Why sets are missing.

    Raises:
        DataError: ``load`` meets another schema or a field of the wrong kind.
    """

    date: str
    command: str
    quick: bool
    versions: Mapping[str, str]
    machine: Machine
    device: str
    models: tuple[StudyModel, ...]
    runs: tuple[TrainedRun, ...]
    sets: tuple[StudySetResult, ...]
    left_out: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The text of ``study.json``."""
        values = {"schema": SCHEMA, **dataclasses.asdict(self)}
        return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def save(self, path: Path) -> None:
        """Writes ``study.json``; nobody ever sees half of it."""
        files.write_text(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> StudyResult:
        """Reads what :meth:`save` wrote."""
        values = read_json(path)
        if values.get("schema") != SCHEMA:
            raise DataError(
                f"{path} has schema {values.get('schema')!r}, expected {SCHEMA}",
                hint="read it with the version of squeezebert that wrote it",
            )
        return build(cls, values, str(path))
