"""Readers of data files, and the data sets known by name.

Every reader names file and line when something is wrong; ``docs/data.md`` shows the formats.
"""

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
