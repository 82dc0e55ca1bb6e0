from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.cli.main import run
from squeezebert.tasks import ReferenceEmbeddings
from squeezebert.tokenizer import Tokenizer


def test_writes_vectors_of_the_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("cat", "dog", "mat", "home", "london", "good", "bad", "night", "day", "river")
    lines = [f"the {a} and the {b} ran to the {c}." for a in words for b in words for c in words]
    corpus = tmp_path / "text.txt"
    corpus.write_text("\n\n".join(lines), encoding="utf-8")
    Tokenizer.train(lines, vocab_size=120, lowercase=True).save(tmp_path / "vocabulary")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f"[model]\ntokenizer = {json.dumps(str(tmp_path / 'vocabulary'))}\n"
        f"[corpus]\nsources = [{json.dumps(str(corpus))}]\nheld_out_every = 4\n",
        encoding="utf-8",
    )
    output = tmp_path / "vectors.safetensors"
    given = ["vectors", "--recipe", str(recipe), "--dimensions", "8", "--output", str(output)]
    assert run(given) == 0
    table = ReferenceEmbeddings.load(output)
    assert table.vectors.shape[1] == 8
    assert "cat" in table.tokens
    assert f"vectors of 8 dimensions: {output}" in capsys.readouterr().out
