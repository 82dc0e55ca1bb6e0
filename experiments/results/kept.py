"""What experiments/results has found, kept in the repository: scores of every run, a line each,
CPU times and a classical model's scores of every data set, and a file of GLUE's scores a model, so
that the tables outlive the machine and the runs themselves.

A line of scores stands as long as the start's weights and the recipe's values are what they were;
it is made anew otherwise.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from squeezebert import files
from squeezebert.errors import DataError
from squeezebert.glue.run import GlueResult
from squeezebert.scored_runs import ScoredRun
from squeezebert.tasks.base import Scores

SCORES, TIMES, CLASSICAL, GLUE = "finetuned.jsonl", "cpu_ms.jsonl", "classical.jsonl", "glue"


@dataclass(frozen=True)
class Kept:
    """One scored run.

    Args:
        recipe: Its name.
        task: Of the recipe.
        start: The pretrained model, or STUDENT@TEACHER.
        seed: Of the run.
        made_from: :func:`fingerprint` of weights and recipe.
        minutes: That training took.
        isa: The instruction set that the engine ran on.
        texts: How many there were of each data set.
        main: The score by which models are ranked.
        scores: By data set, precision and name.
    """

    recipe: str
    task: str
    start: str
    seed: int
    made_from: str
    minutes: float
    isa: str
    texts: Mapping[str, int]
    main: str
    scores: Mapping[str, Mapping[str, Mapping[str, float]]]

    @staticmethod
    def of(
        run: ScoredRun, *, recipe: str, task: str, start: str, seed: int, made_from: str
    ) -> Kept:
        """What is kept of a run."""
        first = next(iter(next(iter(run.scores.values())).values()))
        return Kept(
            recipe=recipe,
            task=task,
            start=start,
            seed=seed,
            made_from=made_from,
            minutes=round(run.training.seconds / 60, 2),
            isa=run.isa,
            texts=dict(run.texts),
            main=first.main,
            scores={
                data: {precision: _rounded(scores) for precision, scores in by_precision.items()}
                for data, by_precision in run.scores.items()
            },
        )


@dataclass(frozen=True, kw_only=True)
class KeptClassical:
    """A classical model on one data set.

    Args:
        data: The set.
        model: What it is.
        rows: Texts that it was fitted to.
        texts: How many it was scored on.
        scores: By name.
        fit_cpu_seconds: That fitting took.
        answer_cpu_seconds: That answering all texts took.
    """

    data: str
    model: str
    rows: int
    texts: int
    scores: Mapping[str, float]
    fit_cpu_seconds: float
    answer_cpu_seconds: float


def _rounded(scores: Scores) -> dict[str, float]:
    return {name: round(float(value), 5) for name, value in scores.values.items()}


@dataclass
class Archive:
    """The files.

    Args:
        folder: Where they lie.
        runs: By recipe, start and seed.
        times: CPU milliseconds a text by data set: start, precision, and on which processor.
        classical: By data set.
        glue: By model.
    """

    folder: Path
    runs: dict[tuple[str, str, int], Kept] = field(default_factory=dict)
    times: dict[str, dict[str, Any]] = field(default_factory=dict)
    classical: dict[str, KeptClassical] = field(default_factory=dict)
    glue: dict[str, GlueResult] = field(default_factory=dict)

    @staticmethod
    def open(folder: Path) -> Archive:
        """What is there.

        Raises:
            DataError: a line that cannot be read.
        """
        archive = Archive(folder)
        for row in _lines(folder / SCORES):
            kept = Kept(**row)
            archive.runs[kept.recipe, kept.start, kept.seed] = kept
        for row in _lines(folder / TIMES):
            archive.times[row["data"]] = row
        for row in _lines(folder / CLASSICAL):
            archive.classical[row["data"]] = KeptClassical(**row)
        for path in sorted((folder / GLUE).glob("*.json")):
            archive.glue[path.stem] = _glue(path)
        return archive

    def get(self, recipe: str, start: str, seed: int, made_from: str) -> Kept | None:
        """A run that is done and not outdated."""
        kept = self.runs.get((recipe, start, seed))
        return kept if kept is not None and kept.made_from == made_from else None

    def add(self, kept: Kept) -> None:
        """Keeps a run. Those of the same recipe and start that were made from something else go."""
        outdated = [
            key
            for key, other in self.runs.items()
            if key[:2] == (kept.recipe, kept.start) and other.made_from != kept.made_from
        ]
        for key in outdated:
            del self.runs[key]
        self.runs[kept.recipe, kept.start, kept.seed] = kept
        self._write(SCORES, [vars(self.runs[key]) for key in sorted(self.runs)])

    def add_times(self, row: dict[str, Any]) -> None:
        """Keeps the times of a data set."""
        self.times[row["data"]] = row
        self._write(TIMES, [self.times[data] for data in sorted(self.times)])

    def add_classical(self, kept: KeptClassical) -> None:
        """Keeps a classical model's scores."""
        self.classical[kept.data] = kept
        rows = [vars(self.classical[data]) for data in sorted(self.classical)]
        self._write(CLASSICAL, rows)

    def add_glue(self, path: Path) -> None:
        """Keeps what ``squeezebert glue`` wrote.

        Raises:
            DataError: a file that cannot be read.
        """
        found = _glue(path)
        self.glue[found.model] = found
        (self.folder / GLUE).mkdir(parents=True, exist_ok=True)
        files.write_text(
            self.folder / GLUE / f"{found.model}.json", path.read_text(encoding="utf-8")
        )

    def _write(self, name: str, rows: list[dict[str, Any]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        files.write_text(self.folder / name, "".join(json.dumps(row) + "\n" for row in rows))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise DataError(
                f"{path}, line {number} is no JSON: {error}", hint="take it out: it is made anew"
            ) from error


def _glue(path: Path) -> GlueResult:
    try:
        return GlueResult.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"cannot read {path}: {error!r}", hint="`squeezebert glue` writes such files: glue.json"
        ) from error


def fingerprint(weights: list[Path], recipe: Path, settings: Mapping[str, str]) -> str:
    """Of a run's inputs: the start's and the teacher's directories, and the recipe's values."""
    found = hashlib.sha256()
    for directory in weights:
        for path in sorted(directory.glob("*.safetensors")):
            found.update(path.read_bytes())
    values = tomllib.loads(recipe.read_text(encoding="utf-8"))
    found.update(json.dumps([values, dict(settings)], sort_keys=True).encode())
    return found.hexdigest()[:12]
