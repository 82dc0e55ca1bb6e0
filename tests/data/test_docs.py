"""What docs/data.md says is so."""

from __future__ import annotations

import doctest
import gzip
from pathlib import Path

import pytest

from squeezebert.data import (
    open_dataset,
    read_conll,
    read_documents,
    read_spans,
    read_table,
)
from squeezebert.data.folders import SPLIT_NAMES, SUFFIXES
from squeezebert.data.sources import SOURCES
from squeezebert.errors import DataError


def write(name: str, content: str | bytes, encoding: str = "utf-8") -> None:
    Path(name).write_bytes(content.encode(encoding) if isinstance(content, str) else content)


def attempt(call, *args, **kwargs) -> None:
    with pytest.raises(DataError) as caught:
        call(*args, **kwargs)
    print(caught.value)


def test_the_errors_shown(root, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("SQUEEZEBERT_DATA", raising=False)
    names = (gzip, open_dataset, read_conll, read_documents, read_spans, read_table, write, attempt)
    failed, tried = doctest.testfile(
        str(root / "docs" / "data.md"),
        module_relative=False,
        globs={thing.__name__: thing for thing in names},
        encoding="utf-8",
    )
    assert tried > 40
    assert failed == 0


@pytest.mark.parametrize("name", [name for name in SOURCES if not SOURCES[name].shipped])
def test_every_set_is_described(root, name):
    text = (root / "docs" / "data.md").read_text(encoding="utf-8")
    assert f"`{name}`" in text
    for file in SOURCES[name].files.values():
        assert f"`{Path(file).name}`" in text


def test_file_names_and_suffixes_are_listed(root):
    text = (root / "docs" / "data.md").read_text(encoding="utf-8")
    listed = [*SUFFIXES["text_classification"], *SUFFIXES["token_classification"]]
    for suffix in {*listed, *SUFFIXES["masked_lm"]}:
        assert f"`{suffix}`" in text
    for name in {*SPLIT_NAMES["dev"], "train", "test", "testb"}:
        assert f"`{name}`" in text
