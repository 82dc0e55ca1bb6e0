"""The shipped models in transformers.js, as exported.

Its package has 475 MB with what it needs, so it is no part of web/'s development set: `npm install
--prefix build/transformers.js @huggingface/transformers@4.3.2`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import squeezebert
from squeezebert.exporting import export_onnx

MODELS = ("squeezebert-mini-news", "squeezebert-mini-ner", "squeezebert-mini-mlm")


@pytest.fixture(scope="module")
def modules(root: Path) -> Path:
    folder = root / "build" / "transformers.js"
    if shutil.which("node") is None:
        pytest.skip("no node here")
    if not (folder / "node_modules" / "@huggingface" / "transformers").is_dir():
        pytest.skip(f"no transformers.js in {folder}; this file says how to install it")
    return folder


@pytest.fixture(scope="module")
def exports(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    for name in MODELS:
        export_onnx(name, folder / name)
    return folder


def answers(modules: Path, exports: Path, model: str, dtype: str, task: str, text: str) -> Any:
    script = Path(__file__).with_name("pipelines.mjs")
    done = subprocess.run(
        ["node", script, modules, exports, model, dtype, task, text],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "bound"), [("fp32", 1e-4), ("q8", 0.1)])
def test_texts(modules: Path, exports: Path, dtype: str, bound: float) -> None:
    text, name = "The striker scored twice.", "squeezebert-mini-news"
    (found,) = answers(modules, exports, name, dtype, "text-classification", text)
    ours = squeezebert.load(name, task="text_classification", precision="float32")(text)
    assert found["label"] == ours.label == "sport"
    assert found["score"] == pytest.approx(ours.probabilities["sport"], abs=bound)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["fp32", "q8"])
def test_tokens(modules: Path, exports: Path, dtype: str) -> None:
    text, name = "Angela Merkel visited Paris in May.", "squeezebert-mini-ner"
    found = answers(modules, exports, name, dtype, "token-classification", text)
    assert [one["entity"] for one in found if one["word"] in ("Angela", "Paris")] == [
        "B-PER",
        "B-LOC",
    ]
    ours = squeezebert.load(name, task="token_classification", precision="float32")(text)
    assert [(entity.text, entity.type) for entity in ours] == [
        ("Angela Merkel", "PER"),
        ("Paris", "LOC"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["fp32", "q8"])
def test_gaps(modules: Path, exports: Path, dtype: str) -> None:
    text, name = "The team won the [MASK] yesterday.", "squeezebert-mini-mlm"
    found = answers(modules, exports, name, dtype, "fill-mask", text)
    ours = squeezebert.load(name, task="masked_lm", precision="float32")(text)
    best = ours[0].candidates[0]
    assert found[0]["token_str"] == best.token
    assert found[0]["score"] == pytest.approx(best.score, abs=1e-4 if dtype == "fp32" else 0.1)
