"""What a repetition of the study is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from squeezebert.errors import ConfigError, InvalidInputError
from squeezebert.spec import TASK_NAMES, TaskName
from squeezebert.structured import from_mapping
from squeezebert.training.recipe.file import merged, read_values, set_values
from squeezebert.training.recipe.run import FinetuneRecipe

MODELS = ("squeezebert/squeezebert-uncased", "bert-base-uncased")
"""The study's."""

RECIPES = Path(__file__).parent / "recipes"

OWN = ("task", "data", "model.start", "loop.seed")
"""Settings that are not a recipe's to make."""

QUICK_STEPS, QUICK_TEXTS = 40, 200
"""Of a run that only shows that everything works."""


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """How :func:`squeezebert.study.run_study` goes about it.

    Args:
        output: The directory of everything that is made.
        models: Hub names or model directories.
        data: What replaces the usual sets of a task: a known name, ``TASK:DIRECTORY``, or
            ``TASK:hf://datasets/OWNER/NAME``.
        tasks: Which of the three.
        seeds: Fine-tuning runs of each model on each set.
        repetitions: Passes over each test set for its time.
        limit: The most texts of a test set, drawn at random; all where None.
        threads: CPU threads of each model when it is timed; all usable cores where None.
        quick: A few steps and texts, to see it through.
        classical: Whether a classical model takes part.
        overrides: Settings of the recipes by dotted name, as TOML writes them.

    Raises:
        InvalidInputError: a number or task that cannot be.

    >>> StudySettings(output=Path("study"), tasks=("masked_lm", "translation"))
    Traceback (most recent call last):
    squeezebert.errors.InvalidInputError: the study has no task 'translation'
    hint: its tasks are masked_lm, text_classification, token_classification
    """

    output: Path
    models: tuple[str, ...] = MODELS
    data: tuple[str, ...] = ()
    tasks: tuple[TaskName, ...] = TASK_NAMES
    seeds: int = 1
    repetitions: int = 3
    limit: int | None = None
    threads: int | None = None
    quick: bool = False
    classical: bool = True
    overrides: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        for name in self.tasks:
            if name not in TASK_NAMES:
                raise InvalidInputError(
                    f"the study has no task {name!r}", hint=f"its tasks are {', '.join(TASK_NAMES)}"
                )
        for name, given in (("models", self.models), ("tasks", self.tasks)):
            if not given:
                raise InvalidInputError(f"a study needs {name}")
            twice = next((one for at, one in enumerate(given) if one in given[:at]), None)
            if twice is not None:
                raise InvalidInputError(f"{name} names {twice!r} twice")
        for name in ("seeds", "repetitions", "limit", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InvalidInputError(f"{name} is {value}, expected 1 or more")

    @property
    def passes(self) -> int:
        """Over each test set."""
        return 1 if self.quick else self.repetitions

    @property
    def most_texts(self) -> int | None:
        """Of each test set."""
        return min(self.limit or QUICK_TEXTS, QUICK_TEXTS) if self.quick else self.limit

    def recipe(self, task: TaskName, *, start: str, data: str, seed: int) -> FinetuneRecipe:
        """The recipe of one run.

        Args:
            task: The task.
            start: The model directory that it starts from.
            data: The set, by known name or directory.
            seed: Of the new head, the order of the data and dropout.

        Raises:
            ConfigError: an override that does not exist, cannot be, or is not a recipe's to make.
        """
        given: dict[str, Any] = {}
        set_values(given, self.overrides)
        own = next((key for key in self.overrides if key.startswith(OWN)), None)
        if own is not None:
            raise ConfigError(
                f"{own} is set, which a study sets itself",
                hint="leave it out; --model, --data, --tasks and --seeds say what takes part",
            )
        path = RECIPES / f"{task}.toml"
        quick = {"loop": {"max_steps": QUICK_STEPS}} if self.quick else {}
        cell = {
            "model": {"start": start},
            "data": {"train": [data]},
            "loop": {"seed": seed},
        }
        values = merged(read_values(path), quick, given, cell)
        return from_mapping(FinetuneRecipe, values, f"the recipe {path.name}")
