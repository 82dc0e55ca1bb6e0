"""All that predicts runs where torch is not installed: here, where importing it is an error, in the
processes that a verb starts as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ABSENT = ("torch", "transformers", "accelerate", "pyarrow", "scipy", "sklearn")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("absent")
    for name in ABSENT:
        (folder / f"{name}.py").write_text(f"raise ModuleNotFoundError('no {name}', name={name!r})")
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"PYTHONPATH": path}


def run(
    words: list[str], environment: dict[str, str], cwd: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


def test_torch_is_absent_there(environment: dict[str, str], tmp_path: Path) -> None:
    done = run(["-c", "import torch"], environment, tmp_path)
    assert "ModuleNotFoundError: no torch" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "squeezebert-mini-news", "The striker scored twice."],
        ["predict", "bert-mini-ner", "Ada Lovelace lived in London."],
        ["predict", "squeezebert-mini-mlm", "The [MASK] scored twice."],
        ["evaluate", "squeezebert-mini-news", "--data", "sample_news", "--limit", "8", "--json"],
        ["evaluate", "squeezebert-mini-ner", "--data", "sample_ner_de", "--limit", "8", "--json"],
        ["evaluate", "bert-mini-mlm", "--data", "sample_dialogues", "--limit", "4", "--json"],
        ["models", "--json"],
        ["info", "squeezebert-mini-news", "--json"],
    ],
    ids=" ".join,
)
def test_verbs(words: list[str], environment: dict[str, str], tmp_path: Path) -> None:
    done = run(["-m", "squeezebert", *words], environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(json.loads(line) for line in done.stdout.splitlines())
    assert done.stdout


def test_the_whole_comparison(environment: dict[str, str], tmp_path: Path) -> None:
    words = "compare --limit 6 --repetitions 1 --threads 1 --output out"
    data = [f"--data=sample_{name}" for name in ("dialogues", "news", "ner_en", "ner_de")]
    done = run(["-m", "squeezebert", *words.split(), *data], environment, tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    # The mini pair on four sets, the small models on English news and entities, the bilingual ones
    # on dialogues and both languages' entities.
    assert len(report["results"]) == 13
    assert {result["backend"] for result in report["results"]} == {"engine"}
    assert all(result["peak_memory_mb"] for result in report["results"])


def test_what_needs_torch_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    words = ["predict", "squeezebert-mini-news", "Hello.", "--backend", "torch"]
    done = run(["-m", "squeezebert", *words], environment, tmp_path)
    assert done.returncode == 2
    assert 'pip install "squeezebert[torch]"' in done.stderr


def test_text_vectors(environment: dict[str, str], tmp_path: Path) -> None:
    code = "import squeezebert as s; print(s.TextEncoder.load('bert-mini-mlm')('Hello.').shape)"
    done = run(["-c", code], environment, tmp_path)
    assert done.stdout.strip() == "(256,)", done.stderr
