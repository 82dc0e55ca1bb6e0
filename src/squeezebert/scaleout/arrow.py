"""Batches of Arrow in, the same with predictions out: what Spark, Ray, Dask and DuckDB call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

from squeezebert.checkpoint.directory import read_spec
from squeezebert.checkpoint.hub import resolve
from squeezebert.data.records import batch_rows, field
from squeezebert.engine.precision import Precision
from squeezebert.errors import InvalidInputError
from squeezebert.pipeline import Pipeline, load
from squeezebert.predicting.answering import Answering
from squeezebert.predicting.arrow_columns import append, schema_of
from squeezebert.predicting.columns import Appended
from squeezebert.predicting.items import Item


class _Columns(NamedTuple):
    text: str
    pair: str | None
    read: float = 0.0  # nobody asks how far a batch is


@dataclass(frozen=True, kw_only=True)
class ArrowPredictor:
    """A function from a batch to the same batch with the columns that predictions make.

    It can be pickled: settings travel, and each process loads the model when it is first called.

    Args:
        model: As for :func:`squeezebert.load`; a directory must be there on all machines.
        text: The column of the text.
        pair: That of the second text of a pair.
        top_k: As for :meth:`~squeezebert.pipeline.Pipeline.choosing`.
        threshold: The same.
        scores: Text classification: whether the probability of every class is told as well.
        prefix: What the names of the new columns begin with.
        precision: As for :func:`squeezebert.load`.
        threads: CPU threads of each process. Engines that run a process a core want 1.

    >>> import pyarrow as pa
    >>> predict = ArrowPredictor(model="squeezebert-mini-news")
    >>> batch = pa.RecordBatch.from_pydict({"text": ["The striker scored twice.", None]})
    >>> predict(batch).column("label").to_pylist()
    ['sport', None]
    """

    model: str
    text: str = "text"
    pair: str | None = None
    top_k: int | None = None
    threshold: float | None = None
    scores: bool = False
    prefix: str = ""
    precision: Precision = "auto"
    threads: int = 1

    def __getstate__(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def __call__(self, batch: Any) -> Any:
        """A batch answered.

        Args:
            batch: A ``pyarrow.RecordBatch`` or ``Table`` of any size.

        Returns:
            What was given, with more columns. Those of rows without a text are null.

        Raises:
            DataError: no such column, or one that holds no text.
            InvalidInputError: a column of that name is there already.
        """
        import pyarrow as pa

        given = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
        self._check(given.schema)
        names = [self.text] if self.pair is None else [self.text, self.pair]
        rows = batch_rows(given.select(names), 0, "batch")
        items = (Item(where=f"batch:{number}", row=row) for number, row in enumerate(rows, 1))
        cells: list[dict[str, Any]] = []
        for chunk in Answering(self._pipeline, _Columns(self.text, self.pair)).chunks(items):
            cells += [self._appended.cells(answer, code) for _, _, answer, code in chunk.good]
            if chunk.error is not None:
                raise chunk.error
        answered = append(given, cells, schema_of(self._appended.columns))
        if isinstance(batch, pa.RecordBatch):
            [answered] = answered.combine_chunks().to_batches() or [
                pa.RecordBatch.from_pylist([], schema=answered.schema)
            ]
        return answered

    def batches(self, given: Iterable[Any]) -> Iterator[Any]:
        """Record batches answered, one after the other: for ``DataFrame.mapInArrow`` of Spark."""
        return map(self, given)

    def frames(self, given: Iterable[Any]) -> Iterator[Any]:
        """Frames of pandas answered, one after the other: for ``DataFrame.mapInPandas``."""
        import pyarrow as pa

        for frame in given:
            yield self(pa.Table.from_pandas(frame, preserve_index=False)).to_pandas()

    def schema(self, given: Any) -> Any:
        """The ``pyarrow.Schema`` of what comes out, by that of what goes in."""
        self._check(given)
        import pyarrow as pa

        return pa.schema([*given, *schema_of(self._appended.columns)])

    def _check(self, schema: Any) -> None:
        for name in (self.text, self.pair):
            if name is not None:
                field(dict.fromkeys(schema.names), name, "the batch")
        self._appended.check_free(schema.names, "the batch")

    @cached_property
    def _appended(self) -> Appended:
        spec = read_spec(resolve(self.model))
        if spec is None:
            raise InvalidInputError(f"the model {self.model} is for none of the tasks")
        scores = spec.task == "text_classification" and (self.scores or self.top_k is not None)
        return Appended(spec=spec, scores=scores, prefix=self.prefix)

    @cached_property
    def _pipeline(self) -> Pipeline[Any]:
        pipeline = load(self.model, precision=self.precision, threads=self.threads)
        if self.top_k is None and self.threshold is None:
            return pipeline
        return pipeline.choosing(top_k=self.top_k, threshold=self.threshold)
