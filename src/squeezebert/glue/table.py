"""GLUE's scores as a table, with published figures beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from squeezebert.glue.classical import ClassicalScores
from squeezebert.glue.run import GlueResult
from squeezebert.report.tables import Table
from squeezebert.scored_runs import PRECISIONS
from squeezebert.tasks.glue import GLUE_TASKS

NAMES = {
    "matthews": "Matthews",
    "accuracy": "accuracy",
    "f1": "F1",
    "pearson": "Pearson",
    "spearman": "Spearman",
}


@dataclass(frozen=True, kw_only=True)
class Published:
    """What others report.

    Args:
        title: The model and the part of the data, for the column.
        source: Where it stands.
        scores: In hundredths, by task, in the order of the task's scores (for MNLI matched and
            mismatched); a single number where the source gives one for two.
    """

    title: str
    source: str
    scores: Mapping[str, tuple[float, ...]]


PUBLISHED = (
    Published(
        title="BERT-base, dev",
        source="bert-base-cased, one run of run_glue.py, three to five epochs: the README of "
        "transformers' examples/pytorch/text-classification",
        scores={
            "cola": (56.53,),
            "sst2": (92.32,),
            "mrpc": (88.85, 84.07),
            "stsb": (88.64, 88.48),
            "rte": (65.70,),
            "wnli": (56.34,),
            "qqp": (87.49, 90.71),
            "mnli": (83.91, 84.10),
            "qnli": (90.66,),
        },
    ),
    Published(
        title="BERT-base, dev",
        source="bert-base, an independent dev run, quoted from this project's brief, which does "
        "not name it",
        scores={
            "cola": (57.4,),
            "sst2": (92.3,),
            "mrpc": (83.8,),
            "rte": (64.6,),
            "mnli": (84.2,),
            "qnli": (91.4,),
        },
    ),
    Published(
        title="SqueezeBERT, dev",
        source="squeezebert-uncased, the same dev run",
        scores={
            "cola": (39.6,),
            "sst2": (89.2,),
            "mrpc": (79.9,),
            "rte": (64.6,),
            "mnli": (81.0,),
            "qnli": (89.9,),
        },
    ),
    Published(
        title="SqueezeBERT, test",
        source="distilled, and from MNLI: Iandola et al. 2020 (as this project's brief quotes it; "
        "one number a task, on the hidden test labels, so no dev scores to compare with)",
        scores={
            "cola": (46.5,),
            "sst2": (91.4,),
            "mrpc": (87.8,),
            "rte": (73.2,),
            "qqp": (80.3,),
            "mnli": (82.0, 81.1),
            "qnli": (90.1,),
        },
    ),
)


def glue_table(results: Sequence[GlueResult], published: Sequence[Published] = PUBLISHED) -> Table:
    """One row a task, two columns a model (the engine in float32 and in int8), one of the classical
    models where some were fitted, one a published row of figures. All in hundredths, ``mean ±
    deviation`` over the seeds.

    The last row is the mean over the tasks that were run (a task's scores averaged first); of
    classical models and published figures it stands only where they cover all of these.
    """
    names = [
        name for name in GLUE_TASKS if any(one.name == name for r in results for one in r.tasks)
    ]
    # A column without any figure tells nothing.
    shown = [row for row in published if any(name in row.scores for name in names)]
    fitted = _classical(results)
    columns = (
        "task",
        "dev texts",
        "score",
        # A line end is one in the terminal, and a space in Markdown.
        *(f"{result.model}\n{precision}" for result in results for precision in PRECISIONS),
        *(["classical"] if fitted else []),
        *(f"{row.title} [{number}]" for number, row in enumerate(shown, start=1)),
    )
    rows = [
        (
            GLUE_TASKS[name].title,
            _texts(results, name),
            _score_names(name),
            *(_cell(result, name, precision) for result in results for precision in PRECISIONS),
            *([_classical_cell(fitted.get(name))] if fitted else []),
            *(
                " / ".join(f"{value:g}" for value in row.scores.get(name, ())) or "–"
                for row in shown
            ),
        )
        for name in names
    ]
    rows.append(
        (
            "mean",
            "",
            "",
            *(
                f"{100 * result.average(precision):.1f}"
                for result in results
                for precision in PRECISIONS
            ),
            *([_classical_mean(fitted, names)] if fitted else []),
            *(_published_mean(row, names) for row in shown),
        )
    )
    return Table(columns=columns, rows=tuple(rows), heads=3)


def sources(results: Sequence[GlueResult], published: Sequence[Published] = PUBLISHED) -> list[str]:
    """Where the published figures of :func:`glue_table` stand, in its numbering."""
    names = {one.name for result in results for one in result.tasks}
    shown = [row for row in published if names & set(row.scores)]
    return [f"[{number}] {row.source}" for number, row in enumerate(shown, start=1)]


def protocol(results: Sequence[GlueResult]) -> str:
    """How the scores were taken, in a sentence or two."""
    seeds = " or ".join(str(count) for count in sorted({result.seeds for result in results}))
    told = (
        f"Dev sets, mean ± standard deviation over {seeds} seed{'' if seeds == '1' else 's'}, the "
        "weights of the last step: nothing was chosen on dev. By the engine, in hundredths."
    )
    fitted = _classical(results).values()
    if fitted:
        names = sorted({one.model for one in fitted})
        seconds = sum(one.fit_cpu_seconds for one in fitted)
        told += (
            f" Classical: {' or '.join(names)}, fitted to the same rows, {seconds:.0f} seconds of "
            "one core for all."
        )
    return told


def _classical(results: Sequence[GlueResult]) -> dict[str, ClassicalScores]:
    """By task. They do not go by the models that they stand beside."""
    return {
        one.name: one.classical
        for result in results
        for one in result.tasks
        if one.classical is not None
    }


def _classical_cell(one: ClassicalScores | None) -> str:
    if one is None:
        return "–"
    values = [value for by_name in one.scores.values() for value in by_name.values()]
    return " / ".join(f"{100 * value:.1f}" for value in values)


def _classical_mean(fitted: Mapping[str, ClassicalScores], names: Sequence[str]) -> str:
    if not fitted.keys() >= {*names}:
        return "–"
    return f"{100 * sum(fitted[name].summary for name in names) / len(names):.1f}"


def _texts(results: Sequence[GlueResult], name: str) -> str:
    found = next(one for result in results for one in result.tasks if one.name == name)
    return " / ".join(f"{count:,}" for count in found.texts.values())


def _score_names(name: str) -> str:
    task = GLUE_TASKS[name]
    if len(task.dev) > 1:
        return f"{NAMES[task.scores[0]]}, matched / mismatched"
    return " / ".join(NAMES[score] for score in task.scores)


def _cell(result: GlueResult, name: str, precision: str) -> str:
    for one in result.tasks:
        if one.name == name:
            by_dev = one.scores[precision].values()
            return " / ".join(spread.percent() for by_name in by_dev for spread in by_name.values())
    return "–"


def _published_mean(row: Published, names: Sequence[str]) -> str:
    if not all(name in row.scores for name in names):
        return "–"
    means = [sum(row.scores[name]) / len(row.scores[name]) for name in names]
    return f"{sum(means) / len(means):.1f}"
