"""The cluster that Ray gives: a pool of actors, each with one engine, under Ray Data."""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from squeezebert import errors
from squeezebert.errors import InvalidInputError, MissingDependencyError, SqueezeBertError
from squeezebert.predicting.partial import Progress
from squeezebert.scaleout.partitions import Done, Partition

LOCAL = "local"
"""The address of a cluster that is made for one job, on this machine."""

CPU_SHARE = 0.5
"""What an engine's thread asks of Ray, in CPUs. It computes with a whole one; but where actors have
reserved all of them, Ray Data's own tasks, which feed the actors, wait for ever.
"""

_OBJECT_STORE = 256 << 20
"""Bytes of a local cluster's store: only numbers travel."""


@dataclass(frozen=True, kw_only=True)
class RayCluster:
    """Processes of Ray.

    Args:
        address: As for ``ray.init``: ``auto``, ``host:port``, or :data:`LOCAL`.
        workers: Actors, each with an engine of its own; one for each ``threads`` CPUs of the
            cluster where None.
        threads: Of an engine.
    """

    address: str = LOCAL
    workers: int | None = None
    threads: int = 1

    def answer(
        self,
        files: int,
        cut: Callable[[int], list[Partition]],
        make: Callable[[], Callable[[Partition], Done]],
    ) -> Iterator[Done]:
        """See :class:`squeezebert.scaleout.divided.Cluster`."""
        ray, data = _import_ray()
        with self._connected(ray):
            cpus = float(ray.cluster_resources().get("CPU", 1.0))
            workers = self.workers or max(int(cpus) // self.threads, 1)
            share = min(CPU_SHARE * self.threads, cpus / 2 / workers)
            cutting = _rows_of(data, [{"file": file} for file in range(files)]).flat_map(
                lambda row: _told(lambda: cut(row["file"])), num_cpus=CPU_SHARE
            )
            # Not in one go with what follows: handing out the rows of a block one by one is a task
            # of Ray Data's that asks for a whole CPU, which no machine of one CPU has left.
            parts = [asdict(Partition(**values)) for values in _heard(ray, cutting)]
            answered = _rows_of(data, parts).map_batches(
                _Actor,
                fn_constructor_args=(make,),
                batch_size=1,
                batch_format="pyarrow",
                compute=data.ActorPoolStrategy(size=workers),
                num_cpus=share,
            )
            for values in _heard(ray, answered):
                yield Done(
                    partition=Partition(**values["partition"]),
                    progress=Progress.of(values["progress"]),
                    earlier=values["earlier"],
                )

    @contextmanager
    def _connected(self, ray: Any) -> Generator[None]:
        if ray.is_initialized():
            yield
            return
        # Nothing is told to anyone, and nothing about the innards of Ray to the person.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self.address == LOCAL:
            cpus = max(os.cpu_count() or 1, (self.workers or 1) * self.threads)
            ray.init(
                num_cpus=cpus,
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE,
                **quiet,
            )
        else:
            try:
                ray.init(address=self.address, **quiet)
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise InvalidInputError(
                    f"no Ray cluster at {self.address}: {str(error).splitlines()[0]}",
                    hint="--ray alone makes one of this machine; --ray auto finds one that runs "
                    "here",
                ) from error
        try:
            yield
        finally:
            ray.shutdown()


def _rows_of(data: Any, rows: list[dict[str, Any]]) -> Any:
    """A data set whose rows are handed out one by one."""
    return data.from_items(rows, override_num_blocks=len(rows))


def _heard(ray: Any, dataset: Any) -> Iterator[dict[str, Any]]:
    """What the rows of a data set tell, as they are ready; see :func:`_told`.

    Raises:
        SqueezeBertError: what a row tells, or Ray's own troubles.
    """
    try:
        for batch in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
            for told in batch.column("told").to_pylist():
                values = json.loads(told)
                if "error" in values:
                    kind, message, hint = values["error"]
                    raise getattr(errors, kind)(message, hint=hint)
                yield values
    except ray.exceptions.RayError as error:
        raise SqueezeBertError(
            f"Ray gave up: {(str(error).strip().splitlines() or [''])[-1]}",
            hint="partitions that are answered are kept: the same command goes on with the others",
        ) from error


class _Actor:
    """Answers partitions in a process of Ray's. Errors come back as values: Ray would try again
    what can only fail again, and hide what a person must read.
    """

    def __init__(self, make: Callable[[], Callable[[Partition], Done]]) -> None:
        self._make = make
        self._answer: Callable[[Partition], Done] | None = None

    def __call__(self, batch: Any) -> Any:
        import pyarrow as pa

        parts = [Partition(**given) for given in batch.to_pylist()]
        return pa.Table.from_pylist(_told(lambda: list(map(self._done, parts))))

    def _done(self, partition: Partition) -> Done:
        if self._answer is None:
            self._answer = self._make()
        return self._answer(partition)


def _told(do: Callable[[], Sequence[Partition | Done]]) -> list[dict[str, str]]:
    """Rows for Ray, of text alone: what ``do`` gives, or the error that it raises."""
    try:
        return [{"told": json.dumps(asdict(one))} for one in do()]
    except SqueezeBertError as error:
        return [{"told": json.dumps({"error": [type(error).__name__, error.message, error.hint]})}]


def _import_ray() -> tuple[Any, Any]:
    try:
        # Too large to stand in the environment that is type checked.
        ray, data = (importlib.import_module(name) for name in ("ray", "ray.data"))
    except ImportError as error:
        purpose = "answering on a Ray cluster"
        raise MissingDependencyError.for_extra("ray", "ray", purpose) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    return ray, data
