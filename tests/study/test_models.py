"""The checkpoints of a study."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from experiments.loopback_hub.server import Hub
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.model import load_model
from squeezebert.study.hub import HubFile, Repository
from squeezebert.study.models import choose_models, wanted_files
from squeezebert.study.sources import SOURCES, Sources

SQUEEZE = "squeezebert/squeezebert-uncased"


def repository(*paths: str) -> Repository:
    files = tuple(HubFile(path=path, size=1, digest="git:0") for path in paths)
    return Repository(kind="model", name="a/b", revision="main", commit="0" * 40, files=files)


BASE = ("config.json", "vocab.txt")


@pytest.mark.parametrize(
    ("paths", "weights"),
    [
        (("model.safetensors", "pytorch_model.bin", "tf_model.h5"), {"model.safetensors"}),
        (("pytorch_model.bin", "README.md"), {"pytorch_model.bin"}),
        (
            (
                "model.safetensors.index.json",
                "model-1-of-2.safetensors",
                "model-2-of-2.safetensors",
            ),
            {
                "model.safetensors.index.json",
                "model-1-of-2.safetensors",
                "model-2-of-2.safetensors",
            },
        ),
    ],
)
def test_only_what_is_needed_is_downloaded(paths: tuple[str, ...], weights: set[str]) -> None:
    found = wanted_files(repository(*BASE, *paths))
    assert {file.path for file in found} == {*BASE, *weights}


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ((*BASE, "tf_model.h5"), "neither model.safetensors nor pytorch_model.bin"),
        (("vocab.txt", "model.safetensors"), "holds no config.json"),
        (("config.json", "model.safetensors"), "holds no tokenizer"),
    ],
)
def test_a_repository_that_lacks_something(paths: tuple[str, ...], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        wanted_files(repository(*paths))


def test_of_a_model_on_the_hub_only_the_shape_is_read_at_first(hub: Hub, tmp_path: Path) -> None:
    squeeze, bert = choose_models((SQUEEZE, "bert-base-uncased"), Sources(tmp_path / SOURCES))
    assert (squeeze.name, squeeze.family) == ("squeezebert-uncased", "squeezebert")
    assert (bert.name, bert.family) == ("bert-base-uncased", "bert")
    assert squeeze.config.q_groups == 4
    assert "commit" in squeeze.origin
    asked = {line.rpartition("/")[2] for line in hub.asked if line.startswith("GET")}
    assert "config.json" in asked
    assert not {"pytorch_model.bin", "model.safetensors"} & asked


@pytest.mark.parametrize("name", [SQUEEZE, "bert-base-uncased"])
def test_both_published_layouts_load(hub: Hub, tmp_path: Path, name: str) -> None:
    sources = Sources(tmp_path / SOURCES)
    (model,) = choose_models((name,), sources)
    assert model.repository is not None
    directory = sources.fetch(model.repository, model.files)["config.json"].parent
    assert load_model(directory).config == model.config


def test_a_checkpoint_that_would_run_code_is_refused(hub: Hub, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    files = dict(hub.repositories[f"models/{SQUEEZE}", "main"])
    hub.put("models/someone/evil", files | {"pytorch_model.bin": pickle.dumps(Evil())})
    sources = Sources(tmp_path / SOURCES)
    (model,) = choose_models(("someone/evil",), sources)
    assert model.repository is not None
    directory = sources.fetch(model.repository, model.files)["config.json"].parent
    with pytest.raises(CheckpointError, match="not a readable weight file"):
        load_model(directory)
    assert not (tmp_path / "ran").exists()


def test_directories_need_no_hub(tmp_path: Path, hub: Hub) -> None:
    directory = tmp_path / "mine"
    directory.mkdir()
    files = hub.repositories["models/bert-base-uncased", "main"]
    (directory / "config.json").write_text(json.dumps(json.loads(files["config.json"])))
    hub.asked.clear()
    found = choose_models((str(directory),), Sources(tmp_path / SOURCES))
    assert [(one.name, one.origin) for one in found] == [("mine", "a directory")]
    assert hub.asked == []


def test_a_shape_that_transformers_lacks_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="embeddings of 128 beside a width of 256"):
        choose_models(("squeezebert-mini-mlm",), Sources(tmp_path / SOURCES))


def test_models_that_cannot_be(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / "empty").mkdir()
    sources = Sources(tmp_path / SOURCES)
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        choose_models((str(tmp_path / "empty"),), sources)
    with pytest.raises(CheckpointError, match="is no directory, and no name"):
        choose_models(("../no where",), sources)
    hub.put("models/other/squeezebert-uncased", hub.repositories[f"models/{SQUEEZE}", "main"])
    with pytest.raises(InvalidInputError, match="two models are called squeezebert-uncased"):
        choose_models((SQUEEZE, "other/squeezebert-uncased"), sources)
