"""Data sets of the hub, whatever their columns, as files that :func:`open_dataset` reads.

Three shapes are known: dialogues (a list of turns a row, or a turn a row with the number of its
dialogue), texts with a class, words with tags. Classes and tags that are numbers get the names
that the ``datasets`` library keeps in a Parquet file's schema.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from squeezebert import files
from squeezebert.data.column_names import find_column
from squeezebert.data.delimited import JSON_LINES, PARQUET, Dialect
from squeezebert.data.examples import Document, TextExample
from squeezebert.data.layouts import Split
from squeezebert.data.lines import format_suffix, read_lines
from squeezebert.data.messages import broken, listed
from squeezebert.data.records import Row, import_parquet, read_json_lines, read_parquet
from squeezebert.data.splits import document_key, part, unseen
from squeezebert.spec import TaskName

TURNS = ("turns", "dialog", "dialogue", "utterances")
DIALOGUE_IDS = ("dialog_id", "dialogue_id", "conversation_id")
UTTERANCES = ("utterance", "text", "turn")
WORD_COLUMNS, TAG_COLUMNS = ("tokens", "words"), ("ner_tags", "tags", "labels")

SHARES: Mapping[Split, tuple[float, float]] = {
    "test": (0.0, 0.1),
    "dev": (0.1, 0.2),
    "train": (0.2, 1.0),
}
"""Of a set of texts that comes in one part: the study's own, 80, 10 and 10 %."""

Rows = list[tuple[str, Row]]


def write_set(
    parts: Mapping[Split, Sequence[Path]],
    output: Path,
    *,
    task: TaskName,
    tag_names: Sequence[str] = (),
) -> None:
    """Writes ``train``, ``test`` and, where there is one, ``dev`` into a new directory.

    Args:
        parts: The downloaded files of each part.
        output: The directory.
        task: What the rows are for.
        tag_names: The names of tags that are numbers, where the files do not tell them.

    Raises:
        DataError: rows of no shape that is known, or without the names of their numbers.
        MissingDependencyError: Parquet files without pyarrow.
        CheckpointError: a disk that does not take it.
    """
    with files.appearing(output) as folder:
        if task == "masked_lm":
            _write_dialogues(parts, folder)
        elif task == "text_classification":
            _write_texts(parts, folder)
        else:
            _write_tags(parts, folder, tag_names)


# -- dialogues ---------------------------------------------------------------------------------


def _write_dialogues(parts: Mapping[Split, Sequence[Path]], folder: Path) -> None:
    documents = {split: [*_dialogues(_rows(paths))] for split, paths in parts.items()}
    train = unseen(documents.pop("train", []))
    if not documents:
        cut = max(1, len(train) // 10)
        documents, train = {"test": train[:cut]}, train[cut:]
    seen = {document_key(document) for document in train}
    for split, found in [("train", train), *documents.items()]:
        kept = found if split == "train" else unseen(found, seen)
        _write_json(folder / f"{split}.jsonl", ({"turns": one.turns} for one in kept))


def _dialogues(rows: Iterator[tuple[str, Row]]) -> Iterator[Document]:
    where, first = _peek(rows)
    rows = itertools.chain([(where, first)], rows)
    turns = next((name for name in TURNS if isinstance(first.get(name), list)), None)
    if turns is not None:
        for _, row in rows:
            spoken = [str(turn).strip() for turn in cast(list[Any], row[turns]) if turn]
            if any(spoken):
                yield Document(turns=tuple(filter(None, spoken)))
        return
    key = next((name for name in DIALOGUE_IDS if name in first), None)
    text = next((name for name in UTTERANCES if name in first), None)
    if text is None:
        raise _unknown(where, first, f"dialogues ({', '.join(TURNS)}; or {DIALOGUE_IDS[0]})")
    for _, group in itertools.groupby(rows, lambda item: item[1][key] if key else item[0]):
        spoken = [str(row[text]).strip() for _, row in group if row[text]]
        if any(spoken):
            yield Document(turns=tuple(filter(None, spoken)))


# -- texts -------------------------------------------------------------------------------------


def _write_texts(parts: Mapping[Split, Sequence[Path]], folder: Path) -> None:
    found = {split: [*_texts(paths)] for split, paths in parts.items()}
    if set(found) == {"train"}:
        every = found["train"]
        found = {split: part(every, *shares) for split, shares in SHARES.items()}
    elif "test" not in found:
        found["test"] = found.pop("dev")
    for split, examples in found.items():
        rows = ({"text": one.text, "label": one.label} for one in examples)
        _write_json(folder / f"{split}.jsonl", rows)


def _texts(paths: Sequence[Path]) -> Iterator[TextExample]:
    for path in paths:
        rows = _rows([path])
        where, first = _peek(rows)
        text, label = (find_column(list(first), role, str(path)) for role in ("text", "label"))
        names = class_names(path, label)
        for at, row in itertools.chain([(where, first)], rows):
            value = row[label]
            if not row[text] or value is None or value == "":
                continue  # the study leaves such rows out too
            yield TextExample(text=str(row[text]), label=_named(value, names, at, label))


# -- words and tags ----------------------------------------------------------------------------


def _write_tags(
    parts: Mapping[Split, Sequence[Path]], folder: Path, tag_names: Sequence[str]
) -> None:
    for split, paths in parts.items():
        with (folder / f"{split}.conll").open("w", encoding="utf-8") as file:
            for path in paths:
                for words, tags in _sentences(path, tag_names):
                    lines = (f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True))
                    file.write("\n".join(lines) + "\n\n")


