"""On what a model is measured where nobody says: the dev part of what it was trained on."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

from squeezebert.checkpoint.shipped import shipped_models
from squeezebert.data.catalog import Dataset, dataset_names
from squeezebert.data.data_recipe import DataRecipe, DataSource
from squeezebert.data.splits import divide
from squeezebert.errors import ConfigError, DataError
from squeezebert.spec import TaskSpec
from squeezebert.structured import from_mapping

SPLIT = "dev"
"""Never the test part, which is for reports, nor what the model has seen."""


def default_datasets(directory: Path, spec: TaskSpec) -> list[Dataset]:
    """The dev parts of what ``recipe.toml`` says the model was trained on, known sets and a
    person's own files alike; where a file has none, the share of it that was held out. The sample
    data for a shipped model whose recipe names none. Sets that are not on this machine, those that
    a teacher labeled, and those with labels that the model does not know, are left out.
    """
    recipe = _recipe(directory)
    dev, train = (
        [source for source in sources if _is_here(source, spec)]
        for sources in (recipe.dev, recipe.train)
    )
    shipped = {model.directory.resolve() for model in shipped_models()}
    if not (dev or train) and directory.resolve() in shipped:
        names = [name for name in dataset_names(spec.task) if name.startswith("sample_")]
        dev = [DataSource(path=name) for name in names]
    found: dict[str, Dataset] = {}
    for source in dev or train:
        try:
            dataset = source.open(task=spec.task, split=SPLIT, problem_type=spec.problem_type)
        except (DataError, ConfigError):  # not there, without a dev part, or changed since
            continue
        if dataset.is_soft:
            continue
        if not dev and Path(source.path).is_file():
            by_label = spec.task == "text_classification"
            _, held_out = divide(dataset.examples, recipe.dev_share, by_label=by_label)
            dataset = dataclasses.replace(dataset, examples=held_out)
        if set(dataset.labels) <= set(spec.labels) and dataset.examples:
            found.setdefault(dataset.name, dataset)
    return list(found.values())


def _is_here(source: DataSource, spec: TaskSpec) -> bool:
    return source.path in dataset_names(spec.task) or Path(source.path).exists()


def _recipe(directory: Path) -> DataRecipe:
    """``[data]`` of a model's recipe; empty where there is none of ours."""
    path = directory / "recipe.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))["data"]
        return from_mapping(DataRecipe, data, str(path))
    except (OSError, ValueError, KeyError, ConfigError):
        return DataRecipe()
