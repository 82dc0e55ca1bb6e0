"""Kills inside a checkpoint are in ``test_resume``; here is what a checkpoint holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from squeezebert.errors import CheckpointError
from squeezebert.training.loop import resume as checkpoints
from squeezebert.training.loop.resume import (
    LoopState,
    clean,
    latest,
    read_best,
    read_checkpoint,
    write_checkpoint,
)

STATE = LoopState(
    step=7,
    tokens=700,
    seconds=1.5,
    loss_sum=0.1,
    loss_targets=3,
    best_score=0.3333333333333333,
    best_step=4,
    best_values={"accuracy": 0.3333333333333333},
    evaluations_since_best=2,
    data_key="abc",
)
WEIGHTS = {"a": torch.randn(3, 4), "b": torch.randn(5)}
MOMENTS = {"a/exp_avg": torch.randn(3, 4), "a/step": torch.tensor(7.0)}


def write(
    folder: Path, step: int, *, is_best: bool = False, model: dict[str, torch.Tensor] = WEIGHTS
) -> Path:
    state = LoopState(step=step)
    return write_checkpoint(folder, state, model=model, optimizer=MOMENTS, is_best=is_best)


def test_all_of_it_comes_back(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, STATE, model=WEIGHTS, optimizer=MOMENTS, is_best=False)
    newest = latest(tmp_path)
    assert newest is not None
    found = read_checkpoint(newest)
    assert found.state == STATE
    assert found.model.keys() == WEIGHTS.keys()
    assert all(found.model[name].equal(value) for name, value in WEIGHTS.items())
    assert all(found.optimizer[name].equal(value) for name, value in MOMENTS.items())
    assert read_best(newest) is None


def test_only_the_newest_stays(tmp_path: Path) -> None:
    for step in (5, 9, 12):
        write(tmp_path, step)
    assert [entry.name for entry in tmp_path.iterdir()] == ["step-00000012"]


def test_the_best_weights_are_handed_on(tmp_path: Path) -> None:
    best = {name: value + 1 for name, value in WEIGHTS.items()}
    write(tmp_path, 5, is_best=True, model=best)
    kept = read_best(write(tmp_path, 6))
    assert kept is not None
    assert all(kept[name].equal(value) for name, value in best.items())


def test_the_best_weights_are_handed_on_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(checkpoints.os, "link", refuse)
    write(tmp_path, 5, is_best=True)
    assert read_best(write(tmp_path, 6)) is not None


def test_a_step_is_written_again(tmp_path: Path) -> None:
    write(tmp_path, 5, is_best=True)
    again = write(tmp_path, 5)
    assert [entry.name for entry in tmp_path.iterdir()] == [again.name]
    assert read_best(again) is not None


def test_leftovers_are_no_checkpoints(tmp_path: Path) -> None:
    for name in (".writing-step-00000009", ".old-step-00000003", "step-9", "other"):
        (tmp_path / name).mkdir()
    assert latest(tmp_path) is None
    write(tmp_path, 4)
    clean(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"step-00000004", "step-9", "other"}
    assert latest(tmp_path / "none") is None


def test_damage_is_named(tmp_path: Path) -> None:
    checkpoint = write(tmp_path, 5)
    (checkpoint / "model.safetensors").write_bytes(b"half")
    with pytest.raises(CheckpointError, match=r"cannot read the checkpoint .*step-00000005"):
        read_checkpoint(checkpoint)
    checkpoint = write(tmp_path, 6)
    content = json.loads((checkpoint / "state.json").read_text())
    (checkpoint / "state.json").write_text(json.dumps({**content, "format": 99}))
    with pytest.raises(CheckpointError, match="another version"):
        read_checkpoint(checkpoint)
    (checkpoint / "state.json").write_text(json.dumps({**content, "surprise": 1}))
    with pytest.raises(CheckpointError, match="surprise"):
        read_checkpoint(checkpoint)
    (checkpoint / "state.json").unlink()
    with pytest.raises(CheckpointError, match="cannot read"):
        read_checkpoint(checkpoint)
