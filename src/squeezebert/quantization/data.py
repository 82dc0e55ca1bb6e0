"""On what a model is measured where nobody says: the dev part of what it was trained on."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from squeezebert.checkpoint.shipped import shipped_models
from squeezebert.data.catalog import Dataset, dataset_names, open_dataset
from squeezebert.errors import DataError
from squeezebert.spec import TaskSpec

SPLIT = "dev"
"""Never the test part, which is for reports, nor what the model has seen."""


def default_datasets(directory: Path, spec: TaskSpec) -> list[Dataset]:
    """The dev parts of the data sets known by name that ``recipe.toml`` says the model was trained
    on; the sample data for a shipped model whose recipe names none. Sets that are not on this
    machine, and those with labels that the model does not know, are left out.
    """
    names = [name for name in _recipe_names(directory) if name in dataset_names(spec.task)]
    shipped = {model.directory.resolve() for model in shipped_models()}
    if not names and directory.resolve() in shipped:
        names = [name for name in dataset_names(spec.task) if name.startswith("sample_")]
    found: list[Dataset] = []
    for name in dict.fromkeys(names):
        try:
            dataset = open_dataset(name, task=spec.task, split=SPLIT)
        except DataError:  # not there, or without a dev part
            continue
        if set(dataset.labels) <= set(spec.labels) and dataset.examples:
            found.append(dataset)
    return found


def _recipe_names(directory: Path) -> list[str]:
    """The paths under ``data.dev`` and ``data.train`` of a recipe."""
    path = directory / "recipe.toml"
    try:
        data: Any = tomllib.loads(path.read_text(encoding="utf-8")).get("data", {})
        return [str(source["path"]) for part in ("dev", "train") for source in data.get(part, [])]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []  # no recipe, or none of ours
