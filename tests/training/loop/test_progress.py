from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from squeezebert.training.loop import progress as room
from squeezebert.training.loop.progress import Metrics, Throughput, truncate_metrics


def metrics(output: Path, *, step: int = 0, **changes: object) -> Metrics:
    settings = {"title": "test", "log_seconds": 0.0, "tensorboard": False, "active": True}
    return Metrics(output, step=step, **{**settings, **changes})  # type: ignore[arg-type]


def lines(output: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def test_lines_after_the_resumed_step_are_dropped(tmp_path: Path) -> None:
    with metrics(tmp_path) as first:
        for step in (2, 4, 6):
            first.write(step, "train", {"loss": step / 2})
        first.write(6, "dev", {"accuracy": 0.5})
    with metrics(tmp_path, step=4) as second:
        second.write(6, "train", {"loss": 30.0})
    assert lines(tmp_path) == [
        {"step": 2, "kind": "train", "loss": 1.0},
        {"step": 4, "kind": "train", "loss": 2.0},
        {"step": 6, "kind": "train", "loss": 30.0},
    ]


def test_a_line_cut_short_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "kind": "train"}\n{"step": 2, "ki')
    truncate_metrics(path, 10)
    assert lines(tmp_path) == [{"step": 1, "kind": "train"}]
    truncate_metrics(tmp_path / "none.jsonl", 10)
    assert not (tmp_path / "none.jsonl").exists()


def test_progress_lines_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with metrics(tmp_path) as shown:
        shown.show(0.25, "step 1  loss 2.0")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "test  25.0%  step 1  loss 2.0\n"
    with metrics(tmp_path, log_seconds=1e6) as rare:
        for step in range(5):
            rare.show(0.1, f"step {step}")
    assert capsys.readouterr().err == "test  10.0%  step 0\n"


def test_a_bar_on_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes stderr for a terminal then
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with metrics(tmp_path) as shown:
        shown.show(0.5, "loss 2.0")
    assert "50%" in capsys.readouterr().err


def test_other_processes_say_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with metrics(tmp_path / "output", active=False) as silent:
        silent.write(1, "train", {"loss": 1.0})
        silent.show(0.5, "status")
        silent.say("hello")
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "output").exists()


def test_tensorboard_that_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with metrics(tmp_path, tensorboard=True) as written:
        written.write(3, "train", {"loss": 0.25})
    assert "tensorboard is not installed" in capsys.readouterr().err
    assert lines(tmp_path) == [{"step": 3, "kind": "train", "loss": 0.25}]


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    with metrics(tmp_path, tensorboard=True) as written:
        written.write(3, "train", {"loss": 0.25})
    [file] = (tmp_path / "tensorboard").iterdir()
    assert b"train/loss" in file.read_bytes()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still unless its only entry is changed."""
    now = [100.0]
    monkeypatch.setattr(room.time, "monotonic", lambda: now[0])
    return now


def test_pace_and_utilization_since_the_last_reading(clock: list[float]) -> None:
    pace = Throughput(flops_per_token=2e6, peak=1e9, tokens=1000)
    clock[0] += 10
    # 50 tokens a second, three times 2 MFLOP each, of 1,000 MFLOP/s.
    assert pace.read(1500) == {"tokens_per_second": 50.0, "mfu": 0.3}
    clock[0] += 4
    with pace.paused():
        clock[0] += 60
    clock[0] += 6
    assert pace.read(1600) == {"tokens_per_second": 10.0, "mfu": 0.06}


def test_a_small_share_of_a_fast_machine_is_not_rounded_away(clock: list[float]) -> None:
    pace = Throughput(flops_per_token=1e3, peak=1e15, tokens=0)
    clock[0] += 3000
    # 1/30 of a token a second, three times 1,000 FLOP each, of 10¹⁵ FLOP/s.
    assert pace.read(100) == {"tokens_per_second": 0.0333333, "mfu": 1e-13}


@pytest.mark.parametrize(("flops", "peak"), [(0.0, 1e9), (2e6, 0.0)])
def test_no_utilization_of_what_is_not_known(flops: float, peak: float, clock: list[float]) -> None:
    pace = Throughput(flops_per_token=flops, peak=peak, tokens=0)
    clock[0] += 2
    assert pace.read(100) == {"tokens_per_second": 50.0}
