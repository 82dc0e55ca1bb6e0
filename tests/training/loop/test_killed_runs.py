"""Runs killed with SIGKILL at any moment end with the weights of one that was left alone."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import random
import runpy
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from squeezebert.training.finetuning.finetune import finetune
from squeezebert.training.loop.resume import latest
from squeezebert.training.pretraining.pretrain import pretrain
from squeezebert.training.recipe.run import DistillationRecipe, FinetuneRecipe, PretrainRecipe

SCRIPT = str(Path(__file__).with_name("killed_run.py"))
TIMINGS = ("seconds", "tokens_per_second", "mfu")

# Children of a server that has imported torch but computed nothing: a second each, not ten.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "squeezebert.training.pretraining.pretrain",
        "squeezebert.training.finetuning.finetune",
        "torch._dynamo",
    ]
)


@pytest.fixture(scope="module")
def recipe(tiny_pretraining: PretrainRecipe) -> PretrainRecipe:
    """A checkpoint at every step, and sentence order: the most there is to restore."""
    return dataclasses.replace(
        tiny_pretraining,
        masking=dataclasses.replace(tiny_pretraining.masking, sentence_order=True),
        loop=dataclasses.replace(
            tiny_pretraining.loop, max_steps=24, evaluate_steps=10, checkpoint_minutes=0.0
        ),
    )


@pytest.fixture(scope="module")
def undisturbed(recipe: PretrainRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("undisturbed")
    finish(start(pretrain, recipe, output, resume=False))
    return output


def start(call: Callable[..., Any], recipe: Any, output: Path, *, resume: bool) -> BaseProcess:
    process = PROCESSES.Process(target=call, args=(recipe, output, resume))
    process.start()
    return process


def finish(process: BaseProcess) -> None:
    process.join(timeout=120)
    assert process.exitcode == 0


def kill_at_step(process: BaseProcess, output: Path, step: int) -> None:
    """Kills the run once the checkpoint of ``step`` or a later one is there."""
    deadline = time.monotonic() + 120
    while process.is_alive():
        newest = latest(output / "checkpoints")
        if newest is not None and int(newest.name.removeprefix("step-")) >= step:
            break
        assert time.monotonic() < deadline
        time.sleep(0.0005)
    process.kill()
    process.join()


def metrics(output: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMINGS} for line in lines]


def assert_same(output: Path, undisturbed: Path) -> None:
    weights = (output / "model.safetensors").read_bytes()
    assert weights == (undisturbed / "model.safetensors").read_bytes()
    assert metrics(output) == metrics(undisturbed)
    assert not (output / "checkpoints").exists()


def assert_kills_change_nothing(
    call: Callable[..., Any], recipe: Any, tmp_path: Path, *, steps: tuple[int, ...]
) -> None:
    finish(start(call, recipe, tmp_path / "whole", resume=False))
    for step in steps:
        process = start(call, recipe, tmp_path / "killed", resume=True)
        kill_at_step(process, tmp_path / "killed", step)
        assert process.exitcode == -9
    finish(start(call, recipe, tmp_path / "killed", resume=True))
    assert_same(tmp_path / "killed", tmp_path / "whole")


def test_killed_at_random_steps(recipe: PretrainRecipe, undisturbed: Path, tmp_path: Path) -> None:
    draw = random.Random(0)
    killed = 0
    for step in sorted(draw.sample(range(1, 22), 3)):
        process = start(pretrain, recipe, tmp_path, resume=True)
        kill_at_step(process, tmp_path, step)
        killed += process.exitcode == -9
    assert killed >= 2
    finish(start(pretrain, recipe, tmp_path, resume=True))
    assert_same(tmp_path, undisturbed)


def test_killed_at_random_moments(
    recipe: PretrainRecipe, undisturbed: Path, tmp_path: Path
) -> None:
    draw = random.Random(1)
    for _ in range(8):
        process = start(pretrain, recipe, tmp_path, resume=True)
        process.join(timeout=draw.uniform(0.02, 0.5))
        process.kill()
        process.join()
    finish(start(pretrain, recipe, tmp_path, resume=True))
    assert_same(tmp_path, undisturbed)


@pytest.mark.parametrize(
    ("place", "after"),
    [
        ("in a weight file", 0),  # the first checkpoint: nothing to go back to
        ("in a weight file", 4),
        ("in a weight file", 9),
        ("before the files are flushed", 11),
        ("before the files are flushed", 17),
        ("before the old checkpoint goes", 6),
        ("while the old checkpoint goes", 7),
        ("while the old checkpoint goes", 8),
    ],
)
def test_killed_while_writing_a_checkpoint(
    place: str, after: int, recipe: PretrainRecipe, undisturbed: Path, tmp_path: Path
) -> None:
    for resume in (False, True):
        settings = {
            "call": pretrain,
            "recipe": recipe,
            "output": tmp_path,
            "resume": resume,
            "place": place,
            "after": after,
        }
        process = PROCESSES.Process(target=runpy.run_path, args=(SCRIPT, settings))
        process.start()
        process.join(timeout=120)
        assert process.exitcode == -9
        newest = latest(tmp_path / "checkpoints")
        if newest is not None:
            assert {file.name for file in newest.iterdir()} >= {
                "model.safetensors",
                "optimizer.safetensors",
                "state.json",
            }
            assert b"half a file" not in {file.read_bytes() for file in newest.iterdir()}
    finish(start(pretrain, recipe, tmp_path, resume=True))
    assert_same(tmp_path, undisturbed)


@pytest.mark.parametrize("name", ["adamw", "lamb", "muon"])
def test_killed_with_other_optimizers_on_a_ramp(
    name: str, recipe: PretrainRecipe, tmp_path: Path
) -> None:
    """Each optimizer has its own moments, and on a ramp a step does not tell its batches."""
    recipe = dataclasses.replace(
        recipe,
        masking=dataclasses.replace(recipe.masking, whole_words=True),
        optimizer=dataclasses.replace(recipe.optimizer, name=name, schedule="trapezoid"),
        loop=dataclasses.replace(recipe.loop, max_steps=16, accumulation=4, batch_ramp=0.6),
    )
    assert_kills_change_nothing(pretrain, recipe, tmp_path, steps=(2, 7))


def test_killed_fine_tuning(tiny_classification: FinetuneRecipe, tmp_path: Path) -> None:
    recipe = dataclasses.replace(
        tiny_classification,
        loop=dataclasses.replace(
            tiny_classification.loop, checkpoint_minutes=0.0, accumulation=2, token_budget=64
        ),
    )
    assert_kills_change_nothing(finetune, recipe, tmp_path, steps=(3, 11))
    for name in ("task.json", "training.json"):
        whole, killed = (
            json.loads((tmp_path / run / name).read_text()) for run in ("whole", "killed")
        )
        assert {**whole, "seconds": 0} == {**killed, "seconds": 0}


def test_killed_while_a_teacher_is_asked_once(
    tiny_classification: FinetuneRecipe, tmp_path: Path
) -> None:
    """Soft labels are not in the checkpoint: the teacher is asked anew, and says the same."""
    recipe = dataclasses.replace(
        tiny_classification,
        loop=dataclasses.replace(tiny_classification.loop, max_steps=24, checkpoint_minutes=0.0),
    )
    teacher = tmp_path / "teacher"
    finish(start(finetune, recipe, teacher, resume=False))
    recipe = dataclasses.replace(
        recipe,
        loop=dataclasses.replace(recipe.loop, seed=1),
        distillation=DistillationRecipe(teachers=(str(teacher),), task=0.5, logits=1.0),
    )
    assert_kills_change_nothing(finetune, recipe, tmp_path, steps=(3, 11))
