"""Several processes, as torchrun and `accelerate launch` start them, train like one."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from squeezebert.training.finetuning.finetune import finetune
from squeezebert.training.recipe.file import save_recipe
from squeezebert.training.recipe.run import FinetuneRecipe

pytestmark = pytest.mark.slow

TORCHRUN = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
ACCELERATE = ["accelerate.commands.launch", "--num_machines", "1", "--num_processes", "2"]
ACCELERATE += ["--mixed_precision", "no", "--dynamo_backend", "no"]


def launch(
    launcher: list[str], recipe: FinetuneRecipe, output: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    file = output.with_suffix(".toml")
    save_recipe(recipe, file)
    words = ["train", recipe.task, "--recipe", str(file), "--output", str(output)]
    return subprocess.run(
        [sys.executable, "-m", *launcher, "-m", "squeezebert", *words, *more],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def lines(output: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def recipe(tiny_classification: FinetuneRecipe) -> FinetuneRecipe:
    loop = dataclasses.replace(
        tiny_classification.loop, epochs=1.0, max_steps=6, batch_size=4, log_steps=1
    )
    return dataclasses.replace(tiny_classification, loop=loop)


@pytest.mark.parametrize(
    "launcher", [TORCHRUN, [*ACCELERATE, "--multi_gpu"]], ids=["torchrun", "accelerate"]
)
def test_two_processes_have_the_losses_of_one(
    launcher: list[str], recipe: FinetuneRecipe, tmp_path: Path
) -> None:
    alone = dataclasses.replace(recipe, loop=dataclasses.replace(recipe.loop, accumulation=2))
    finetune(alone, tmp_path / "alone")
    done = launch(launcher, recipe, tmp_path / "two")
    assert done.returncode == 0, done.stderr
    assert "2 processes" in done.stderr
    assert done.stdout.count(str(tmp_path / "two")) == 1  # one of them talks
    one, two = lines(tmp_path / "alone"), lines(tmp_path / "two")
    assert len([line for line in one if line["kind"] == "train"]) == 6
    for a, b in zip(one, two, strict=True):
        assert a["step"] == b["step"]
        for score in a.keys() & {"loss", "accuracy", "grad_norm"}:
            assert a[score] == pytest.approx(b[score], rel=1e-4)
    weights, others = (load_file(tmp_path / run / "model.safetensors") for run in ("alone", "two"))
    for name, weight in weights.items():
        assert others[name] == pytest.approx(weight, abs=1e-5, rel=1e-4)


def test_another_number_of_processes_is_refused_by_name(
    recipe: FinetuneRecipe, tmp_path: Path
) -> None:
    loop = dataclasses.replace(recipe.loop, max_minutes=1e-6)
    stopped = finetune(dataclasses.replace(recipe, loop=loop), tmp_path / "run")
    assert stopped.stopped == "max_minutes"
    done = launch(TORCHRUN, recipe, tmp_path / "run", "--resume")
    assert done.returncode != 0
    assert "processes: 1 when " in done.stderr
    # One process goes on with it.
    assert finetune(recipe, tmp_path / "run", resume=True).steps == 6


def test_one_process_instead_of_several_is_refused(recipe: FinetuneRecipe, tmp_path: Path) -> None:
    done = launch([*ACCELERATE, "--cpu"], recipe, tmp_path / "run")
    assert done.returncode != 0
    assert "asked for several processes, but started one" in done.stderr
