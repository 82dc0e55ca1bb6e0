"""What is measured on one set, and kept: the comparison, and how the study would have done it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from squeezebert import files
from squeezebert.comparison import CompareSettings, Progress, Report, compare
from squeezebert.comparison.schema import Result
from squeezebert.comparison.sets import draw
from squeezebert.data import open_dataset
from squeezebert.errors import CheckpointError
from squeezebert.structured import build, read_json
from squeezebert.study.as_studied import Padded, own_table_cosine, time_padded
from squeezebert.study.published import PROTOCOLS
from squeezebert.study.sets import ChosenSet
from squeezebert.study.settings import StudySettings

SETTINGS_IN_WORDS = {
    "transformers": "transformers",
    "float32": "float32",
    "int8": "int8",
}
"""How the labels of the report's models go on."""


@dataclass(frozen=True, kw_only=True)
class MeasuredSet:
    """What was measured on a set.

    Args:
        models: How many steps each model had been trained.
        asked: What of the settings it depends on. Others of either make it out of date.
        report: The comparison.
        padded: How long a text takes as the study ran it, by model.
        own_cosine: A masked LM's cosine in its own table, by model.
    """

    models: Mapping[str, int]
    asked: Mapping[str, int | None]
    report: Report
    padded: Mapping[str, Padded]
    own_cosine: Mapping[str, float] = field(default_factory=dict[str, float])


def measure_set(
    settings: StudySettings,
    one: ChosenSet,
    models: Mapping[str, Path],
    steps: Mapping[str, int],
    path: Path,
    *,
    command: str,
    progress: Progress,
) -> MeasuredSet:
    """Measures all models on a set, or reads what was measured of the same models before.

    Args:
        settings: How.
        one: The set.
        models: Fine-tuned models by name.
        steps: How long each was trained.
        path: What holds the measurement.
        command: The command line, for the report.
        progress: Told how far it is.

    Raises:
        CheckpointError: a model or a file here that cannot be read.
        DataError, InvalidInputError: data that cannot be used.
    """
    asked = _asked(settings)
    before = read_measured(path)
    if before is not None and (before.models, before.asked) == (steps, asked):
        return before
    dataset = open_dataset(one.path, task=one.task, split="test")
    dataset = dataclasses.replace(
        dataset,
        name=one.name,
        languages=dataset.languages or one.languages,
        license=dataset.license or one.license,
        examples=draw(dataset.examples, settings.most_texts or len(dataset), seed=0),
    )
    train = [open_dataset(one.path, task=one.task, split="train")] if asked["classical"] else []
    baseline = next(
        (name for name, directory in models.items() if _family(directory) == "bert"), None
    )
    report = compare(
        list(models.values()),
        [dataset],
        CompareSettings(
            backends=("transformers", "engine"),
            precisions=("float32", "int8"),
            baseline=baseline,
            repetitions=settings.passes,
            threads=settings.threads,
            # A process of its own for each model's memory, and a run for each token of a dialogue.
            memory=not settings.quick,
            pseudo_texts=0 if settings.quick else 4,
            latency_texts=10 if settings.quick else 50,
        ),
        train_parts=train,
        command=command,
        progress=progress,
    )
    progress.stage(f"{one.name}: as the study did", 1)
    padded = time_padded(
        models, dataset, PROTOCOLS[one.task], passes=settings.passes, threads=settings.threads
    )
    cosines: dict[str, float] = {}
    if one.task == "masked_lm":
        found = {name: own_table_cosine(at, dataset.examples) for name, at in models.items()}
        cosines = {name: value for name, value in found.items() if value is not None}
    progress.advance()
    measured = MeasuredSet(
        models=steps, asked=asked, report=_labeled(report), padded=padded, own_cosine=cosines
    )
    text = json.dumps(dataclasses.asdict(measured), ensure_ascii=False, allow_nan=False)
    files.write_text(path, text + "\n")
    return measured


def _family(directory: Path) -> str:
    from squeezebert.checkpoint.directory import read_config

    return read_config(directory).model_type


def _asked(settings: StudySettings) -> dict[str, int | None]:
    """What of the settings a measurement depends on."""
    return {
        "passes": settings.passes,
        "texts": settings.most_texts,
        "threads": settings.threads,
        "quick": int(settings.quick),
        "classical": int(settings.classical and find_spec("sklearn") is not None),
    }


def is_measured(settings: StudySettings, path: Path, models: Sequence[str]) -> bool:
    """Whether the measurement of these models is kept, as far as can be told without them."""
    before = read_measured(path)
    return before is not None and (
        (set(before.models), before.asked) == (set(models), _asked(settings))
    )


def read_measured(path: Path) -> MeasuredSet | None:
    """What was measured, or None where nothing is kept.

    Raises:
        CheckpointError: a file that cannot be read.
    """
    if not path.is_file():
        return None
    try:
        return build(MeasuredSet, read_json(path, max_bytes=1 << 28), str(path))
    except Exception as error:
        raise CheckpointError(
            f"cannot read {path}: {error}", hint="delete it: the set is then measured again"
        ) from error


def setting_of(result: Result) -> str:
    """``transformers``, ``float32`` or ``int8``; empty for a classical model."""
    if result.is_classical:
        return ""
    return result.backend if result.backend == "transformers" else result.precision


def _labeled(report: Report) -> Report:
    """The report with labels that say what ran a model."""
    labels = {
        one.label: f"{one.model} ({SETTINGS_IN_WORDS.get(setting_of(one), setting_of(one))})"
        for one in report.results
        if not one.is_classical
    }

    def new(label: str) -> str:
        return labels.get(label, label)

    return dataclasses.replace(
        report,
        results=tuple(
            dataclasses.replace(one, label=new(one.label), baseline=new(one.baseline))
            for one in report.results
        ),
        differences=tuple(
            dataclasses.replace(one, first=new(one.first), second=new(one.second))
            for one in report.differences
        ),
        examples=tuple(
            dataclasses.replace(
                row,
                predictions=tuple(
                    dataclasses.replace(shown, label=new(shown.label)) for shown in row.predictions
                ),
            )
            for row in report.examples
        ),
    )
