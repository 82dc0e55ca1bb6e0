"""Reads the data sets of :mod:`squeezebert.data.sources` from disk."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, cast

from squeezebert.data.conll import read_conll
from squeezebert.data.documents import read_documents
from squeezebert.data.download import download
from squeezebert.data.examples import Document, TextExample, TokenExample
from squeezebert.data.layouts import (
    DEV_SHARE,
    OWN_SHARES,
    SPLITS,
    ClincJson,
    Columns,
    Dialogues,
    Source,
    Split,
    Table,
)
from squeezebert.data.lines import COMPRESSIONS, read_bytes
from squeezebert.data.messages import broken, shown
from squeezebert.data.splits import distinct, document_key, part, unseen
from squeezebert.data.tables import read_table
from squeezebert.data.tags import iob2_labels
from squeezebert.errors import DataError

VARIABLE = "SQUEEZEBERT_DATA"
"""The environment variable that names the data directory."""

DEFAULT_ROOT = "../shared/data"
"""The data directory where the variable is not set, relative to the working directory."""

_SEE_DOCS = "docs/data.md says where to get each set and how to lay out the directory"

Examples = list[TextExample] | list[TokenExample] | list[Document]


def data_root() -> Path | None:
    """The directory of the data sets known by name, or None where there is none.

    Raises:
        DataError: ``SQUEEZEBERT_DATA`` names something that is no directory.
    """
    named = os.environ.get(VARIABLE)
    root = Path(named or DEFAULT_ROOT)
    if root.is_dir():
        return root
    if named:
        raise DataError(f"{VARIABLE} is {named!r}, which is not a directory", hint=_SEE_DOCS)
    return None


def known_splits(source: Source) -> tuple[Split, ...]:
    """The splits that a data set has, its own and ours."""
    made = {"all": SPLITS, "dev": ("dev",)}.get(source.split, ())
    return tuple(split for split in SPLITS if split in source.files or split in made)


def read_known(name: str, source: Source, split: Split) -> Examples:
    """One split of a data set known by name.

    Raises:
        DataError: the files are not there, or broken.
    """
    if source.split == "all":
        low, high = OWN_SHARES[split]
        return part(_texts(name, source, "all"), low, high)
    if source.split == "dev" and split != "test":
        share = (0.0, DEV_SHARE) if split == "dev" else (DEV_SHARE, 1.0)
        return part(_texts(name, source, "train"), *share)
    if isinstance(source.layout, Dialogues):
        documents = _dialogues(name, source, split)
        if source.unseen:
            train = () if split == "train" else _dialogues(name, source, "train")
            documents = unseen(documents, {document_key(document) for document in train})
        return documents
    if isinstance(source.layout, Columns):
        sentences = read_conll(
            locate(name, source, split),
            token_column=source.layout.token_column,
            tag_column=source.layout.tag_column,
            scheme=source.layout.scheme,
            types=source.labels,
            ragged=source.layout.ragged,
            other_types=source.layout.other_types,
            only=_only(source, split),
        )
        if source.complete:
            return sentences
        return [dataclasses.replace(one, types=source.labels) for one in sentences]
    return _texts(name, source, split)


def known_labels(name: str, source: Source) -> tuple[str, ...]:
    """The labels of a data set in the head's order, the same for all its splits.

    Raises:
        DataError: the files are not there, or broken.
    """
    if source.task == "token_classification":
        return iob2_labels(source.labels)
    if source.labels or source.task == "masked_lm" or source.problem_type == "regression":
        return source.labels
    found: set[str] = set()
    for split in source.files:
        for example in _texts(name, source, split):
            found.update((example.label,) if isinstance(example.label, str) else _many(example))
    return tuple(sorted(found))


def locate(name: str, source: Source, split: str) -> Path:
    """The file of a split; with or without compression, whichever is there, else from the hub.

    Raises:
        DataError: no data directory, or no such file in it; a download that failed.
    """
    if source.shipped:
        # A package in a zip archive is not supported; the weights could not be mapped either.
        return Path(str(resources.files("squeezebert"))) / "samples" / source.files[split]
    root = data_root()
    if root is None:
        if source.hub is not None:
            return download(name, source.hub, split, f"{VARIABLE}/{source.files[split]}")
        raise DataError(
            f"the data set {name!r} needs a data directory: {VARIABLE} is not set and "
            f"{DEFAULT_ROOT} does not exist",
            hint=f"set {VARIABLE} to your data directory; {_SEE_DOCS}",
        )
    file = root / source.files[split]
    plain = file.with_suffix("") if file.suffix in COMPRESSIONS else file
    choices = [file, plain, *(Path(f"{plain}{suffix}") for suffix in COMPRESSIONS)]
    for choice in choices:
        if choice.is_file():
            return choice
    if source.hub is not None:
        return download(name, source.hub, split, str(file))
    raise DataError(
        f"the data set {name!r} has no file for {split!r}: {file} does not exist", hint=_SEE_DOCS
    )


def _only(source: Source, split: str) -> Mapping[str, str] | None:
    return {"split": split} if source.split == "field" else None


def _dialogues(name: str, source: Source, split: str) -> list[Document]:
    return read_documents(locate(name, source, split), only=_only(source, split))


def _texts(name: str, source: Source, split: str) -> list[TextExample]:
    file = locate(name, source, split)
    layout = source.layouts.get(split, source.layout)
    if isinstance(layout, ClincJson):
        return _clinc(file, "val" if split == "dev" else split)
    assert isinstance(layout, Table)
    examples = read_table(
        file,
        text=layout.text,
        label=layout.label,
        pair=layout.pair,
        problem_type=source.problem_type,
        labels=source.labels or None,
        label_names=layout.label_names,
        joiner=layout.joiner,
        delimiter=layout.delimiter,
        ragged=layout.ragged,
        empty=layout.empty,
        only=_only(source, split),
    )
    if source.clean is not None:
        examples = [dataclasses.replace(item, text=source.clean(item.text)) for item in examples]
    return examples if source.distinct is None else distinct(examples, source.distinct)


def _many(example: TextExample) -> Sequence[str]:
    return example.label if isinstance(example.label, tuple) else ()


def _clinc(file: Path, split: str) -> list[TextExample]:
    try:
        content: Any = json.loads(read_bytes(file).decode("utf-8"))
    except ValueError as error:
        raise broken(
            str(file), f"invalid JSON ({error})", "CLINC150's data_full.json", _SEE_DOCS
        ) from error
    pairs = cast(Any, content.get(split) if isinstance(content, dict) else None)
    if not isinstance(pairs, list):
        raise broken(str(file), f"no list {split!r}", "CLINC150's data_full.json", _SEE_DOCS)
    examples: list[TextExample] = []
    for index, pair in enumerate(cast(list[Any], pairs)):
        where = f"{file}:{split}[{index}]"
        if not isinstance(pair, list) or [type(x) for x in cast(list[Any], pair)] != [str, str]:
            raise broken(where, shown(pair), '["text", "intent"]', _SEE_DOCS)
        examples.append(TextExample(text=pair[0], label=pair[1], where=where))
    if not examples:
        raise broken(str(file), f"the list {split!r} is empty", "texts", _SEE_DOCS)
    return examples
