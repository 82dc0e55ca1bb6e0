"""What a study will do here: said before it begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from squeezebert.data import open_dataset
from squeezebert.data.examples import Document, TextExample, TokenExample
from squeezebert.spec import TaskName
from squeezebert.study.hub import HubUnreachable
from squeezebert.study.measuring import is_measured
from squeezebert.study.models import ChosenModel, choose_models
from squeezebert.study.pace import Pace, measure_pace
from squeezebert.study.sets import ChosenSet, choose_sets
from squeezebert.study.settings import QUICK_STEPS, QUICK_TEXTS, StudySettings
from squeezebert.study.sources import SOURCES, Sources

PIECES = 1.35
"""Tokens a word, about."""

BYTES = 5.0
"""Of a file a token, about, where nothing else is known."""

SAMPLE = 400
"""Texts that are counted."""

ENGINE = 0.65
"""What the engine's two precisions take together beside ``transformers``, about, of its time."""


DONE = Pace(training=float("inf"), answering=float("inf"))
"""Of what need not be run again."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of a set, about: texts of both parts, and tokens a text."""

    train: int
    test: int
    tokens: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that is done, and kept once it is.

    Args:
        what: Is done.
        of: With what.
        detail: How much of it.
        seconds: About; None where it depends on the line.
        quick_seconds: The same under ``--quick``.
        task: For which task; None for all.
        is_done: Whether it is there already.
    """

    what: str
    of: str
    detail: str
    seconds: float | None = None
    quick_seconds: float | None = None
    task: TaskName | None = None
    is_done: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """Made by :func:`make_plan`.

    Args:
        settings: What was asked for.
        models, sets: What takes part.
        parts: What is done, in order.
        download_bytes: Of what is not here yet.
        left_out: Why sets are missing, in sentences.
        device: What trains.
    """

    settings: StudySettings
    sources: Sources
    models: tuple[ChosenModel, ...]
    sets: tuple[ChosenSet, ...]
    parts: tuple[Part, ...]
    download_bytes: int
    left_out: tuple[str, ...]
    device: str

    def seconds(self, *, quick: bool = False) -> float:
        """Of all parts that are not done, downloads aside."""
        left = (part for part in self.parts if not part.is_done)
        return sum((part.quick_seconds if quick else part.seconds) or 0.0 for part in left)

    def task_seconds(self) -> dict[TaskName, float]:
        """What each task takes of :meth:`seconds`."""
        found: dict[TaskName, float] = {}
        for part in self.parts:
            if part.task is not None and not part.is_done:
                found[part.task] = found.get(part.task, 0.0) + (part.seconds or 0.0)
        return found


def run_directory(settings: StudySettings, one: ChosenSet, model: ChosenModel, seed: int) -> Path:
    """Where a fine-tuned model lies."""
    name = model.name if seed == 0 else f"{model.name}-seed-{seed}"
    return settings.output / "models" / one.name / name


def measured_file(settings: StudySettings, one: ChosenSet) -> Path:
    """What holds the measurements on a set."""
    return settings.output / "measured" / f"{one.name}.json"


def make_plan(settings: StudySettings, *, progress: Callable[[str], None] = lambda _: None) -> Plan:
    """Looks up what is needed, and measures a step of each model.

    Args:
        settings: What is asked for.
        progress: Told what is done next.

    Raises:
        HubUnreachable: no connection, and something that only the hub has.
        CheckpointError, ConfigError, DataError, InvalidInputError: something that cannot be had
            or cannot be.
    """
    sources = Sources(settings.output / SOURCES)
    progress("looking up models and data")
    try:
        models = choose_models(settings.models, sources)
        sets, left_out = choose_sets(
            settings.tasks, settings.data, sources, settings.output.resolve() / "data"
        )
    except HubUnreachable as error:
        raise without_network(error) from error
    parts, total = _downloads(models, sets, sources)
    for one in sets:
        parts += _of_set(settings, one, models, progress)
    return Plan(
        settings=settings,
        sources=sources,
        models=tuple(models),
        sets=tuple(sets),
        parts=tuple(parts),
        download_bytes=total,
        left_out=tuple(left_out),
        device=_device(),
    )


def without_network(error: HubUnreachable) -> HubUnreachable:
    """The same, with what can be done instead."""
    return HubUnreachable(
        f"no network: {error.message}",
        hint="without one, `make demo` (in a clone; else squeezebert compare --data sample_news -o "
        "DIRECTORY) compares the shipped models; a study runs on --model DIRECTORY and the sets "
        "of SQUEEZEBERT_DATA, or --data TASK:DIRECTORY",
    )


def _downloads(
    models: Sequence[ChosenModel], sets: Sequence[ChosenSet], sources: Sources
) -> tuple[list[Part], int]:
    parts: list[Part] = []
    total = 0
    for title, repository, files in (
        *((model.given, model.repository, model.files) for model in models),
        *((one.title, one.repository, one.files) for one in sets if not one.is_here),
    ):
        if repository is None:
            continue
        missing = sum(file.size for file in sources.missing(repository, files))
        size = sum(file.size for file in files)
        total += missing
        parts.append(
            Part(
                what="download",
                of=title,
                detail=f"{size / 1e6:,.1f} MB",
                is_done=not missing,
            )
        )
    return parts, total


def _of_set(
    settings: StudySettings,
    one: ChosenSet,
    models: Sequence[ChosenModel],
    progress: Callable[[str], None],
) -> list[Part]:
    size = size_of(one)
    parts: list[Part] = []
    answering = quick_answering = 0.0
    names = [model.name for model in models]
    measured = is_measured(settings, measured_file(settings, one), names)
    for model in models:
        recipe = settings.recipe(one.task, start=model.name, data=one.path, seed=0)
        tokens = min(size.tokens, recipe.max_length)
        trained = [_is_trained(settings, one, model, seed) for seed in range(settings.seeds)]
        pace = DONE
        if not (measured and all(trained)):
            progress(f"a step of {model.name} for {one.title}")
            length = max(8, round(tokens))
            pace = measure_pace(model.config, one.task, length, threads=settings.threads)
        loop = recipe.loop
        steps = loop.max_steps or round(loop.epochs * size.train / loop.batch_size)
        step = loop.batch_size * loop.accumulation * tokens / pace.training
        parts += [
            Part(
                what="fine-tune" if settings.seeds == 1 else f"fine-tune, seed {seed}",
                of=f"{model.name}, {one.title}",
                detail=f"{steps:,} steps of {loop.batch_size} texts",
                seconds=steps * step,
                quick_seconds=min(steps, QUICK_STEPS) * step,
                task=one.task,
                is_done=is_done,
            )
            for seed, is_done in enumerate(trained)
        ]
        texts = min(size.test, settings.most_texts or size.test)
        every = settings.passes * texts * tokens / pace.answering * (1 + ENGINE)
        answering += every
        quick_answering += min(texts, QUICK_TEXTS) / max(1, texts) * every / settings.passes
    parts.append(
        Part(
            what="score and time",
            of=one.title,
            detail=f"{min(size.test, settings.most_texts or size.test):,} texts",
            seconds=answering,
            quick_seconds=quick_answering,
            task=one.task,
            is_done=measured,
        )
    )
    return parts


def _is_trained(settings: StudySettings, one: ChosenSet, model: ChosenModel, seed: int) -> bool:
    return (run_directory(settings, one, model, seed) / "training.json").is_file()


def size_of(one: ChosenSet) -> Size:
    """How large a set is, about: counted where it is here, else as it usually is, else by the
    size of its files.
    """
    if one.is_here:
        train = open_dataset(one.path, task=one.task, split="train").examples
        test = open_dataset(one.path, task=one.task, split="test").examples
        sample = train[:: max(1, len(train) // SAMPLE)]
        words = sum(_words(example) for example in sample) / max(1, len(sample))
        return Size(train=len(train), test=len(test), tokens=words * PIECES + 2)
    if one.typical is not None:
        train, test, tokens = one.typical
        return Size(train=train, test=test, tokens=tokens)
    texts = sum(file.size for file in one.files) / BYTES / 100
    return Size(train=max(1, round(0.8 * texts)), test=max(1, round(0.1 * texts)), tokens=100)


def _words(example: TextExample | TokenExample | Document) -> int:
    if isinstance(example, TokenExample):
        return len(example.words)
    if isinstance(example, Document):
        return sum(len(turn.split()) for turn in example.turns)
    return len(example.text.split()) + len((example.pair or "").split())


def _device() -> str:
    from squeezebert.training.loop.hardware import accelerator

    device = accelerator().device
    if device.type == "cpu":
        return "the CPU"
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def describe_plan(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "models": [{"name": model.given, "from": model.origin} for model in plan.models],
        "sets": [
            {"name": one.name, "title": one.title, "task": one.task, "from": one.origin}
            for one in plan.sets
        ],
        "download_mb": round(plan.download_bytes / 1e6, 1),
        "seconds": round(plan.seconds()),
        "quick_seconds": round(plan.seconds(quick=True)),
        "left_out": list(plan.left_out),
        "parts": [json.loads(json.dumps(vars(part))) for part in plan.parts],
    }
