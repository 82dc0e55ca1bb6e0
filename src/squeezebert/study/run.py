"""The whole study: fetch, fine-tune, measure, report; what is done already is left as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from squeezebert.comparison.measure import Progress, Silent
from squeezebert.comparison.schema import Report
from squeezebert.comparison.study import beside_study
from squeezebert.complexity import count
from squeezebert.errors import SqueezeBertError
from squeezebert.files import check_writable
from squeezebert.scored_runs import train_and_score
from squeezebert.study.cells import set_result
from squeezebert.study.converting import write_set
from squeezebert.study.hub import HubUnreachable
from squeezebert.study.measuring import MeasuredSet, measure_set
from squeezebert.study.models import ChosenModel
from squeezebert.study.plan import Plan, measured_file, run_directory, without_network
from squeezebert.study.result import StudyModel, StudyResult, TrainedRun
from squeezebert.study.sets import ChosenSet
from squeezebert.training.finetuning.finetune import finetune
from squeezebert.training.loop.lock import held
from squeezebert.training.loop.output import TrainingResult


def run_study(
    plan: Plan,
    *,
    command: str = "",
    progress: Progress | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[StudyResult, Report]:
    """Does what a plan says. Called again after it was stopped, it goes on.

    Args:
        plan: From :func:`squeezebert.study.plan.make_plan`.
        command: The command line, for the report.
        progress: Told how far a measurement is.
        tell: Told what is done next.

    Returns:
        What was found, and the comparison behind it.

    Raises:
        HubUnreachable: the connection is gone, and something is missing.
        CheckpointError: a download that breaks off for good or has other content than the hub
            says; a model that cannot be read; a disk that takes nothing.
        ConfigError: a recipe that cannot be, or another one than the runs here had.
        DataError, InvalidInputError: data that cannot be used.
    """
    settings = plan.settings
    check_writable(settings.output)
    with held(settings.output):
        starts = {model.name: _fetched(plan, model, tell) for model in plan.models}
        for one in plan.sets:
            _prepared(plan, one, tell)
        measured: list[tuple[ChosenSet, MeasuredSet]] = []
        runs: list[TrainedRun] = []
        for one in plan.sets:
            models: dict[str, Path] = {}
            steps: dict[str, int] = {}
            for model in plan.models:
                for seed in range(settings.seeds):
                    tell(
                        f"fine-tuning {model.name} on {one.title}"
                        + (f", seed {seed}" if settings.seeds > 1 else "")
                    )
                    run, result = _trained(plan, one, model, starts[model.name], seed)
                    runs.append(run)
                    if seed == 0:
                        models[model.name], steps[model.name] = result.output, result.steps
            tell(f"measuring on {one.title}")
            found = measure_set(
                settings,
                one,
                models,
                steps,
                measured_file(settings, one),
                command=command,
                progress=progress or Silent(),
            )
            measured.append((one, found))
    report = joined([found.report for _, found in measured], plan.left_out, command)
    return (
        StudyResult(
            date=datetime.now(tz=UTC).replace(microsecond=0).isoformat(),
            command=command,
            quick=settings.quick,
            versions=report.versions,
            machine=report.machine,
            device=plan.device,
            models=tuple(
                StudyModel(
                    name=model.name,
                    family=model.family,
                    origin=model.origin,
                    parameters=count(model.config, tokens=8).parameters,
                )
                for model in plan.models
            ),
            runs=tuple(runs),
            sets=tuple(set_result(one, found) for one, found in measured),
            left_out=plan.left_out,
        ),
        report,
    )


def _fetched(plan: Plan, model: ChosenModel, tell: Callable[[str], None]) -> Path:
    """Where a checkpoint lies, once it does."""
    if model.repository is None:
        assert model.directory is not None
        return model.directory
    if plan.sources.missing(model.repository, model.files):
        tell(f"downloading {model.given}")
    try:
        places = plan.sources.fetch(model.repository, model.files)
    except HubUnreachable as error:
        raise without_network(error) from error
    link = plan.settings.output.absolute() / "checkpoints" / model.name
    return _linked(link, places["config.json"].parent)


def _linked(link: Path, directory: Path) -> Path:
    """A name for ``directory`` that stays the same when the hub's cache moves: a run's recipe says
    what it started from, and another start would be another run.
    """
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(directory.absolute(), target_is_directory=True)
    except OSError:  # a file system without links
        return directory
    return link


def _prepared(plan: Plan, one: ChosenSet, tell: Callable[[str], None]) -> None:
    """Downloads and rewrites a set of the hub, where that is not done."""
    if one.repository is None or one.is_here:
        return
    tell(f"downloading {one.title}")
    try:
        places = plan.sources.fetch(one.repository, one.files)
    except HubUnreachable as error:
        raise without_network(error) from error
    write_set(
        {split: [places[file.path] for file in files] for split, files in one.parts},
        Path(one.path),
        task=one.task,
        tag_names=one.tag_names,
    )


def _trained(
    plan: Plan, one: ChosenSet, model: ChosenModel, start: Path, seed: int
) -> tuple[TrainedRun, TrainingResult]:
    settings = plan.settings
    recipe = settings.recipe(one.task, start=str(start), data=one.path, seed=seed)
    if one.languages:
        recipe = dataclasses.replace(recipe, languages=one.languages)
    output = run_directory(settings, one, model, seed)
    test: dict[str, float] = {}
    try:
        if settings.seeds > 1:
            scored = train_and_score(
                recipe,
                output,
                tests=[one.path],
                split="test",
                precisions=("float32",),
                limit=settings.most_texts,
            )
            result = scored.training
            test = dict(scored.scores[one.path]["float32"].values)
        else:
            result = finetune(recipe, output, resume=True)
    except SqueezeBertError as error:
        raise type(error)(
            f"{model.name} on {one.title}: {error.message}", hint=error.hint
        ) from error
    run = TrainedRun(
        model=model.name,
        dataset=one.name,
        seed=seed,
        steps=result.steps,
        seconds=result.seconds,
        stopped=result.stopped,
        dev_name=result.main_score,
        dev_score=result.scores.get(result.main_score, 0.0),
        test=test,
    )
    return run, result


def joined(reports: list[Report], left_out: tuple[str, ...], command: str) -> Report:
    """The comparisons of the sets as one."""
    first = reports[0]
    results = tuple(one for report in reports for one in report.results)
    references = [one.settings.reference for one in reports if one.settings.reference]
    notes = dict.fromkeys(note for report in reports for note in report.notes)
    return dataclasses.replace(
        first,
        command=command,
        settings=dataclasses.replace(
            first.settings, reference=references[0] if references else None
        ),
        datasets=tuple(one for report in reports for one in report.datasets),
        results=results,
        differences=tuple(one for report in reports for one in report.differences),
        examples=tuple(one for report in reports for one in report.examples),
        study=beside_study(results),
        notes=(*notes, *(f"Left out: {reason}" for reason in left_out)),
    )
