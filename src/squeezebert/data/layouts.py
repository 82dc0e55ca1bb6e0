"""The shape of the data set table: how files are read, split and cleaned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from squeezebert.spec import ProblemType, Scheme, TaskName

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@dataclass(frozen=True, kw_only=True)
class Table:
    """How :func:`squeezebert.data.tables.read_table` reads a file; its words."""

    text: str | tuple[str, ...] = "text"
    label: str = "label"
    pair: str | None = None
    label_names: Mapping[str, str] | None = None
    joiner: str = " "
    delimiter: str | None = None
    ragged: bool = False
    empty: Literal["error", "skip", "keep"] = "error"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """How :func:`squeezebert.data.conll.read_conll` reads a file; its words."""

    token_column: int = 0
    tag_column: int = -1
    scheme: Scheme | None = None
    other_types: Literal["error", "O"] = "error"
    ragged: bool = False


@dataclass(frozen=True)
class Dialogues:
    """Read by :func:`squeezebert.data.documents.read_documents`."""


@dataclass(frozen=True)
class ClincJson:
    """CLINC150's one JSON object of ``{split: [[text, intent], …]}``."""


Layout = Table | Columns | Dialogues | ClincJson


@dataclass(frozen=True, kw_only=True)
class HubFiles:
    """Where a data set lies on the Hugging Face hub.

    Args:
        repository: Its data set repository.
        files: The path of each split in it.
    """

    repository: str
    files: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Source:
    """One data set.

    Args:
        task: What it is for.
        files: The file of each split, relative to the data directory, or of ``"all"`` where we
            split ourselves.
        layout: How the files are read.
        layouts: The same for splits that differ.
        labels: Class names in the head's order, or entity types; found in the files where empty.
        complete: Entities only: whether a word without a tag is a name of no type at all; else it
            is only none of ``labels``, as nobody looked for others.
        split: ``"own"``: the data set's; ``"dev"``: dev is our share of train; ``"all"``: all
            three are our shares of one file; ``"field"``: each item names its split.
        distinct: What two texts share that count as one; the first of them is kept.
        unseen: Repeated dialogues are dropped, and those of dev and test that train has too.
        clean: What is done to each text.
        shipped: The files come with this package.
        hub: Where a file comes from that is not in the data directory; it is downloaded once.
    """

    task: TaskName
    files: Mapping[str, str]
    layout: Layout
    languages: tuple[str, ...]
    license: str
    note: str = ""
    layouts: Mapping[str, Layout] = field(default_factory=dict[str, Layout])
    labels: tuple[str, ...] = ()
    complete: bool = True
    problem_type: ProblemType = "single_label"
    split: Literal["own", "dev", "all", "field"] = "own"
    distinct: Callable[[str], str] | None = None
    unseen: bool = False
    clean: Callable[[str], str] | None = None
    shipped: bool = False
    hub: HubFiles | None = None


def split_files(folder: str, train: str = "", dev: str = "", test: str = "") -> dict[str, str]:
    """The files of a folder by split, those that it has."""
    names = {"train": train, "dev": dev, "test": test}
    return {split: f"{folder}/{name}" for split, name in names.items() if name}


DEV_SHARE = 0.05
"""Of train, where a data set has no dev split."""

OWN_SHARES: Mapping[str, tuple[float, float]] = {
    "test": (0.0, 0.2),
    "dev": (0.2, 0.3),
    "train": (0.3, 1.0),
}
"""Where a data set has no split at all."""
