"""What `train` and `pretrain` share: settings from the command line, and the closing lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from squeezebert.cli import screen

if TYPE_CHECKING:
    from squeezebert.training.loop.output import TrainingResult


def check_installed() -> None:
    """See :func:`squeezebert.training.check_installed`, which imports NumPy."""
    from squeezebert.training import check_installed as check

    check()


def recipe_file(recipe: Path | None, output: Path, *, resume: bool) -> Path | None:
    """The recipe to read: the one given, else that of the run to be resumed, else none."""
    saved = output / "recipe.toml"
    if recipe is None and resume and saved.is_file():
        return saved
    return recipe


def overrides(
    *, data: tuple[str, str, Sequence[str]], model: str | None, settings: Sequence[str]
) -> dict[str, str]:
    """Settings of the command line by dotted name, with values as TOML writes them.

    Args:
        data: Section and name of the setting that ``--data`` fills, and what was given.
        model: What the run starts from, or None.
        settings: ``KEY=VALUE`` words; they win over the others.

    >>> overrides(data=("data", "train", ["ag_news"]), model=None, settings=["loop.epochs=5"])
    {'data.train': '["ag_news"]', 'loop.epochs': '5'}
    """
    section, name, sources = data
    given: dict[str, str] = {}
    if sources:
        given[f"{section}.{name}"] = as_list(json.dumps(one, ensure_ascii=False) for one in sources)
    if model is not None:
        given["model.start"] = json.dumps(model, ensure_ascii=False)
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not (separator and key.strip()):
            raise click.BadParameter(f"{setting!r} is not KEY=VALUE", param_hint="--set")
        given[key.strip()] = value.strip()
    return given


def as_list(values: Iterable[str]) -> str:
    """Values in TOML as a list in TOML. (JSON's strings and numbers are TOML's too.)"""
    return f"[{', '.join(values)}]"


def in_main_process() -> bool:
    """Whether this is the one process, or the one of several, that talks."""
    from squeezebert.training.loop.hardware import processes

    return processes().is_main_process


def say_how_it_ended(result: TrainingResult) -> None:
    """Prints the score, the pace and the model directory."""
    if not in_main_process():
        return
    score = result.scores.get(result.main_score)
    screen.note(
        f"{result.stopped}: {result.steps} steps, {result.tokens:,} tokens in "
        + (f"{result.seconds:.0f} s" if result.seconds < 60 else f"{result.seconds / 60:.1f} min")
        + ("" if score is None else f"; dev {result.main_score} {score:.4f}")
        + f" at step {result.best_step}"
    )
    screen.say(str(result.output))
