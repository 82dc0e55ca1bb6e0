from __future__ import annotations

import dataclasses
import io
import json
import sys
from pathlib import Path

import pytest

from squeezebert.comparison import memory
from squeezebert.comparison.memory import Probe, peak_memory_mb
from squeezebert.errors import SqueezeBertError


@pytest.fixture
def probe(tiny_models: dict[str, Path]) -> Probe:
    return Probe(
        model=str(tiny_models["bert-text_classification"]),
        backend="torch",
        precision="auto",
        threads=1,
        batch_tokens=64,
        texts=["the cat", ("a pair", "of texts")],
    )


def test_a_process_of_its_own_is_measured(probe: Probe) -> None:
    alone = peak_memory_mb(probe)
    # However much this process holds, the other one's memory is its own.
    ballast = b"x" * 400_000_000
    beside_much = peak_memory_mb(probe)
    assert len(ballast) == 400_000_000
    assert alone is not None
    assert beside_much is not None
    assert 20 < alone < beside_much + 200 < alone + 400


def test_what_goes_wrong_there_is_told_here(probe: Probe, tmp_path: Path) -> None:
    with pytest.raises(SqueezeBertError, match=r"gone under torch: .*no model"):
        peak_memory_mb(dataclasses.replace(probe, model=str(tmp_path / "gone")))


def test_a_process_that_dies_is_told_too(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "__name__", "squeezebert.no_such_module")
    with pytest.raises(SqueezeBertError, match=r"breaks down in a process of its own: .*no_such"):
        peak_memory_mb(probe)


def test_the_other_process_prints_one_line_of_json(
    probe: Probe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(dataclasses.asdict(probe))))
    memory.main()
    assert json.loads(capsys.readouterr().out)["peak_memory_mb"] > 0
