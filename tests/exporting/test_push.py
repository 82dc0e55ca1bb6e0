"""Uploads to a hub on loopback, and the models loaded from there again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from squeezebert.errors import InvalidInputError
from squeezebert.exporting.push import push
from tests.exporting.hub import Hub, serving

Write = Callable[..., Path]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as hub:
        yield hub


@pytest.fixture
def run(hub: Hub, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A program with this hub as its own: the library reads the address when it is imported."""

    def run(*words: object, token: str = "hf_right") -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        return subprocess.run(
            [sys.executable, *map(str, words)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


def test_a_shipped_model_goes_up_whole_and_comes_back(hub: Hub, run) -> None:
    words = ("-m", "squeezebert", "push", "squeezebert-mini-news", "me/news", "--private")
    done = run(*words, "--license", "apache-2.0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{hub.address}/me/news/commit/1"
    kept = hub.files["me/news"]
    assert {"README.md", "config.json", "model.safetensors", "task.json", "vocab.txt"} <= set(kept)
    assert "model.safetensors.index.json" not in kept  # the table came along
    card = kept["README.md"].decode()
    assert card.startswith("---\nlanguage:\n- en\n")
    assert "license: apache-2.0" in card
    assert hub.private["me/news"]
    answered = run("-m", "squeezebert", "predict", "me/news", "The striker scored twice.")
    assert answered.returncode == 0, answered.stderr
    assert "sport" in answered.stdout


def test_transformers_loads_what_was_pushed(
    hub: Hub, run, write_model: Write, tmp_path: Path
) -> None:
    source = write_model(tmp_path / "model", kind="tokens")
    (source / "log.jsonl").write_text("{}")
    (source / "trainer_state.json").write_text("{}")
    for _ in range(2):  # once more into a repository that is there
        done = run("-m", "squeezebert", "push", source, "me/names")
        assert done.returncode == 0, done.stderr
    assert not {"log.jsonl", "trainer_state.json"} & set(hub.files["me/names"])
    assert "`transformers` reads it too." in hub.files["me/names"]["README.md"].decode()
    code = (
        "import transformers\n"
        "model = transformers.AutoModelForTokenClassification.from_pretrained('me/names')\n"
        "print(type(model).__name__, model.config.id2label[1])"
    )
    loaded = run("-c", code)
    assert loaded.stdout.strip() == "SqueezeBertForTokenClassification B-LOC", loaded.stderr


def test_an_export_goes_up_with_its_graphs(hub: Hub, run, write_model: Write, tmp_path) -> None:
    source = write_model(tmp_path / "model", kind="single_label")
    export = run("-m", "squeezebert", "export", source, "--output", tmp_path / "onnx")
    assert export.returncode == 0, export.stderr
    done = run("-m", "squeezebert", "push", tmp_path / "onnx", "me/onnx")
    assert done.returncode == 0, done.stderr
    kept = hub.files["me/onnx"]
    assert {"onnx/model.onnx", "onnx/model_quantized.onnx", "export.json"} <= set(kept)
    assert "library_name: transformers.js" in kept["README.md"].decode()


def test_what_the_hub_refuses(hub: Hub, run) -> None:
    words = ("-m", "squeezebert", "push", "squeezebert-mini-news", "me/news")
    stranger = run(*words, token="hf_wrong")
    assert stranger.returncode == 2
    assert "me/news could not be uploaded: you may not write there (401)" in stranger.stderr
    assert "hint: run: hf auth login" in stranger.stderr
    hub.broken = True
    broken = run(*words)
    assert broken.returncode == 2
    assert "the hub answered 418" in broken.stderr
    assert hub.files.get("me/news", {}) == {}


def test_a_name_that_no_repository_can_have() -> None:
    with pytest.raises(InvalidInputError, match="is no name of a repository"):
        push("squeezebert-mini-news", "news")
