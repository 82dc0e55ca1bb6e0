"""Readers of data files, and the data sets known by name.

Every reader names file and line when something is wrong; ``docs/data.md`` shows the formats. The
names below are imported on first use: a prediction reads no files.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from squeezebert.data.catalog import Dataset, data_root, dataset_names, open_dataset
    from squeezebert.data.conll import read_conll, write_conll
    from squeezebert.data.documents import iter_documents, read_documents
    from squeezebert.data.examples import Document, Span, TextExample, TokenExample
    from squeezebert.data.spans import read_spans, tag_text
    from squeezebert.data.tables import read_table
    from squeezebert.data.tags import entity_spans

__all__ = [
    "Dataset",
    "Document",
    "Span",
    "TextExample",
    "TokenExample",
    "data_root",
    "dataset_names",
    "entity_spans",
    "iter_documents",
    "open_dataset",
    "read_conll",
    "read_documents",
    "read_spans",
    "read_table",
    "tag_text",
    "write_conll",
]

_HOMES = {
    "catalog": ("Dataset", "data_root", "dataset_names", "open_dataset"),
    "conll": ("read_conll", "write_conll"),
    "documents": ("iter_documents", "read_documents"),
    "examples": ("Document", "Span", "TextExample", "TokenExample"),
    "spans": ("read_spans", "tag_text"),
    "tables": ("read_table",),
    "tags": ("entity_spans",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"squeezebert.data.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
