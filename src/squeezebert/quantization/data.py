"""On what a model is measured where nobody says: the dev part of what it was trained on."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

from squeezebert.checkpoint.shipped import shipped_models
from squeezebert.data.catalog import Dataset, dataset_names, open_dataset
from squeezebert.data.label_map import rename_labels
from squeezebert.data.splits import divide
from squeezebert.errors import DataError
from squeezebert.spec import TaskSpec

SPLIT = "dev"
"""Never the test part, which is for reports, nor what the model has seen."""


def default_datasets(directory: Path, spec: TaskSpec) -> list[Dataset]:
    """The dev parts of what ``recipe.toml`` says the model was trained on, known sets and a
    person's own files alike; where a file has none, the share of it that was held out. The sample
    data for a shipped model whose recipe names none. Sets that are not on this machine, and those
    with labels that the model does not know, are left out.
    """
    recipe = _recipe(directory)
    sources = [
        (part, source)
        for part in ("dev", "train")
        for source in recipe.get(part, ())
        if source["path"] in dataset_names(spec.task) or Path(source["path"]).exists()
    ]
    if any(part == "dev" for part, _ in sources):
        sources = [one for one in sources if one[0] == "dev"]
    shipped = {model.directory.resolve() for model in shipped_models()}
    if not sources and directory.resolve() in shipped:
        names = [name for name in dataset_names(spec.task) if name.startswith("sample_")]
        sources = [("train", {"path": name}) for name in names]
    found: dict[str, Dataset] = {}
    for part, source in sources:
        try:
            held_out = float(recipe.get("dev_share", 0.1)) if part == "train" else 0.0
            dataset = _open(source, spec, held_out)
        except DataError:  # not there, or without a dev part
            continue
        if set(dataset.labels) <= set(spec.labels) and dataset.examples:
            found.setdefault(dataset.name, dataset)
    return list(found.values())


def _open(source: dict[str, Any], spec: TaskSpec, held_out: float) -> Dataset:
    """The dev part of a recipe's data set.

    Args:
        source: Its table.
        spec: The model's.
        held_out: The share of a file that was not trained on.
    """
    path = str(source["path"])
    if path in dataset_names():
        dataset = open_dataset(path, task=spec.task, split=SPLIT)
    else:
        texts = tuple(source.get("text", ("text",)))
        dataset = open_dataset(
            path,
            task=spec.task,
            split=SPLIT,
            text=texts[0] if len(texts) == 1 else texts,
            label=source.get("label", "label"),
            pair=source.get("pair") or None,
            problem_type=spec.problem_type,
            delimiter=source.get("delimiter") or None,
            quoted=source.get("quoted"),
            empty=source.get("empty", "error"),
            scheme=source.get("scheme") or None,
            token_column=source.get("token_column", 0),
            tag_column=source.get("tag_column", -1),
            encoding=source.get("encoding", "utf-8"),
            bad_rows="error" if source.get("bad_rows", "error") == "error" else "skip",
        )
    if source.get("label_map"):
        dataset = rename_labels(dataset, source["label_map"])
    if held_out and Path(path).is_file():
        by_label = spec.task == "text_classification"
        _, dev = divide(dataset.examples, held_out, by_label=by_label)
        dataset = dataclasses.replace(dataset, examples=dev)
    return dataset


def _recipe(directory: Path) -> dict[str, Any]:
    """``[data]`` of a model's recipe, data sets as tables; empty where there is none of ours."""
    try:
        data = tomllib.loads((directory / "recipe.toml").read_text(encoding="utf-8"))["data"]
        for part in ("dev", "train"):
            data[part] = [
                {"path": source} if isinstance(source, str) else {**source, "path": source["path"]}
                for source in data.get(part, ())
            ]
        return data
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
