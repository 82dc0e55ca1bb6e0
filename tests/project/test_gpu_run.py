"""The run on a GPU that is lent by the minute, tried at tiny size without one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from squeezebert.tokenizer import Tokenizer

WITHOUT_ENGINE = """
import sys
sys.modules["squeezebert.engine._native"] = None
from squeezebert.cli import convert, pretrain, tokenize
from squeezebert.training.pretraining import pretrain, shards
assert "squeezebert.engine" not in sys.modules
print("fine")
"""


def test_pretraining_needs_no_engine() -> None:
    """Nothing is built on such a machine."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ENGINE], capture_output=True, text=True, check=False
    )
    assert done.stdout == "fine\n", done.stderr


@pytest.mark.slow
def test_the_command_from_shards_to_a_model_in_parts(root: Path, tmp_path: Path) -> None:
    for tool in ("sh", "tar", "split"):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}")
    lines = [f"the {a} ran to the {b}." for a in "abcdefgh" for b in "abcdefgh"] * 12
    (tmp_path / "text.txt").write_text("\n\n".join(lines), encoding="utf-8")
    Tokenizer.train(lines, vocab_size=60, lowercase=True).save(tmp_path / "runs" / "uncased")
    fields = "hidden_size = 32, embedding_size = 32, num_hidden_layers = 1, intermediate_size = 32"
    shape = ("--set", f"model.shape={{{fields}, num_attention_heads = 2}}")
    settings = {
        "corpus.sources": '["text.txt"]',
        "corpus.held_out_every": "4",
        "corpus.held_out_tokens": "256",
        "corpus.sequence_length": "16",
        "loop.batch_size": "4",
        "loop.compile": "false",
        "loop.log_steps": "1",
    }
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    recipe = str(root / "recipes" / "pretrain_gpu.toml")

    def call(*command: str, **environment: str) -> str:
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHON": sys.executable, "SQUEEZEBERT_DATA": "", **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    python = (sys.executable, "-m", "squeezebert")
    call(*python, "tokenize", "--recipe", recipe, *words, "--output", "runs/shards")
    (tmp_path / "text.txt").unlink()
    script = str(root / "recipes" / "pretrain_gpu.sh")
    steps: list[int] = []
    spent = 0.0
    for _ in range(2):
        # However slow the machine is, there is time left for another step.
        call("sh", script, *words, *shape, MINUTES=str(spent / 60 + 0.02))
        result = json.loads((tmp_path / "runs" / "gpu" / "training.json").read_text())
        assert result["stopped"] == "max_minutes"
        steps.append(result["steps"])
        spent = result["seconds"]
    assert steps[1] > steps[0] > 0
    # At home.
    parts = sorted((tmp_path / "out").iterdir())
    assert [part.name for part in parts] == ["model.tar.00"]
    (tmp_path / "model").mkdir()
    call("sh", "-c", "cat out/model.tar.* | tar -x -C model")
    # On a machine that is bare again.
    words += ["--set", "loop.seed=1", "--model", "model"]
    call("sh", script, *words, MINUTES="0.02", RUN="runs/two")
    assert (tmp_path / "runs" / "two-int8" / "model.safetensors").is_file()
