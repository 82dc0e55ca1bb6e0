"""A whole job, its partitions answered by any cluster; the output is that of one process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from squeezebert.errors import DataError, InvalidInputError
from squeezebert.predicting.inputs import Inputs
from squeezebert.predicting.job import Job, State, unpublished
from squeezebert.predicting.outputs import open_output, output_format
from squeezebert.predicting.partial import Partial, Progress, open_partial
from squeezebert.scaleout.partitions import (
    BAD,
    PARTITION_ROWS,
    Answerer,
    Done,
    Partition,
    cut,
    forget_tries,
    model_of,
)


class Cluster(Protocol):
    """Processes that may die."""

    def answer(
        self,
        files: int,
        cut: Callable[[int], list[Partition]],
        make: Callable[[], Callable[[Partition], Done]],
    ) -> Iterator[Done]:
        """Cuts files into partitions and answers all of them, in any order, as they are ready.

        Args:
            files: How many there are.
            cut: From a file's number to its partitions.
            make: Called once in each process that answers: what answers a partition.

        Raises:
            SqueezeBertError: as ``cut``, ``make`` and what it makes raise it; or the processes
                died more often than is to be borne.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class DividedJob:
    """A job whose rows are answered in partitions, by the processes of a cluster.

    Partitions that are answered lie in ``partitions/`` of the job's ``.partial`` directory, so a
    job that was killed goes on with the others. In the end they are joined in the order of the
    input. Rows that have changed in the meantime are answered anew.

    Args:
        job: The job as one process would do it.
        rows: The most rows of a partition.
    """

    job: Job
    rows: int = PARTITION_ROWS

    def run(self, cluster: Cluster, tell: Callable[[State], None] | None = None) -> State:
        """Does it, or what is left of it.

        Args:
            cluster: Where.
            tell: Is told after each partition.

        Raises:
            DataError: rows that cannot be read, or that change while they are.
            InvalidInputError: standard input, which only one process can read; else as for
                :meth:`~squeezebert.predicting.job.Job.run`.
            CheckpointError: the disk does not take it.
            SqueezeBertError: what the cluster raises.
        """
        job = self.job
        output_format(job.output)
        job.appended.check_free(job.inputs.columns, job.inputs.name)
        if not isinstance(job.inputs, Inputs) or not job.inputs.files:
            raise InvalidInputError(
                f"{job.inputs.name} cannot be read by several processes",
                hint="save it as a table; or leave --ray out",
            )
        described = {**job.described(), "number of rows in a partition": self.rows}
        with open_partial(job.output, described, restart=job.restart) as partial:
            progress = partial.progress
            if progress.done and not unpublished(partial):
                partial.remove()
                return State(
                    progress=progress, before=progress.rows, read=1.0, read_before=1.0, seconds=0.0
                )
            return self._answer(partial, job.inputs, cluster, tell)

    def _answer(
        self,
        partial: Partial,
        inputs: Inputs,
        cluster: Cluster,
        tell: Callable[[State], None] | None,
    ) -> State:
        job, rows = self.job, self.rows
        # Made first, since it looks through all of JSON Lines once, which others then need not.
        output = open_output(job.output, partial.directory, inputs, job.appended.columns)
        folder = partial.directory / "partitions"
        folder.mkdir(exist_ok=True)
        forget_tries(folder)
        whole, here, model = job.whole, str(Path.cwd()), model_of(job)
        counted = _Counted(job)
        answers = cluster.answer(
            len(inputs.files),
            lambda file: _cut_there(here, inputs, file, whole=whole, rows=rows),
            lambda: Answerer(job, folder, here=here, model=model),
        )
        for done in answers:
            counted.add(done)
            if tell is not None:
                tell(counted.state())
        directories = [folder / part.name for part in counted.all_of_them()]
        partial.leave_out_as(directory / BAD for directory in directories)
        partial.record(counted.progress)
        partial.publish(output.gather(directories), report=job.bad_rows == "report")
        return counted.state()


def _cut_there(here: str, inputs: Inputs, file: int, *, whole: bool, rows: int) -> list[Partition]:
    os.chdir(here)
    return cut(inputs, file, whole=whole, rows=rows)


@dataclass
class _Counted:
    """What is answered so far."""

    job: Job
    progress: Progress = field(default_factory=Progress)
    before: int = 0
    read: float = 0.0
    read_before: float = 0.0
    done: dict[tuple[int, int], Partition] = field(
        default_factory=dict["tuple[int, int]", Partition]
    )

    def __post_init__(self) -> None:
        self._begun = time.perf_counter()
        self._sizes = [file.stat().st_size for file in self.job.inputs.files]

    def add(self, done: Done) -> None:
        """One more."""
        part, found, sum_ = done.partition, done.progress, self.progress
        if (part.file, part.index) in self.done:
            raise DataError(f"partition {part.name} came twice")
        self.done[part.file, part.index] = part
        self.progress = Progress(
            rows=sum_.rows + found.rows,
            written=sum_.written + found.written,
            blank=sum_.blank + found.blank,
            bad=sum_.bad + found.bad,
            foreign=sum_.foreign + found.foreign,
            agreement=sum_.agreement + found.agreement,
        )
        share = self._sizes[part.file] / max(sum(self._sizes), 1) / part.of
        self.read += share
        if done.earlier:
            self.before += found.rows
            self.read_before += share

    def state(self) -> State:
        """For a person."""
        return State(
            progress=self.progress,
            before=self.before,
            read=min(self.read, 1.0),
            read_before=self.read_before,
            seconds=time.perf_counter() - self._begun,
        )

    def all_of_them(self) -> list[Partition]:
        """The partitions in the order of the input.

        Raises:
            DataError: one is missing.
        """
        parts = [self.done[at] for at in sorted(self.done)]
        wanted = [
            (file, index)
            for file in range(len(self.job.inputs.files))
            for index in range(next((one.of for one in parts if one.file == file), 1))
        ]
        if [(one.file, one.index) for one in parts] != wanted:
            missing = set(wanted) - self.done.keys()
            raise DataError(
                f"{len(missing)} of {len(wanted)} partitions did not come back",
                hint="the same command goes on with them",
            )
        return parts
