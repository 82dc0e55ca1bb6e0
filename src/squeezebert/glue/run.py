"""GLUE (Wang et al. 2019): a model fine-tuned on each of its sets with several seeds, dev scores.

Nothing is chosen on the dev sets that are scored: each run has a fixed length and gives the
weights of its last step. What is trained and scored already is left as it is, so a call that was
stopped goes on when it is made again::

    OUTPUT/rte/seed-0/      a model directory, with scores.json
    OUTPUT/glue.json        all scores, mean and deviation over the seeds
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from squeezebert import files
from squeezebert.checkpoint.hub import resolve
from squeezebert.data import open_dataset
from squeezebert.errors import ConfigError, InvalidInputError
from squeezebert.glue.classical import ClassicalScores, fit_and_score
from squeezebert.loading import model_name
from squeezebert.machine import describe_machine, installed_versions
from squeezebert.scored_runs import PRECISIONS, ScoredRun, Spread, train_and_score
from squeezebert.tasks.glue import GLUE_TASKS, choose_glue_tasks, official_scores
from squeezebert.training.finetuning.datasets import open_training_data
from squeezebert.training.loop.hardware import processes
from squeezebert.training.loop.lock import held
from squeezebert.training.recipe.file import (
    flatten,
    from_mapping,
    merged,
    read_values,
    set_values,
)
from squeezebert.training.recipe.run import FinetuneRecipe

RESULT = "glue.json"

DEFAULTS: Mapping[str, Any] = {
    "max_length": 128,
    "optimizer": {"warmup": 0.1, "weight_decay": 0.01},
    "loop": {"batch_size": 32},
}
"""What every task gets, under what a recipe says; the rate goes by the model's width."""

NEVER = 1_000_000_000
"""Steps between evaluations, so that there is but the one after the last step."""

OWN = ("task", "data", "model.start", "problem_type", "loop.seed", "loop.evaluate_steps")
"""Settings that are not a recipe's to make, but for what a single task trains on."""


@dataclass(frozen=True)
class GlueRecipe:
    """How models are fine-tuned for GLUE's tasks; made by :func:`load_glue_recipe`.

    Args:
        layers: Settings for all tasks and by task, each layer over the ones before.
        where: The recipe's file, for messages.
    """

    layers: tuple[tuple[Mapping[str, Any], Mapping[str, Any]], ...]
    where: str

    @property
    def settings(self) -> dict[str, Any]:
        """What the layers set, by dotted name: as ``--set`` takes it, in one layer."""
        given: dict[str, Any] = {}
        for general, by_task in self.layers:
            new = flatten(general)
            # What a later layer says of all tasks wins over what an earlier one said of some.
            given = {key: value for key, value in given.items() if _of_all_tasks(key) not in new}
            given |= new | flatten(by_task, "tasks.")
        return given

    def finetuning(self, name: str, model: str, seed: int) -> FinetuneRecipe:
        """The recipe of one run.

        Args:
            name: The task.
            model: What the run starts from.
            seed: Of the new head, the order of the data and dropout.

        Raises:
            ConfigError: a setting that does not exist, cannot be, or is not the recipe's to make.
        """
        task = GLUE_TASKS[name]
        values: dict[str, Any] = merged(DEFAULTS, {"loop": {"epochs": task.epochs}})
        for general, by_task in self.layers:
            values = merged(values, general, by_task.get(name, {}))
        of_task = flatten(merged(*(by_task.get(name, {}) for _, by_task in self.layers)))
        allowed = of_task.keys() & {"data.train"}
        own = [key for key in flatten(values) if key.startswith(OWN) and key not in allowed]
        if own:
            raise ConfigError(
                f"{self.where} sets {own[0]}, which GLUE's runs set themselves",
                hint="leave it out",
            )
        values = merged(
            values,
            {
                "task": "text_classification",
                "data": {"train": of_task.get("data.train", [name]), "dev": [task.dev[0]]},
                "model": {"start": model},
                "loop": {"seed": seed, "evaluate_steps": NEVER},
            },
        )
        return from_mapping(FinetuneRecipe, values, self.where)


def _of_all_tasks(key: str) -> str:
    """``loop.epochs`` for ``tasks.rte.loop.epochs``; others as they are."""
    return key.split(".", 2)[2] if key.startswith("tasks.") else key


