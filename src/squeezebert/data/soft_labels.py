"""Sentences with a teacher's soft labels, kept in one file: what ``squeezebert label`` writes and a
recipe trains on.

A ``.safetensors`` file holds ``text`` (UTF-8, words with a line feed after each), ``words``
(sentences,) int32, how many each sentence has, and ``probabilities`` (all words, labels) float16;
its metadata hold ``labels``, a JSON list in the order of the columns, and ``teacher``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import save_file

from squeezebert.data.examples import TokenExample
from squeezebert.data.lines import check_file
from squeezebert.data.messages import broken
from squeezebert.errors import DataError
from squeezebert.files import replacing

SUFFIX = ".safetensors"
_MADE_BY = "make it with `squeezebert label`"


def write_soft_labels(
    path: Path, examples: Sequence[TokenExample], labels: Sequence[str], *, teacher: str = ""
) -> None:
    """Writes sentences with their ``soft`` labels; the file is whole or not there.

    Args:
        path: The file, ``.safetensors``.
        examples: Each with ``soft``, (words, labels).
        labels: Names of the columns.
        teacher: Whose labels they are.

    Raises:
        DataError: no example, or one without soft labels or with a line feed in a word.
    """
    rows: list[NDArray[np.float16]] = []
    for index, example in enumerate(examples):
        if example.soft is None or any("\n" in word for word in example.words):
            lack = "no soft labels" if example.soft is None else "a line feed in a word"
            raise DataError(f"{example.where or f'sentence {index}'} has {lack}")
        rows.append(example.soft.astype(np.float16))
    if not rows:
        raise DataError("there is no sentence to write", hint="give text with words in it")
    text = "".join(f"{word}\n" for example in examples for word in example.words)
    tensors = {
        "text": np.frombuffer(text.encode("utf-8"), dtype=np.uint8),
        "words": np.array([len(example.words) for example in examples], dtype=np.int32),
        "probabilities": np.concatenate(rows),
    }
    metadata = {"labels": json.dumps(list(labels)), "teacher": teacher}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata)


def read_soft_labels(path: Path | str) -> tuple[list[TokenExample], tuple[str, ...]]:
    """The sentences of such a file, and the labels of their columns.

    Raises:
        DataError: no such file, or not one of these.
    """
    file = check_file(path)
    try:
        with safetensors.safe_open(file, framework="numpy") as content:
            metadata: dict[str, str] = content.metadata() or {}
            labels = tuple(json.loads(metadata["labels"]))
            text = content.get_tensor("text").tobytes().decode("utf-8")
            sizes: NDArray[np.int32] = content.get_tensor("words")
            soft: NDArray[np.float16] = content.get_tensor("probabilities")
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise broken(str(path), f"not soft labels ({error})", "a file of them", _MADE_BY) from error
    words = text.split("\n")[:-1]
    if soft.shape != (len(words), len(labels)) or int(sizes.sum()) != len(words):
        found = f"{len(words)} words, soft labels {soft.shape} and {len(labels)} names"
        raise broken(str(path), found, "as many of each", _MADE_BY)
    return list(_sentences(words, sizes, soft, str(path))), labels


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
