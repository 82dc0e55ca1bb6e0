"""``squeezebert compare``: several models over several data sets, side by side."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from squeezebert.cli import screen
from squeezebert.cli.bar import Bar
from squeezebert.cli.layout import Layout, layout_options, part_option, parts, split_option
from squeezebert.cli.options import (
    limit_option,
    output_option,
    reference_option,
    threads_option,
)
from squeezebert.errors import InvalidInputError
from squeezebert.spec import TASK_NAMES, ProblemType, TaskName, TaskSpec

if TYPE_CHECKING:
    from squeezebert.data.catalog import Dataset


@click.command()
@click.option(
    "--data",
    "-d",
    "words",
    multiple=True,
    metavar="NAME_OR_FILE",
    help="What to compare on. Can be given several times. TASK:FILE says what a file is for, where "
    "neither the models nor its ending tell.",
)
@click.option(
    "--model",
    "-m",
    "models",
    multiple=True,
    metavar="NAME_OR_DIR",
    help="What to compare. Can be given several times [default: the shipped models that fit the "
    "data].",
)
@split_option("test")
@part_option("dev", "What to compare on, beside --data.")
@part_option("test", "What to compare on, beside --data.")
@layout_options
@click.option(
    "--backend",
    "backends",
    multiple=True,
    default=("engine",),
    show_default=True,
    help="What runs the models. Can be given several times.",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=("auto",),
    show_default=True,
    help="In what the engine computes: int8, bf16, float32, or what each model records (auto). "
    "Can be given several times.",
)
@click.option(
    "--baseline",
    metavar="NAME",
    help="The model that speed is compared with, or `transformers`: each model's double under "
    "Hugging Face's code [default: the first BERT].",
)
@click.option(
    "--classical",
    is_flag=True,
    help="Fit a classical model to each data set's train part and let it take part: TF-IDF with a "
    "linear SVM, a CRF, or bigrams. Needs squeezebert[classical].",
)
@reference_option
@click.option(
    "--repetitions",
    default=3,
    show_default=True,
    type=click.IntRange(min=1),
    help="Passes over each data set.",
)
@limit_option
@click.option(
    "--examples",
    default=8,
    show_default=True,
    type=click.IntRange(min=0),
    help="The most texts a data set on which the models differ, to be shown in the report.",
)
@click.option("--seed", default=0, show_default=True, help="Of all that is drawn.")
@threads_option
@output_option
@click.pass_obj
def compare(
    arguments: Sequence[str],
    *,
    words: tuple[str, ...],
    models: tuple[str, ...],
    split: str,
    dev: tuple[str, ...],
    test: tuple[str, ...],
    layout: Layout,
    backends: tuple[str, ...],
    precisions: tuple[str, ...],
    baseline: str | None,
    classical: bool,
    reference: Path | None,
    repetitions: int,
    limit: int | None,
    examples: int,
    seed: int,
    threads: int | None,
    output: Path,
) -> None:
    r"""Compare models: quality beside CPU time.

    The models take turns in small blocks, so that whatever drifts hits all of them alike. Prints a
    table and writes report.json, report.md, report.html and tradeoff.svg.

    \b
    squeezebert compare --data sample_news --data sample_ner_en --classical --output runs/comparison
    squeezebert compare -m runs/squeezebert -m runs/bert --data mail.csv --label kind \
        --baseline bert --output runs/comparison
    """
    named = parts(words, split, dev, test)
    if not named:
        raise click.UsageError("name what to compare on: with --data, --dev or --test")

    from squeezebert.comparison import CompareSettings
    from squeezebert.comparison import compare as run
    from squeezebert.files import check_writable
    from squeezebert.report import write_report
    from squeezebert.report.terminal import print_table

    specs = _specs_of(models)
    tasks: list[TaskName] = [_task_of(word, specs) for word, _ in named]
    datasets = [
        _open(word, task, part, layout, specs)
        for (word, part), task in zip(named, tasks, strict=True)
    ]
    fitted_to = zip(named, tasks, strict=True) if classical else ()
    settings = CompareSettings(
        backends=backends,
        precisions=precisions,
        baseline=baseline,
        reference=reference,
        repetitions=repetitions,
        limit=limit,
        examples=examples,
        threads=threads,
        seed=seed,
    )
    check_writable(output)
    with Bar() as bar:
        report = run(
            models or _shipped(datasets),
            datasets,
            settings,
            train_parts=[
                _open(word, task, "train", layout, specs) for (word, _), task in fitted_to
            ],
            command=shlex.join(["squeezebert", *arguments]),
            progress=bar,
        )
    written = write_report(report, output)
    print_table(report)
    screen.note(f"wrote {written.html}, {written.markdown.name} and {written.json.name}")


def _task_of(word: str, specs: Sequence[TaskSpec]) -> TaskName:
    """What a data set of the command line is for: known by its name, said before the file, or what
    all the models do, or all that files of its ending are for.
    """
    from squeezebert.data.catalog import dataset_names
    from squeezebert.data.folders import SUFFIXES
    from squeezebert.data.lines import format_suffix
    from squeezebert.errors import near

    before = word.partition(":")[0]
    for task in TASK_NAMES:
        if word in dataset_names(task) or word.startswith(f"{task}:"):
            return task
    if not Path(word).exists():
        names = dataset_names()
        raise InvalidInputError(
            f"no data set and no path is called {word!r}",
            hint=near(before, TASK_NAMES) or near(word, names) or f"sets: {', '.join(names)}",
        )
    told: list[set[TaskName]] = [
        {spec.task for spec in specs},
        {task for task in TASK_NAMES if format_suffix(word) in SUFFIXES[task]},
    ]
    for tasks in told:
        if len(tasks) == 1:
            return tasks.pop()
    raise InvalidInputError(
        f"{word} could be for {' or '.join(sorted(set[TaskName]().union(*told)) or TASK_NAMES)}",
        hint=f"write the task before it, such as {TASK_NAMES[1]}:{word}",
    )


def _specs_of(models: Sequence[str]) -> list[TaskSpec]:
    """What the models that say it are for."""
    from squeezebert.checkpoint.directory import read_spec
    from squeezebert.checkpoint.hub import resolve

    specs = [read_spec(resolve(model)) for model in models]
    return [spec for spec in specs if spec is not None]


def _open(
    word: str,
    task: TaskName,
    split: str,
    layout: Layout,
    specs: Sequence[TaskSpec],
) -> Dataset:
    """The data set that a word of the command line names; of a file the labels are what the first
    of the models for the task takes.
    """
    from squeezebert.data.catalog import dataset_names, open_dataset

    if word in dataset_names(task):
        return open_dataset(word, task=task, split=split)
    kinds: list[ProblemType] = [spec.problem_type for spec in specs if spec.task == task]
    return layout.open(
        word.removeprefix(f"{task}:"),
        task=task,
        split=split,
        problem_type=kinds[0] if kinds else "single_label",
    )


def _shipped(datasets: Sequence[Dataset]) -> list[str]:
    """The shipped models that fit at least one of the data sets. Of masked language models those
    that most share a vocabulary with: others would be asked for other tokens.
    """
    from squeezebert.checkpoint.shipped import shipped_models

    fitting = [
        model
        for model in shipped_models()
        if model.spec is not None and any(_fits(model.spec, data) for data in datasets)
    ]
    vocabularies = {
        model.name: (model.directory / "vocab.txt").read_bytes()
        for model in fitting
        if model.task == "masked_lm"
    }
    most = Counter(vocabularies.values()).most_common(1)
    names = [
        model.name
        for model in fitting
        if not most or vocabularies.get(model.name, most[0][0]) == most[0][0]
    ]
    if not names:
        raise InvalidInputError(
            "no shipped model fits the data",
            hint="name models with --model; `squeezebert models` lists the shipped ones",
        )
    return names


def _fits(spec: TaskSpec, dataset: Dataset) -> bool:
    return (
        spec.task == dataset.task
        and set(dataset.labels) <= set(spec.labels)
        and (
            not (spec.languages and dataset.languages)
            or bool({*spec.languages} & {*dataset.languages})
        )
    )
