"""How long things take, in words; and how large a set is."""

from __future__ import annotations

from pathlib import Path

import pytest

from squeezebert.config import EncoderConfig
from squeezebert.errors import ConfigError, InvalidInputError
from squeezebert.spec import TASK_NAMES, TaskName
from squeezebert.study import StudySettings
from squeezebert.study.hub import HubFile, Repository
from squeezebert.study.pace import measure_pace
from squeezebert.study.plan import size_of
from squeezebert.study.published import PROTOCOLS, ROWS
from squeezebert.study.sets import USUAL, ChosenSet


@pytest.mark.parametrize("task", TASK_NAMES)
def test_a_step_is_measured_without_touching_anything(
    tiny_config: EncoderConfig, task: TaskName
) -> None:
    import torch

    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    pace = measure_pace(tiny_config, task, 1000, threads=1)
    assert pace.training > 0
    assert pace.answering > 0
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


def chosen(**fields: object) -> ChosenSet:
    given: dict[str, object] = {
        "name": "set",
        "title": "Set",
        "task": "text_classification",
        "origin": "here",
        "path": "sample_news",
    }
    return ChosenSet(**(given | fields))  # pyright: ignore[reportArgumentType]


def test_a_set_that_is_here_is_counted() -> None:
    size = size_of(chosen())
    assert (size.train, size.test) == (1922, 150)
    assert 30 < size.tokens < 90


def test_a_set_on_the_hub_is_reckoned() -> None:
    repository = Repository(kind="dataset", name="a/b", revision="main", commit="0", files=())
    away = {"path": "/nowhere", "repository": repository}
    file = HubFile(path="train.csv", size=5_000_000, digest="git:0")
    by_bytes = size_of(chosen(**away, parts=(("train", (file,)),)))
    assert (by_bytes.train, by_bytes.test) == (8000, 1000)
    usual = size_of(chosen(**away, typical=(7, 8, 9)))
    assert (usual.train, usual.test, usual.tokens) == (7, 8, 9)


@pytest.mark.parametrize("task", TASK_NAMES)
def test_the_recipes_load_and_train_as_the_study_did(task: TaskName) -> None:
    settings = StudySettings(output=Path("out"))
    recipe = settings.recipe(task, start="a", data="b", seed=3)
    assert (recipe.model.start, recipe.data.train[0].path, recipe.loop.seed) == ("a", "b", 3)
    assert recipe.optimizer.learning_rate == 2e-5
    assert recipe.loop.batch_size == 16
    assert recipe.loop.epochs == (2 if task == "masked_lm" else 3)
    assert recipe.max_length >= PROTOCOLS[task].length
    quick = StudySettings(output=Path("out"), quick=True, overrides={"loop.batch_size": "2"})
    found = quick.recipe(task, start="a", data="b", seed=0)
    assert (found.loop.max_steps, found.loop.batch_size) == (40, 2)


def test_every_task_has_its_row_and_its_sets() -> None:
    assert set(ROWS) == set(PROTOCOLS) == set(TASK_NAMES) == {usual.task for usual in USUAL}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seeds": 0}, "seeds is 0, expected 1 or more"),
        ({"limit": -1}, "limit is -1"),
        ({"models": ()}, "a study needs models"),
        ({"models": ("a", "a")}, "models names 'a' twice"),
        ({"tasks": ("masked_lm", "masked_lm")}, "tasks names 'masked_lm' twice"),
    ],
)
def test_settings_that_cannot_be(given: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        StudySettings(output=Path("out"), **given)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["data.train", "model.start", "loop.seed", "task"])
def test_what_a_study_sets_itself(name: str) -> None:
    settings = StudySettings(output=Path("out"), overrides={name: "1"})
    with pytest.raises(ConfigError, match=f"{name} is set, which a study sets itself"):
        settings.recipe("masked_lm", start="a", data="b", seed=0)
