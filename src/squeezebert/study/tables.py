"""The tables of a study, and what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from squeezebert.comparison.schema import Report
from squeezebert.comparison.study import STUDY
from squeezebert.report.headline import Headline, Part, geometric_mean
from squeezebert.report.pages.hero import Tile
from squeezebert.report.tables import Table, four
from squeezebert.report.words import (
    MISSING,
    count,
    listed,
    signed,
    significant,
    task_title,
    times,
)
from squeezebert.shown import plural
from squeezebert.study.published import PROTOCOLS, ROWS
from squeezebert.study.result import Cell, Setting, StudyResult, StudySetResult

WHO = "the study"

SETTINGS: dict[Setting, str] = {
    "study": "here, as the study did",
    "transformers": "here, transformers float32",
    "float32": "here, engine float32",
    "int8": "here, engine int8",
}


def cells_table(one: StudySetResult) -> Table:
    """The study's row and ours beside it, cell by cell.

    Seconds are those of the whole test part, as the study gives them; milliseconds are a text's.
    """
    named = one.task == "token_classification"
    columns = (
        "",
        "SqueezeBERT",
        "BERT",
        "difference",
        *(("entity F1, SqueezeBERT", "entity F1, BERT") if named else ()),
        "seconds, SqueezeBERT",
        "seconds, BERT",
        "ms a text, SqueezeBERT",
        "ms a text, BERT",
        "speed-up",
    )
    rows = [_study_row(one, named)]
    rows += [
        _own_row(one, setting, named)
        for setting in SETTINGS
        if any(cell.setting == setting for cell in one.cells)
    ]
    return Table(columns, tuple(rows))


def _study_row(one: StudySetResult, named: bool) -> tuple[str, ...]:
    row, protocol = ROWS[one.task], PROTOCOLS[one.task]  # pyright: ignore[reportArgumentType]
    f1 = protocol.entity_f1 or (None, None)
    cells = (row.squeezebert, row.bert)
    return (
        WHO,
        *(four(cell.score) for cell in cells),
        four(row.squeezebert.score - row.bert.score),
        *(map(four, f1) if named else ()),
        *(f"{cell.cpu_seconds:.3f}" for cell in cells),
        *(significant(1000 * cell.cpu_seconds / protocol.texts) for cell in cells),
        times(row.speedup),
    )


def _own_row(one: StudySetResult, setting: Setting, named: bool) -> tuple[str, ...]:
    cells = [one.cell(family, setting) for family in ("squeezebert", "bert")]
    # What the study scored as we do is the same under transformers: its own row times only.
    scores = [_score(one, cell, setting) for cell in cells]
    fast, slow = scores
    return (
        SETTINGS[setting],
        *(four(score) for score in scores),
        MISSING if fast is None or slow is None else four(fast - slow),
        *((four(cell and cell.entity_f1) for cell in cells) if named else ()),
        *(significant(cell and cell.cpu_ms * one.texts / 1000, 4) for cell in cells),
        *(significant(cell and cell.cpu_ms) for cell in cells),
        times(one.speedup(setting)),
    )


def _score(one: StudySetResult, cell: Cell | None, setting: Setting) -> float | None:
    if cell is None or cell.score is not None or setting != "study":
        return cell and cell.score
    same = one.task != "masked_lm"
    other = one.cell(cell.family, "transformers") if same else None
    return other and other.score


def why_table(found: StudyResult, report: Report) -> Table:
    """How many times faster SqueezeBERT is than BERT: what arithmetic promises, and what becomes
    of it in each setting.
    """
    rows = [
        (
            one.title,
            times(ROWS[one.task].speedup),
            times(arithmetic(one, report)),
            *(times(one.speedup(setting)) for setting in SETTINGS),
        )
        for one in found.sets
    ]
    columns = ("", WHO, "arithmetic", *(_short(title) for title in SETTINGS.values()))
    return Table(columns, tuple(rows))


def _short(title: str) -> str:
    return title.removeprefix("here, ")


def arithmetic(one: StudySetResult, report: Report) -> float | None:
    """BERT's multiply-adds a text over SqueezeBERT's."""
    gflop: dict[str, float] = {}
    for result in report.results:
        if result.dataset == one.name and result.gflop:
            gflop.setdefault(result.family, result.gflop)
    if not {"squeezebert", "bert"} <= set(gflop):
        return None
    return gflop["bert"] / gflop["squeezebert"]


def training_table(found: StudyResult) -> Table:
    """How each model was fine-tuned, and over several seeds what came of it."""
    several = any(run.test for run in found.runs)
    columns = (
        "model",
        "set",
        "seeds",
        "steps",
        "minutes",
        "dev score",
        *(("test, mean ± deviation",) if several else ()),
    )
    rows: list[tuple[str, ...]] = []
    titles = {one.name: one for one in found.sets}
    for model, name in dict.fromkeys((run.model, run.dataset) for run in found.runs):
        runs = [run for run in found.runs if (run.model, run.dataset) == (model, name)]
        one = titles[name]
        test = [run.test[one.measure] for run in runs if one.measure in run.test]
        rows.append(
            (
                model,
                one.title,
                str(len(runs)),
                f"{runs[0].steps:,}",
                significant(fmean(run.seconds for run in runs) / 60),
                f"{runs[0].dev_name.replace('_', ' ')} {four(runs[0].dev_score)}",
                *((_spread(test),) if several else ()),
            )
        )
    return Table(columns, tuple(rows), heads=2)


def _spread(values: Sequence[float]) -> str:
    if len(values) < 2:
        return four(values[0]) if values else MISSING
    return f"{four(fmean(values))} ± {four(stdev(values))}"


def sources_table(found: StudyResult) -> Table:
    """Where models and sets came from."""
    rows = [
        (one.name, f"model, {count(one.parameters)} parameters", one.origin) for one in found.models
    ]
    rows += [
        (one.title, f"{task_title(one.task)}, {plural(one.texts, 'test text')}", _origin(one))
        for one in found.sets
    ]
    return Table(("what", "", "from"), tuple(rows), heads=3)


def _origin(one: StudySetResult) -> str:
    return f"{one.origin} ({one.license})" if one.license else one.origin


# -- what it comes to ----------------------------------------------------------------------------


def mean_speedup(found: StudyResult, setting: Setting) -> float | None:
    """Over the sets."""
    known = [one.speedup(setting) for one in found.sets]
    return geometric_mean([speed for speed in known if speed is not None])


STUDY_SPEEDUP = geometric_mean([row.speedup for row in STUDY])


def study_headline(found: StudyResult) -> Headline | None:
    """What was found, in one sentence; None where one of the families is missing."""
    padded, engine = mean_speedup(found, "study"), mean_speedup(found, "int8")
    if padded is None or engine is None:
        return None
    parts: list[Part] = [
        ("SqueezeBERT", "name"),
        (" beside ", ""),
        ("BERT", "name"),
        (": ", ""),
        (f"{times(padded, 1)} the speed", "news"),
        (f" as the study ran them ({times(STUDY_SPEEDUP, 1)} there), ", ""),
        (times(engine, 1), "news"),
        (" in the engine", ""),
    ]
    if found.quick:
        parts.insert(0, ("A quick look: ", ""))
    return Headline(tuple(parts))


def study_tiles(found: StudyResult) -> list[Tile]:
    """The numbers to remember."""
    tiles: list[Tile] = []
    study = mean_speedup(found, "study")
    if study is not None:
        each = listed([times(one.speedup("study"), 1) for one in found.sets])
        tiles.append(
            Tile(
                times(study, 1),
                "speed-up as the study ran it",
                f"{each} here; there it found " + listed([times(row.speedup, 1) for row in STUDY]),
            )
        )
    engine = mean_speedup(found, "int8")
    if engine is not None:
        tiles.append(
            Tile(times(engine, 1), "speed-up in the engine, int8", "both models, no padding")
        )
    total = _from_study_to_engine(found)
    if total is not None:
        tiles.append(
            Tile(
                times(total, 1),
                "from one end to the other",
                "BERT as the study ran it over SqueezeBERT in the engine, int8",
            )
        )
    tiles += _quality_tile(found)
    return tiles


def _from_study_to_engine(found: StudyResult) -> float | None:
    ratios: list[float] = []
    for one in found.sets:
        slow, fast = one.cell("bert", "study"), one.cell("squeezebert", "int8")
        if slow is not None and fast is not None and fast.cpu_ms:
            ratios.append(slow.cpu_ms / fast.cpu_ms)
    return geometric_mean(ratios)


def _quality_tile(found: StudyResult) -> list[Tile]:
    gaps: list[float] = []
    for one in found.sets:
        pair = [one.cell(family, "int8") for family in ("squeezebert", "bert")]
        scores = [cell.score for cell in pair if cell is not None and cell.score is not None]
        if len(scores) == 2:
            gaps.append(100 * (scores[0] - scores[1]))
    if not gaps:
        return []
    theirs = fmean(100 * (row.squeezebert.score - row.bert.score) for row in STUDY)
    return [
        Tile(
            signed(fmean(gaps), 1, plus=True),
            "points beside BERT, on average",
            f"{listed([signed(gap, 1, plus=True) for gap in gaps])}; the study {signed(theirs, 1)}",
        )
    ]
