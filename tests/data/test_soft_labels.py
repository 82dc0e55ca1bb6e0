"""Soft labels on disk: what is written is read back, and what is no such file is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from squeezebert.data import open_dataset
from squeezebert.data.examples import TextExample, TokenExample
from squeezebert.data.soft_labels import read_soft_labels, write_soft_labels
from squeezebert.errors import DataError
from squeezebert.spec import ProblemType

LABELS = ("O", "B-PER", "I-PER")


def _example(words: str, *rows: tuple[float, float, float]) -> TokenExample:
    example = TokenExample.from_words(words.split())
    return TokenExample(
        words=example.words,
        offsets=example.offsets,
        text=example.text,
        soft=np.array(rows, dtype=np.float32),
    )


EXAMPLES = [
    _example("Ada schläft .", (0.25, 0.5, 0.25), (1, 0, 0), (1, 0, 0)),
    _example("Ja", (0.75, 0.125, 0.125)),
]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "soft.safetensors"
    write_soft_labels(path, EXAMPLES, LABELS, teacher="a teacher")
    found = read_soft_labels(path, "token_classification")
    assert found.labels == LABELS
    for before, after in zip(EXAMPLES, found.examples, strict=True):
        assert isinstance(after, TokenExample)
        assert (after.words, after.offsets, after.text) == (
            before.words,
            before.offsets,
            before.text,
        )
        assert after.tags is None
        np.testing.assert_array_equal(after.soft, before.soft)


def test_it_is_a_data_set_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "soft.safetensors"
    write_soft_labels(path, EXAMPLES, LABELS)
    dataset = open_dataset(path, task="token_classification", split="train")
    assert (len(dataset), dataset.labels) == (2, LABELS)


def test_sentences_without_soft_labels_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no soft labels"):
        write_soft_labels(tmp_path / "a.safetensors", [TokenExample.from_words(["a"])], LABELS)
    with pytest.raises(DataError, match="no text"):
        write_soft_labels(tmp_path / "a.safetensors", [], LABELS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["text", "weights", "short"])
def test_another_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "soft.safetensors"
    if kind == "text":
        path.write_text("not safetensors", encoding="utf-8")
    elif kind == "weights":
        save_file({"weight": np.zeros(3, np.float32)}, path)
    else:
        save_file(
            {
                "text": np.frombuffer(b"a\nb\n", np.uint8),
                "words": np.array([2], np.int32),
                "probabilities": np.zeros((1, 3), np.float16),
            },
            path,
            {"labels": '["O", "B-PER", "I-PER"]'},
        )
    with pytest.raises(DataError, match="soft") as caught:
        read_soft_labels(path, "token_classification")
    assert "squeezebert label" in str(caught.value.hint)


TEXTS = [
    TextExample(text="Zürich\nregnet", soft=np.array([0.25, 0.75])),
    TextExample(text="", soft=np.array([1.0, 0.0])),
]
PAIRS = [
    TextExample(text="One.", pair="Zwölf.", soft=np.array([1.25])),
    TextExample(text="Two.", pair="", soft=np.array([-0.3])),
]


@pytest.mark.parametrize(
    ("examples", "problem_type"), [(TEXTS, "single_label"), (PAIRS, "regression")]
)
def test_texts_are_read_back(
    examples: list[TextExample], problem_type: ProblemType, tmp_path: Path
) -> None:
    path = tmp_path / "soft.safetensors"
    names = [str(n) for n in range(len(examples[0].soft))]  # pyright: ignore[reportArgumentType]
    write_soft_labels(path, examples, names, problem_type=problem_type)
    found = open_dataset(path, task="text_classification", split="train")
    assert (found.problem_type, found.labels) == (problem_type, tuple(names))
    for before, after in zip(examples, found.examples, strict=True):
        assert (after.text, after.pair, after.label) == (before.text, before.pair, None)
        np.testing.assert_allclose(after.soft, before.soft)


def test_pairs_and_texts_do_not_go_together(tmp_path: Path) -> None:
    mixed = [TEXTS[0], TextExample(text="a", pair="b", soft=np.array([0.5, 0.5]))]
    with pytest.raises(DataError, match="pairs"):
        write_soft_labels(tmp_path / "soft.safetensors", mixed, ("a", "b"))


def test_labels_of_another_task_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "soft.safetensors"
    write_soft_labels(path, TEXTS, ("a", "b"))
    with pytest.raises(DataError, match="soft labels for text_classification"):
        read_soft_labels(path, "token_classification")


@pytest.mark.parametrize("sizes", [[[3]], [[5], [9]], [[-1], [7]], [3, 3], []])
def test_lengths_that_cannot_be_are_refused(sizes: list[object], tmp_path: Path) -> None:
    path = tmp_path / "soft.safetensors"
    save_file(
        {
            "text": np.frombuffer(b"abcdef", np.uint8),
            "bytes": np.array(sizes, np.int32),
            "probabilities": np.zeros((len(sizes), 2), np.float16),
        },
        path,
        {"labels": '["a", "b"]'},
    )
    with pytest.raises(DataError, match="not soft labels"):
        read_soft_labels(path, "text_classification")


@pytest.mark.parametrize("labels", ["5", '["a"]', "{", "null"])
def test_names_that_cannot_be_are_refused(labels: str, tmp_path: Path) -> None:
    path = tmp_path / "soft.safetensors"
    write_soft_labels(path, TEXTS, ("a", "b"))
    with safe_open(path, framework="numpy") as content:
        tensors = {name: content.get_tensor(name) for name in ("text", "bytes", "probabilities")}
    save_file(tensors, path, {"labels": labels})
    with pytest.raises(DataError, match="not soft labels"):
        read_soft_labels(path, "text_classification")
