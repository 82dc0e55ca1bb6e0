"""The sets of the study, and where each can come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from squeezebert.data.catalog import dataset_names
from squeezebert.data.known import locate
from squeezebert.data.layouts import Split
from squeezebert.data.sources import SOURCES
from squeezebert.errors import CheckpointError, DataError, InvalidInputError
from squeezebert.spec import TASK_NAMES, TaskName
from squeezebert.study.hub import HubFile, HubUnreachable, Repository
from squeezebert.study.layout import CONVERTED, split_rows
from squeezebert.study.sources import Sources

HUB_PREFIX = "hf://datasets/"
"""How Hugging Face's file system spells a data set."""


@dataclass(frozen=True, kw_only=True)
class UsualSet:
    """A set that is taken where nobody says otherwise.

    Args:
        title: What it is.
        task: What it is for.
        known: Names in the data directory, the first that is there.
        hub: Repositories on the hub, the first that is there; none where no one may pass it on.
        languages: ISO 639-1 codes.
        license: Of the data, in short.
        tag_names: Of tags that are numbers.
        typical: Train texts, test texts and tokens a text, about, for what is not here yet.
    """

    title: str
    task: TaskName
    known: tuple[str, ...]
    hub: tuple[str, ...]
    languages: tuple[str, ...]
    license: str
    typical: tuple[int, int, int]
    tag_names: tuple[str, ...] = ()


USUAL = (
    UsualSet(
        title="DailyDialog",
        task="masked_lm",
        known=("dailydialog_dedup",),
        # One repository: the account was renamed.
        hub=("pixelsandpointers/better_daily_dialog", "benjaminbeilharz/better_daily_dialog"),
        languages=("en",),
        license="CC BY-NC-SA 4.0",
        typical=(10_000, 850, 110),
    ),
    UsualSet(
        title="News by category",
        task="text_classification",
        known=("bbc_news", "ag_news"),
        hub=("valurank/News_Articles_Categorization",),
        languages=("en",),
        license="not stated",
        typical=(2_980, 370, 290),
    ),
    UsualSet(
        title="CoNLL-2003, English",
        task="token_classification",
        known=("conll2003_en",),
        hub=("eriktks/conll2003",),
        languages=("en",),
        license="research only (Reuters RCV1)",
        typical=(14_041, 3_453, 20),
        tag_names=(
            *("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"),
        ),
    ),
    UsualSet(
        title="CoNLL-2003, German",
        task="token_classification",
        known=("conll2003_de",),
        hub=(),
        languages=("de",),
        license="research only (ECI Multilingual Text Corpus)",
        typical=(12_152, 3_005, 28),
    ),
)


@dataclass(frozen=True, kw_only=True)
class ChosenSet:
    """A set that takes part.

    Args:
        name: Of its directories.
        title, task, languages, license: As for :class:`UsualSet`; empty where unknown.
        origin: Where it comes from, in words.
        path: A known name, or a directory; that of a set from the hub is made later.
        repository: Where it is downloaded from, or None.
        parts: The files there, by part.
        tag_names: Of tags that are numbers.
        typical: As for :class:`UsualSet`.
    """

    name: str
    title: str
    task: TaskName
    origin: str
    path: str
    languages: tuple[str, ...] = ()
    license: str = ""
    repository: Repository | None = None
    parts: tuple[tuple[Split, tuple[HubFile, ...]], ...] = ()
    tag_names: tuple[str, ...] = ()
    typical: tuple[int, int, int] | None = None

    @property
    def files(self) -> list[HubFile]:
        """All that is downloaded."""
        return [file for _, files in self.parts for file in files]

    @property
    def is_here(self) -> bool:
        """Whether it can be read now."""
        return self.repository is None or Path(self.path).is_dir()


