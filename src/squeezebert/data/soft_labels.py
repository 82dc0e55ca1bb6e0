"""Texts with a teacher's soft labels, kept in one file: what ``squeezebert label`` writes and a
recipe trains on.

A ``.safetensors`` file. Of sentences whose words are labeled it holds ``text`` (UTF-8, words with a
line feed after each), ``words`` (sentences,) int32, how many each sentence has, and
``probabilities`` (all words, labels) float16. Of texts that are labeled as a whole it holds
``text`` (UTF-8, one after another), ``bytes`` (texts, 1 or, for pairs, 2) int32, how long each is,
and ``probabilities`` (texts, labels) float16; of a regression these are the numbers, float32. The
metadata hold ``labels``, a JSON list in the order of the columns, ``problem_type`` and ``teacher``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import save_file

from squeezebert.data.examples import TextExample, TokenExample
from squeezebert.data.lines import check_file
from squeezebert.data.messages import broken
from squeezebert.errors import DataError
from squeezebert.files import replacing
from squeezebert.spec import ProblemType, TaskName

SUFFIX = ".safetensors"
_MADE_BY = "make it with `squeezebert label`"


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftLabels:
    """What such a file holds.

    Args:
        examples: Each with ``soft``.
        labels: Names of the columns.
        problem_type: Of texts; ``single_label`` where words are labeled.
    """

    examples: list[TokenExample] | list[TextExample]
    labels: tuple[str, ...]
    problem_type: ProblemType = "single_label"


def write_soft_labels(
    path: Path,
    examples: Sequence[TokenExample] | Sequence[TextExample],
    labels: Sequence[str],
    *,
    problem_type: ProblemType = "single_label",
    teacher: str = "",
) -> None:
    """Writes sentences, or texts, with their ``soft`` labels; the file is whole or not there.

    Args:
        path: The file, ``.safetensors``.
        examples: All of one kind, each with ``soft``; texts alone or pairs, not both.
        labels: Names of the columns.
        problem_type: Of texts.
        teacher: Whose labels they are.

    Raises:
        DataError: no example, or one without soft labels or with a line feed in a word; pairs
            beside texts that are none.
    """
    words: list[TokenExample] = []
    texts: list[TextExample] = []
    rows: list[NDArray[np.floating]] = []
    for index, example in enumerate(examples):
        if example.soft is None:
            raise DataError(f"{example.where or f'text {index}'} has no soft labels")
        rows.append(example.soft)
        if isinstance(example, TokenExample):
            words.append(example)
        else:
            texts.append(example)
    if not rows:
        raise DataError("there is no text to write", hint="give text with words in it")
    tensors = _texts(texts) if texts else _words(words)
    stacked = np.stack(rows) if texts else np.concatenate(rows)
    exact = problem_type == "regression"
    tensors["probabilities"] = stacked.astype(np.float32 if exact else np.float16)
    metadata = {
        "labels": json.dumps(list(labels)),
        "problem_type": str(problem_type),
        "teacher": teacher,
    }
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata)


def _words(examples: Sequence[TokenExample]) -> dict[str, NDArray[Any]]:
    for index, example in enumerate(examples):
        if any("\n" in word for word in example.words):
            raise DataError(f"{example.where or f'sentence {index}'} has a line feed in a word")
    text = "".join(f"{word}\n" for example in examples for word in example.words)
    return {
        "text": np.frombuffer(text.encode("utf-8"), dtype=np.uint8),
        "words": np.array([len(example.words) for example in examples], dtype=np.int32),
    }


def _texts(examples: Sequence[TextExample]) -> dict[str, NDArray[Any]]:
    rows: list[list[bytes]] = []
    for example in examples:
        parts = [example.text] if example.pair is None else [example.text, example.pair]
        rows.append([part.encode("utf-8") for part in parts])
    if len({len(row) for row in rows}) > 1:
        raise DataError("some examples are pairs and others single texts, expected one kind")
    return {
        "text": np.frombuffer(b"".join(part for row in rows for part in row), dtype=np.uint8),
        "bytes": np.array([[len(part) for part in row] for row in rows], dtype=np.int32),
    }


def read_soft_labels(path: Path | str, task: TaskName) -> SoftLabels:
    """What such a file holds.

    Args:
        path: The file.
        task: Whose examples are wanted.

    Raises:
        DataError: no such file, not one of these, or one for another task.
    """
    file = check_file(path)
    try:
        with safetensors.safe_open(file, framework="numpy") as content:
            metadata: dict[str, str] = content.metadata() or {}
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
        labels = tuple(json.loads(metadata["labels"]))
        kind = metadata.get("problem_type", "single_label")
        text = tensors["text"].tobytes()
        soft: NDArray[Any] = tensors["probabilities"]
        if soft.ndim != 2 or soft.shape[1] != len(labels):
            raise ValueError(f"probabilities {soft.shape} of {len(labels)} labels")
        if not {"words", "bytes"} & set(tensors) or kind not in get_args(ProblemType):
            raise ValueError(f"a file of {', '.join(sorted(tensors))}")
        found: TaskName = "token_classification" if "words" in tensors else "text_classification"
        if found != task:
            raise broken(
                str(path),
                f"soft labels for {found}",
                f"a file for {task}",
                "label texts with a teacher of the student's own task",
            )
        if found == "token_classification":
            examples = _read_words(text.decode("utf-8"), tensors, soft, str(path))
        else:
            examples = _read_texts(text, tensors, soft, str(path))
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise broken(str(path), f"not soft labels ({error})", "a file of them", _MADE_BY) from error
    return SoftLabels(examples=examples, labels=labels, problem_type=kind)  # pyright: ignore[reportArgumentType]


def _read_words(
    text: str, tensors: Mapping[str, NDArray[Any]], soft: NDArray[Any], path: str
) -> list[TokenExample]:
    words, sizes = text.split("\n")[:-1], tensors["words"]
    if len(soft) != len(words) or int(sizes.sum()) != len(words):
        raise ValueError(f"{len(words)} words, soft labels of {len(soft)}")
    return list(_sentences(words, sizes, soft, path))


def _sentences(
    words: list[str], sizes: NDArray[np.int32], soft: NDArray[np.float16], path: str
) -> Iterable[TokenExample]:
    at = 0
    for number, size in enumerate(sizes.tolist()):
        offsets, place = [], 0
        for word in words[at : at + size]:
            offsets.append((place, place + len(word)))
            place += len(word) + 1
        yield TokenExample(
            words=tuple(words[at : at + size]),
            offsets=tuple(offsets),
            text=" ".join(words[at : at + size]),
            where=f"{path}:sentence {number}",
            soft=soft[at : at + size],
        )
        at += size


def _read_texts(
    text: bytes, tensors: Mapping[str, NDArray[Any]], soft: NDArray[Any], path: str
) -> list[TextExample]:
    sizes = tensors["bytes"]
    if sizes.ndim != 2 or sizes.shape[1] not in (1, 2) or len(soft) != len(sizes):
        raise ValueError(f"lengths {sizes.shape}, soft labels of {len(soft)}")
    ends = np.cumsum(sizes.ravel(), dtype=np.int64).tolist()
    if (sizes < 0).any() or int(sizes.sum(dtype=np.int64)) != len(text):
        raise ValueError(f"{len(text)} bytes of text, whose lengths are others")
    parts = [text[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]
    width = sizes.shape[1]
    return [
        TextExample(
            text=parts[number * width],
            pair=parts[number * width + 1] if width == 2 else None,
            where=f"{path}:text {number}",
            soft=row,
        )
        for number, row in enumerate(soft)
    ]