def load_glue_recipe(
    path: Path | str | None = None, overrides: Mapping[str, str] | None = None
) -> GlueRecipe:
    """A recipe for all of GLUE: settings of fine-tuning, and under ``[tasks.NAME]`` what differs
    for single tasks. ``tasks.NAME.data.train`` says what a task trains on, such as its own rows
    beside a teacher's labels of others.

    Args:
        path: A TOML file; None: our own settings alone.
        overrides: Settings by dotted name with values as TOML writes them; they win over the
            file, also over what it says of single tasks.

    Raises:
        ConfigError: no such file, not TOML, or a task that GLUE does not have.

    >>> recipe = load_glue_recipe(None, {"loop.epochs": "2", "tasks.rte.loop.epochs": "4"})
    >>> [recipe.finetuning(name, "m", 0).loop.epochs for name in ("rte", "cola")]
    [4.0, 2.0]
    """
    given: dict[str, Any] = {}
    set_values(given, overrides or {})
    where = "the recipe" if path is None else str(path)
    layers: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
    for values in ([] if path is None else [read_values(path)]) + [given]:
        by_task = values.pop("tasks", {})
        unknown = [name for name in by_task if name not in GLUE_TASKS]
        if unknown:
            raise ConfigError(
                f"{where}: GLUE has no task {unknown[0]!r}",
                hint=f"its tasks are {', '.join(GLUE_TASKS)}",
            )
        layers.append((values, by_task))
    return GlueRecipe(tuple(layers), where)


@dataclass(frozen=True, kw_only=True)
class GlueTaskResult:
    """One task.

    Args:
        name: The task's.
        texts: How many there were of each dev set.
        steps: Of each seed's run.
        training_seconds: Of each seed's run.
        scores: The official ones over the seeds, by precision, dev set and name.
        classical: Those of a classical model of the same rows, where one was fitted.
    """

    name: str
    texts: Mapping[str, int]
    steps: tuple[int, ...]
    training_seconds: tuple[float, ...]
    scores: Mapping[str, Mapping[str, Mapping[str, Spread]]]
    classical: ClassicalScores | None = None

    @staticmethod
    def of(
        name: str, runs: Sequence[ScoredRun], classical: ClassicalScores | None = None
    ) -> GlueTaskResult:
        """A task's runs, one a seed, and what a classical model makes of it."""
        task = GLUE_TASKS[name]
        scores: dict[str, dict[str, dict[str, Spread]]] = {}
        for precision in PRECISIONS:
            scores[precision] = {}
            for dev in task.dev:
                rows = [official_scores(task, run.scores[dev][precision]) for run in runs]
                scores[precision][dev] = {
                    score: Spread(values=tuple(row[score] for row in rows)) for score in task.scores
                }
        return GlueTaskResult(
            name=name,
            texts=dict(runs[0].texts),
            steps=tuple(run.training.steps for run in runs),
            training_seconds=tuple(run.training.seconds for run in runs),
            scores=scores,
            classical=classical,
        )

    def summary(self, precision: str) -> Spread:
        """The mean of the official scores, over the seeds: what GLUE's average is made of."""
        every = [one for named in self.scores[precision].values() for one in named.values()]
        columns = zip(*(one.values for one in every), strict=True)
        return Spread(values=tuple(sum(column) / len(column) for column in columns))


@dataclass(frozen=True, kw_only=True)
class GlueResult:
    """A model on GLUE.

    Args:
        model: Its name.
        seeds: How many runs each task had.
        settings: What a recipe and the command line set, by dotted name.
        tasks: In GLUE's order.
    """

    model: str
    seeds: int
    settings: Mapping[str, Any]
    tasks: tuple[GlueTaskResult, ...]

    def average(self, precision: str) -> float:
        """The mean over the tasks that were run."""
        return sum(task.summary(precision).mean for task in self.tasks) / len(self.tasks)

    def to_json(self) -> dict[str, Any]:
        """What goes into ``glue.json``; scores as fractions."""
        return {
            "model": self.model,
            "seeds": self.seeds,
            "split": "dev",
            "settings": dict(self.settings),
            "tasks": {
                one.name: {
                    "texts": dict(one.texts),
                    "steps": list(one.steps),
                    "training_seconds": list(one.training_seconds),
                    "scores": _each_spread(one.scores, _spread_to_json),
                    "classical": one.classical and asdict(one.classical),
                }
                for one in self.tasks
            },
            "average": {precision: self.average(precision) for precision in PRECISIONS},
        }

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> GlueResult:
        """What :meth:`to_json` gave.

        Raises:
            KeyError, TypeError: something is missing or is not what it should be.
        """
        return GlueResult(
            model=content["model"],
            seeds=content["seeds"],
            settings=content["settings"],
            tasks=tuple(
                GlueTaskResult(
                    name=name,
                    texts=row["texts"],
                    steps=tuple(row["steps"]),
                    training_seconds=tuple(row["training_seconds"]),
                    scores=_each_spread(row["scores"], _spread_from_json),
                    classical=_classical(row.get("classical")),
                )
                for name, row in content["tasks"].items()
            ),
        )


