"""An input cut into partitions, and a partition answered: by any process, once and whole."""

from __future__ import annotations

import itertools
import json
import os
import platform
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from squeezebert.errors import DataError, InvalidInputError, SqueezeBertError
from squeezebert.files import appearing
from squeezebert.predicting.inputs import Inputs
from squeezebert.predicting.items import Item
from squeezebert.predicting.job import Job, digest_rows, fingerprint
from squeezebert.predicting.outputs import open_output
from squeezebert.predicting.partial import Progress, bad_line

PARTITION_ROWS = 16_384
"""Enough work that starting on it counts for nothing, little enough that losing it does."""

PARTITION_CHARACTERS = 64_000_000
"""A partition ends before it holds so much text, or after its first row."""

MOST_TRIES = 4
"""How often a partition is begun before it is given up: one on which processes die."""

BAD, _DONE, _TRIES = "bad.jsonl", "done.json", ".tries"


@dataclass(frozen=True, kw_only=True)
class Partition:
    """Rows of a file that follow each other.

    Args:
        file: Which of the input's files, from 0.
        index: Which partition of the file, from 0.
        of: How many the file has; one without any row where the file has none.
        first: Rows of the file before it.
        rows: Its own.
        digest: Of them, see :func:`squeezebert.predicting.job.digest_rows`.
    """

    file: int
    index: int
    of: int
    first: int
    rows: int
    digest: str

    @property
    def name(self) -> str:
        """Of its directory."""
        return f"{self.file:06}-{self.index:06}"


def cut(inputs: Inputs, file: int, *, whole: bool, rows: int) -> list[Partition]:
    """The partitions of a file, which is read for that once.

    Args:
        inputs: What the file is of.
        file: Which one.
        whole: As :meth:`~squeezebert.predicting.inputs.Inputs.items` is asked when it is answered.
        rows: The most rows of a partition.

    Raises:
        DataError: what cannot be read at all.
    """
    items = inputs.only(inputs.files[file]).items(whole=whole)
    found: list[tuple[int, str]] = []
    while True:
        counted = _Counted(itertools.islice(items, rows))
        digest = digest_rows("", counted)
        if counted.rows or not found:
            found.append((counted.rows, digest))
        if not counted.rows:
            break
    firsts = itertools.accumulate((count for count, _ in found), initial=0)
    return [
        Partition(file=file, index=index, of=len(found), first=first, rows=count, digest=digest)
        for index, (first, (count, digest)) in enumerate(zip(firsts, found, strict=False))
    ]