def _sentences(path: Path, tag_names: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    rows = _rows([path])
    where, first = _peek(rows)
    words = next((name for name in WORD_COLUMNS if name in first), None)
    tags = next((name for name in TAG_COLUMNS if name in first), None)
    if words is None or tags is None:
        raise _unknown(where, first, "words and tags (tokens, ner_tags)")
    names = class_names(path, tags) or tag_names
    for at, row in itertools.chain([(where, first)], rows):
        spelled = ["_".join(str(word).split()) or "_" for word in cast(list[Any], row[words])]
        named = [_named(tag, names, at, tags) for tag in cast(list[Any], row[tags])]
        if len(spelled) != len(named):
            raise broken(
                at,
                f"{len(spelled)} words and {len(named)} tags",
                "as many tags as words",
                "the data set is damaged: name another with --data",
            )
        if spelled:
            yield spelled, named


# -- all of them -------------------------------------------------------------------------------


def class_names(path: Path, column: str) -> tuple[str, ...]:
    """The names of a column's numbers, as the ``datasets`` library keeps them in the schema of a
    Parquet file; none where they stand elsewhere.
    """
    if format_suffix(path) not in PARQUET:
        return ()
    parquet, failures = import_parquet()
    try:
        metadata = parquet.read_schema(path).metadata or {}
        told: Any = json.loads(metadata.get(b"huggingface", b"{}"))
        feature: Any = told.get("info", {}).get("features", {}).get(column, {})
    except (*failures, ValueError, AttributeError):
        return ()
    # A list of classes has the class one level down, in one of two spellings.
    feature = feature[0] if isinstance(feature, list) and feature else feature
    inner = feature.get("feature", feature) if isinstance(feature, dict) else {}
    names = inner.get("names") if isinstance(inner, dict) else None
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _named(value: object, names: Sequence[str], where: str, column: str) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        return str(value)
    if 0 <= value < len(names):
        return names[value]
    if not names and column.startswith("label"):
        return str(value)
    raise broken(
        where,
        f"{column} is the number {value}, which has no name",
        f"a name, or a number below {len(names)}",
        "name another data set with --data, or put one with names into a directory",
    )


def _rows(paths: Sequence[Path]) -> Iterator[tuple[str, Row]]:
    for path in paths:
        suffix = format_suffix(path)
        if suffix in PARQUET:
            yield from read_parquet(path)
        elif suffix in JSON_LINES:
            yield from read_json_lines(path)
        else:
            yield from Dialect.of(path).rows(read_lines(path), str(path))


def _peek(rows: Iterator[tuple[str, Row]]) -> tuple[str, Row]:
    found = next(rows, None)
    if found is None:
        raise broken("a part of the data set", "no rows", "at least one", "name another set")
    return found


def _unknown(where: str, row: Row, expected: str) -> Exception:
    return broken(
        where, f"the columns {listed(row)}", expected, "name another data set with --data"
    )


def _write_json(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