def _each_spread(
    scores: Mapping[str, Mapping[str, Mapping[str, Any]]], change: Callable[[Any], Any]
) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        precision: {
            dev: {name: change(spread) for name, spread in by_name.items()}
            for dev, by_name in by_dev.items()
        }
        for precision, by_dev in scores.items()
    }


def _classical(content: Mapping[str, Any] | None) -> ClassicalScores | None:
    return None if content is None else ClassicalScores(**content)


def _spread_to_json(spread: Spread) -> dict[str, Any]:
    return {"mean": spread.mean, "deviation": spread.deviation, "values": list(spread.values)}


def _spread_from_json(content: Mapping[str, Any]) -> Spread:
    return Spread(values=tuple(content["values"]))


def run_glue(
    model: str,
    output: Path,
    *,
    tasks: Sequence[str] = (),
    seeds: int = 3,
    recipe: GlueRecipe | None = None,
    limit: int | None = None,
    classical: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> GlueResult:
    """Fine-tunes a model on GLUE's tasks and scores it on their dev sets, as far as that is not
    done yet; writes ``glue.json``.

    Args:
        model: A model directory, shipped model or hub name. One that was fine-tuned on another of
            the tasks gives its encoder, and its head where the labels are the same.
        output: The folder of the runs.
        tasks: Of :data:`~squeezebert.tasks.glue.GLUE_TASKS`; those in the data directory where
            empty.
        seeds: Runs of each task.
        recipe: How; our own settings where None.
        limit: The most texts of each dev set, drawn at random; all where None.
        classical: Fit a classical model to each task's rows too.
        progress: Told what is done next.

    Raises:
        ConfigError: a recipe that cannot be, or runs in ``output`` that had another one or are
            going on.
        DataError: a data set that is not there.
        CheckpointError: a model or run that cannot be read.
        InvalidInputError: an unknown task, or no seeds.
        MissingDependencyError: ``classical`` without scikit-learn.
    """
    if seeds < 1:
        raise InvalidInputError(f"seeds is {seeds}, expected 1 or more")
    chosen = choose_glue_tasks(tasks)
    recipe = load_glue_recipe() if recipe is None else recipe
    resolve(model)
    plan = {
        (name, seed): recipe.finetuning(name, model, seed)
        for seed in range(seeds)
        for name in chosen
    }
    # Whatever is missing is missed before hours of training.
    for name, task in chosen.items():
        progress(f"reading {task.title}")
        open_training_data(plan[name, 0])  # the first dev set too
        for dev in task.dev[1:]:
            open_dataset(dev, task="text_classification", split="dev")
    with held(output):
        beside: dict[str, ClassicalScores] = {}
        for name, task in chosen.items() if classical else ():
            progress(f"a classical model of {task.title}")
            beside[name] = fit_and_score(name, limit=limit)
        runs: dict[tuple[str, int], ScoredRun] = {}
        for number, ((name, seed), finetuning) in enumerate(plan.items(), start=1):
            progress(f"{GLUE_TASKS[name].title}, seed {seed} (run {number} of {len(plan)})")
            runs[name, seed] = train_and_score(
                finetuning,
                output / name / f"seed-{seed}",
                tests=chosen[name].dev,
                split="dev",
                limit=limit,
            )
        result = GlueResult(
            model=model_name(model),
            seeds=seeds,
            settings=recipe.settings,
            tasks=tuple(
                GlueTaskResult.of(
                    name, [runs[name, seed] for seed in range(seeds)], beside.get(name)
                )
                for name in chosen
            ),
        )
        if processes().is_main_process:
            machine = describe_machine(0)
            about = {"cpu": machine.cpu, "isa": runs[next(iter(plan))].isa}
            content = {**result.to_json(), "machine": about, "versions": installed_versions()}
            files.write_text(output / RESULT, json.dumps(content, indent=2) + "\n")
        return result