class _Counted:
    """Rows up to the most text of a partition, counted as they pass."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items
        self.rows = 0

    def __iter__(self) -> Iterator[Item]:
        characters = 0
        for item in self._items:
            self.rows += 1
            yield item
            cells = (item.row or {}).values()
            characters += sum(len(cell) for cell in cells if isinstance(cell, str))
            if characters >= PARTITION_CHARACTERS:
                return


@dataclass(frozen=True, kw_only=True)
class Done:
    """A partition that is answered.

    Args:
        partition: Which.
        progress: Its rows.
        earlier: Whether it was found answered.
    """

    partition: Partition
    progress: Progress
    earlier: bool


class Answerer:
    """Answers partitions of a job, one after the other, into a folder that all machines share.

    Each becomes a directory of its own, which appears when it is whole: two processes that answer
    the same one leave it there once, and one that dies leaves nothing.

    Args:
        job: Whose rows they are.
        folder: Where the directories go.
        here: The working directory that the job's paths are relative to.
        model: The fingerprint of the model and what it computes in, where the job was begun.

    Raises:
        DataError: the folder is not there on this machine.
        InvalidInputError: another model there, or another precision.
    """

    def __init__(self, job: Job, folder: Path, *, here: str, model: tuple[str, str]) -> None:
        if not Path(here, folder).is_dir():
            raise DataError(
                f"{Path(here, folder)} is not there on {platform.node()}",
                hint="input, output and model must lie on storage that all machines share",
            )
        os.chdir(here)
        if model_of(job) != model:
            raise InvalidInputError(
                f"{platform.node()} has another model in {job.directory}, or computes in "
                f"another precision: {' '.join(model_of(job))}, not {' '.join(model)}",
                hint="put the same model on all machines, and say --precision float32 where their "
                "processors differ",
            )
        assert isinstance(job.inputs, Inputs)
        self._job = job
        self._inputs = job.inputs
        self._folder = folder
        self._at = (-1, 0)
        self._items: Iterator[Item] = iter(())

    def __call__(self, partition: Partition) -> Done:
        """Answers it, unless it is answered already.

        Raises:
            DataError: a row that cannot be answered, where those stop the job; rows that are not
                what they were when they were counted.
            SqueezeBertError: processes died on it too often.
        """
        target = self._folder / partition.name
        done = _read_done(target, partition)
        if done is not None:
            return done
        if target.exists():  # of rows that have changed since
            shutil.rmtree(target)
        self._try(partition)
        at, self._at = self._at, (-1, 0)
        try:
            with appearing(target) as directory:
                progress = self._answer(self._rows(partition, at), directory)
                if progress.digest != partition.digest:
                    raise DataError(
                        f"{self._inputs.files[partition.file]} is not what it was when its "
                        "rows were counted",
                        hint="leave the input alone while it is answered; on all machines it must "
                        "be the same file",
                    )
                told = {"digest": partition.digest, "progress": asdict(progress)}
                (directory / _DONE).write_text(json.dumps(told), encoding="utf-8")
        except InvalidInputError:
            done = _read_done(target, partition)
            if done is None:
                raise
            return done  # another process was faster
        self._at = (partition.file, partition.first + partition.rows)
        self._tries(partition).unlink(missing_ok=True)
        return Done(partition=partition, progress=progress, earlier=False)

    def _tries(self, partition: Partition) -> Path:
        return self._folder / f"{partition.name}{_TRIES}"

    def _try(self, partition: Partition) -> None:
        """Counts how often it was begun, in a file, as the one who counts may die."""
        with self._tries(partition).open("ab") as stream:
            stream.write(b".")
            tries = stream.tell()
        if tries > MOST_TRIES:
            file = self._inputs.files[partition.file]
            raise SqueezeBertError(
                f"{file}, rows {partition.first + 1:,} to {partition.first + partition.rows:,}: "
                f"the process that answered them died {MOST_TRIES} times",
                hint="it may lack memory: fewer --workers, or smaller --partition-rows; the same "
                "command goes on with them",
            )

    def _answer(self, items: Iterator[Item], directory: Path) -> Progress:
        job, progress = self._job, Progress()
        output = open_output(job.output, directory, job.inputs, job.appended.columns)
        output.open(0)
        try:
            with (directory / BAD).open("wb") as bad:
                for chunk in job.answering(output).chunks(items):
                    mark = output.write(job.rows(chunk))
                    bad.writelines(bad_line(item.where, error.message) for item, error in chunk.bad)
                    progress = job.counted(progress, chunk, mark)
                    if chunk.error is not None:
                        raise chunk.error
        finally:
            output.close()
        return progress

    def _rows(self, partition: Partition, at: tuple[int, int]) -> Iterator[Item]:
        """Its rows. Reading goes on where it was if that is before them in the same file."""
        file, place = at
        if file != partition.file or place > partition.first:
            inputs = self._inputs.only(self._inputs.files[partition.file])
            self._items, place = inputs.items(whole=self._job.whole), 0
        for _ in itertools.islice(self._items, partition.first - place):
            pass
        return itertools.islice(self._items, partition.rows)


def forget_tries(folder: Path) -> None:
    """A job that is run again tries again what was given up."""
    for path in folder.glob(f"*{_TRIES}"):
        path.unlink()


def model_of(job: Job) -> tuple[str, str]:
    """What must be the same on all machines: the model's fingerprint, and what computes it how."""
    backend = job.pipeline.backend
    return fingerprint(job.directory), f"{backend.name} in {backend.precision}"


def _read_done(target: Path, partition: Partition) -> Done | None:
    """What was noted of a partition that is answered already; None where it is not, or where its
    rows were others.
    """
    try:
        told = json.loads((target / _DONE).read_bytes())
        if told["digest"] != partition.digest:
            return None
        return Done(partition=partition, progress=Progress.of(told["progress"]), earlier=True)
    except (OSError, ValueError, TypeError, KeyError):
        return None
