from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.cli.main import run
from squeezebert.tokenizer import Tokenizer


def test_shards_take_the_place_of_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"the {a} ran to the {b}." for a in "abcdefgh" for b in "abcdefgh"] * 12
    text, vocabulary = tmp_path / "text.txt", tmp_path / "vocabulary"
    text.write_text("\n\n".join(lines), encoding="utf-8")
    Tokenizer.train(lines, vocab_size=60, lowercase=True).save(vocabulary)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f"[model]\ntokenizer = {json.dumps(str(vocabulary))}\n"
        "[model.shape]\nhidden_size = 32\nembedding_size = 32\nnum_hidden_layers = 1\n"
        "num_attention_heads = 2\nintermediate_size = 32\n"
        f"[corpus]\nsources = [{json.dumps(str(text))}]\nheld_out_every = 4\n"
        f"sequence_length = 16\nshards = {json.dumps(str(tmp_path / 'shards'))}\n"
        "[loop]\nmax_steps = 2\ntensorboard = false\n",
        encoding="utf-8",
    )
    given = ["tokenize", "--recipe", str(recipe), "--output", str(tmp_path / "shards")]
    assert run(given) == 0
    assert f"MB: {tmp_path / 'shards'}" in capsys.readouterr().out
    text.unlink()
    assert run(["pretrain", "--recipe", str(recipe), "--output", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "model.safetensors").is_file()
    assert not (tmp_path / "run" / "corpus").exists()
