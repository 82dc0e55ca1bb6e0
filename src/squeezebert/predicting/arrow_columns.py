"""Predictions as columns of Arrow, for Parquet files and for the batches of other engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from squeezebert.predicting.columns import Column


def schema_of(columns: Sequence[Column]) -> Any:
    """The ``pyarrow.Schema`` of columns that are appended."""
    import pyarrow as pa

    return pa.schema([pa.field(one.name, _arrow(one)) for one in columns])


def append(given: Any, cells: Sequence[Mapping[str, Any]], schema: Any) -> Any:
    """A table with more columns.

    Args:
        given: A ``pyarrow.Table``.
        cells: What is appended to each row of it.
        schema: Of what is appended.
    """
    import pyarrow as pa

    said = pa.Table.from_pylist([_as_arrow(row) for row in cells], schema=schema)
    for column in schema:
        given = given.append_column(column, said.column(column.name))
    return given


def _arrow(column: Column) -> Any:
    import pyarrow as pa

    spans = [("start", pa.int64()), ("end", pa.int64())]
    guess = pa.struct([("token", pa.string()), ("score", pa.float64()), ("text", pa.string())])
    entity = [("text", pa.string()), ("type", pa.string()), *spans, ("score", pa.float64())]
    return {
        "string": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "names": pa.list_(pa.string()),
        "probabilities": pa.map_(pa.string(), pa.float64()),
        "entities": pa.list_(pa.struct(entity)),
        "masks": pa.list_(pa.struct([*spans, ("candidates", pa.list_(guess))])),
    }[column.kind]


def _as_arrow(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value.items()) if isinstance(value, Mapping) else value
        for name, value in cells.items()
    }