def choose_sets(
    tasks: Sequence[TaskName], told: Sequence[str], sources: Sources, folder: Path
) -> tuple[list[ChosenSet], list[str]]:
    """The sets of the study: those that a person told, else those of the data directory, else
    those of the hub.

    Args:
        tasks: Which are wanted.
        told: See :class:`squeezebert.study.settings.StudySettings`.
        sources: Asks the hub.
        folder: Where sets from the hub are written.

    Returns:
        The sets, and why others are left out.

    Raises:
        InvalidInputError: a word that names no set, or one of a task that is not wanted.
        HubUnreachable: no connection where one is needed.
        CheckpointError: a repository that holds nothing we can read.
    """
    chosen: list[ChosenSet] = []
    left_out: list[str] = []
    for word in told:
        one = _told(word, sources, folder)
        if one.task not in tasks:
            raise InvalidInputError(
                f"{word!r} is for {one.task}, which --tasks leaves out",
                hint=f"add {one.task} to --tasks, or leave out the set",
            )
        chosen.append(one)
    replaced = {one.task for one in chosen}
    for usual in USUAL:
        if usual.task in tasks and usual.task not in replaced:
            found = _in_data_directory(usual) or _on_hub(usual, sources, folder)
            if found is None:
                left_out.append(
                    f"{usual.title}: it may not be passed on ({usual.license}), and "
                    f"{usual.known[0]} is not in SQUEEZEBERT_DATA; docs/data.md says where to get "
                    "it."
                )
            else:
                chosen.append(found)
    names = [one.name for one in chosen]
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise InvalidInputError(f"the set {twice} is given twice")
    order = {task: at for at, task in enumerate(TASK_NAMES)}
    return sorted(chosen, key=lambda one: order[one.task]), left_out


def _told(word: str, sources: Sources, folder: Path) -> ChosenSet:
    if word in dataset_names():
        return _known(word, SOURCES[word].task, title=word)
    task, colon, place = word.partition(":")
    if not colon or task not in TASK_NAMES:
        raise InvalidInputError(
            f"no data set is called {word!r}",
            hint=f"write a known name, TASK:DIRECTORY or TASK:{HUB_PREFIX}OWNER/NAME, with TASK "
            f"one of {', '.join(TASK_NAMES)}",
        )
    if place.startswith(HUB_PREFIX):
        name, _, revision = place.removeprefix(HUB_PREFIX).partition("@")
        return _from_hub(
            sources.repository("dataset", name, revision or "main"), task, sources, folder
        )
    if place in dataset_names(task):
        return _known(place, task, title=place)
    directory = Path(place).expanduser()
    if not directory.is_dir():
        raise InvalidInputError(
            f"{place} is no directory and no known set for {task}",
            hint="a study trains and tests: name a directory that holds a train and a test file",
        )
    return ChosenSet(
        name=directory.resolve().name,
        title=directory.resolve().name,
        task=task,
        origin="a directory of yours",
        path=str(directory.resolve()),
    )


def _known(name: str, task: TaskName, *, title: str) -> ChosenSet:
    source = SOURCES[name]
    return ChosenSet(
        name=name,
        title=title,
        task=task,
        origin=f"{name}, which comes with squeezebert" if source.shipped else f"{name} here",
        path=name,
        languages=source.languages,
        license=source.license,
    )


def _in_data_directory(usual: UsualSet) -> ChosenSet | None:
    for name in usual.known:
        source = SOURCES[name]
        try:
            for split in ("train", "test"):
                locate(name, source, "all" if source.split == "all" else split)
        except DataError:
            continue
        return _known(name, usual.task, title=usual.title)
    return None


def _on_hub(usual: UsualSet, sources: Sources, folder: Path) -> ChosenSet | None:
    for at, name in enumerate(usual.hub, start=1):
        try:
            repository = sources.repository("dataset", name)
        except HubUnreachable:
            raise
        except CheckpointError:
            if at == len(usual.hub):
                raise
            continue
        return _from_hub(repository, usual.task, sources, folder, usual)
    return None


def _from_hub(
    repository: Repository,
    task: TaskName,
    sources: Sources,
    folder: Path,
    usual: UsualSet | None = None,
) -> ChosenSet:
    parts = split_rows(repository.files)
    if not parts and repository.revision == "main":
        repository = sources.repository("dataset", repository.name, CONVERTED)
        parts = split_rows(repository.files)
    if "train" not in parts:
        raise CheckpointError(
            f"{repository.title} holds no table of rows to train on: its files are "
            + (", ".join(file.path for file in repository.files[:12]) or "none"),
            hint="name another with --data; CSV, TSV, JSON Lines and Parquet are read",
        )
    name = repository.name.rpartition("/")[2]
    return ChosenSet(
        name=name,
        title=name if usual is None else usual.title,
        task=task,
        origin=f"{repository.name} on the hub",
        path=str(folder / name),
        languages=() if usual is None else usual.languages,
        license="" if usual is None else usual.license,
        repository=repository,
        parts=tuple((split, tuple(files)) for split, files in parts.items()),
        tag_names=() if usual is None else usual.tag_names,
        typical=None if usual is None else usual.typical,
    )
