"""Who takes part in a comparison, and in which of its data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from squeezebert.backends import DEFAULT_BACKEND
from squeezebert.checkpoint.directory import size_on_disk
from squeezebert.checkpoint.hub import resolve
from squeezebert.data.catalog import Dataset
from squeezebert.errors import InvalidInputError, SqueezeBertError
from squeezebert.loading import model_name
from squeezebert.pipeline import Pipeline, load
from squeezebert.tasks import MaskedLM


@dataclass(frozen=True, kw_only=True, eq=False)
class Entrant:
    """One model under one backend, in one precision.

    Args:
        model: The model's name.
        backend: What runs it.
        precision: As it was asked for, such as ``auto``.
        label: What to call it; unique among the entrants.
        directory: Where the model lies.
        pipeline: Ready to answer.
        size_mb: Of its weight files.
    """

    model: str
    backend: str
    precision: str
    label: str
    directory: Path
    pipeline: Pipeline[Any]
    size_mb: float

    @property
    def family(self) -> str:
        """``squeezebert`` or ``bert``."""
        return self.pipeline.backend.config.model_type


def open_entrants(
    models: Sequence[str | Path],
    backends: Sequence[str],
    *,
    precisions: Sequence[str] = ("auto",),
    threads: int,
    batch_tokens: int | None,
) -> list[Entrant]:
    """Loads every model under every backend, and under the engine in every precision.

    Raises:
        InvalidInputError: no models, a model, backend or precision twice, an unknown one, or a
            model without a task.
        CheckpointError: a model that does not load; the message names it.
    """
    if not (models and backends and precisions):
        raise InvalidInputError("a comparison needs a model, a backend and a precision at least")
    for what, given in (
        ("model", [str(model) for model in models]),
        ("backend", list(backends)),
        ("precision", list(precisions)),
    ):
        twice = next((name for at, name in enumerate(given) if name in given[:at]), None)
        if twice is not None:
            raise InvalidInputError(f"the {what} {twice!r} is given twice")
    variants = [
        (backend, precision)
        for backend in backends
        for precision in (precisions if backend == DEFAULT_BACKEND else ("auto",))
    ]
    directories = [resolve(model) for model in models]
    entrants: list[Entrant] = []
    for name, model, directory in zip(_names(models), models, directories, strict=True):
        for number, (backend, precision) in enumerate(variants):
            try:
                pipeline = load(
                    directory,
                    backend=backend,
                    precision=precision,
                    threads=threads,
                    batch_tokens=batch_tokens,
                )
            except SqueezeBertError as error:
                raise type(error)(
                    f"the model {model} does not load under {backend}: {error.message}",
                    hint=error.hint,
                ) from error
            entrants.append(
                Entrant(
                    model=name,
                    backend=backend,
                    precision=precision,
                    label=name
                    if number == 0
                    else f"{name} ({backend if precision == 'auto' else precision})",
                    directory=directory,
                    pipeline=pipeline,
                    size_mb=size_on_disk(directory) / 1e6,
                )
            )
    return entrants


def _names(models: Sequence[str | Path]) -> list[str]:
    """Short names; directories of one name get that of the directory around them as well."""
    short = [model_name(model) for model in models]
    long = [
        f"{Path(model).resolve().parent.name}/{name}" if Path(model).is_dir() else name
        for model, name in zip(models, short, strict=True)
    ]
    names = [
        name if short.count(name) == 1 else longer for name, longer in zip(short, long, strict=True)
    ]
    if len(set(names)) < len(names):
        return [str(model) for model in models]
    return names


def assign(
    entrants: Sequence[Entrant], datasets: Sequence[Dataset]
) -> tuple[list[list[Entrant]], list[str]]:
    """Which entrants run on which data set: those of its task that know its labels and were not
    made for other languages.

    Returns:
        The entrants of each data set, and a note for each entrant of its task that is left out.

    Raises:
        InvalidInputError: a data set that no model fits, or a model that fits no data set.
    """
    rows: list[list[Entrant]] = []
    notes: dict[str, None] = {}
    for dataset in datasets:
        reasons = {entrant.label: unfit(entrant, dataset) for entrant in entrants}
        row = [entrant for entrant in entrants if reasons[entrant.label] is None]
        if not row:
            raise InvalidInputError(
                f"no model fits the data set {dataset.name} ({dataset.task}): "
                + "; ".join(f"{label} {reason}" for label, reason in reasons.items()),
                hint="name a model for it, or leave it out",
            )
        rows.append(row)
        for entrant in entrants:
            if entrant not in row and entrant.pipeline.task.name == dataset.task:
                note = f"{entrant.label} was not run on {dataset.name}: it "
                notes[note + str(reasons[entrant.label])] = None
    for entrant in entrants:
        if not any(entrant in row for row in rows):
            raise InvalidInputError(
                f"the model {entrant.label} ({entrant.pipeline.task.name}) fits none of the data "
                "sets: "
                + "; ".join(f"for {item.name}, it {unfit(entrant, item)}" for item in datasets),
                hint="name a data set for it, or leave it out",
            )
    return rows, list(notes)


def unfit(entrant: Entrant, dataset: Dataset) -> str | None:
    """Why a model cannot run on a data set, or None if it can."""
    spec = entrant.pipeline.task.spec
    if spec.task != dataset.task:
        return f"is for {spec.task}"
    if spec.task == "text_classification" and spec.problem_type != dataset.problem_type:
        return f"answers {spec.problem_type} questions, not {dataset.problem_type} ones"
    unknown = sorted(_kinds(dataset.labels) - _kinds(spec.labels))
    if unknown and spec.task != "masked_lm":
        return f"does not know the labels {', '.join(unknown)}"
    if spec.languages and dataset.languages and not {*spec.languages} & {*dataset.languages}:
        return f"is made for {', '.join(spec.languages)}, not {', '.join(dataset.languages)}"
    return None


def _kinds(labels: Sequence[str]) -> set[str]:
    """Class names; for tags such as ``B-PER`` the type alone."""
    return {label[2:] if label[:2] in ("B-", "I-") else label for label in labels} - {"O"}


def hard_to_compare(row: Sequence[Entrant], dataset: Dataset) -> list[str]:
    """Notes on what makes the models of a data set hard to compare."""
    tasks = [entrant.pipeline.task for entrant in row]
    notes: list[str] = []
    vocabularies = {tuple(task.tokenizer.tokens) for task in tasks if isinstance(task, MaskedLM)}
    if len(vocabularies) > 1:
        notes.append(
            f"The models on {dataset.name} have different vocabularies: the masked tokens differ, "
            "and their scores do not compare."
        )
    lengths = [f"{entrant.label} {entrant.pipeline.task.spec.max_length}" for entrant in row]
    if len({task.spec.max_length for task in tasks}) > 1:
        notes.append(
            f"The models on {dataset.name} take inputs of different lengths: {', '.join(lengths)}."
        )
    return notes


def choose_baselines(row: Sequence[Entrant], baseline: str | None) -> list[int]:
    """For each entrant of a data set, which one its speed is compared with.

    Args:
        row: The entrants of the data set.
        baseline: A model's name; ``transformers``, for each model its own double under Hugging
            Face's code; or None, the first BERT. Where the one named is not there, the first BERT
            is it, and where no BERT is, the first model.

    Returns:
        Indices into ``row``.
    """
    if baseline == "transformers":
        doubles = {
            entrant.model: at for at, entrant in enumerate(row) if entrant.backend == baseline
        }
        return [doubles[entrant.model] for entrant in row]
    named = [at for at, entrant in enumerate(row) if baseline in (entrant.model, entrant.label)]
    berts = [at for at, entrant in enumerate(row) if entrant.family == "bert"]
    return [(named or berts or [0])[0]] * len(row)


def check_baseline(entrants: Sequence[Entrant], baseline: str | None) -> None:
    """Refuses a baseline that is none of the models.

    Raises:
        InvalidInputError: as said.
    """
    names = {name for entrant in entrants for name in (entrant.model, entrant.label)}
    if baseline is not None and baseline != "transformers" and baseline not in names:
        raise InvalidInputError(
            f"the baseline {baseline!r} is none of the models",
            hint=f"it is one of {', '.join(sorted(names))} or transformers",
        )
