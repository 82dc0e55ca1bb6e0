"""A whole benchmark of a tiny model, in a second or two."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from squeezebert.benchmark import limits, turns
from squeezebert.benchmark.random_model import random_tensors, write_random_model
from squeezebert.benchmark.run import benchmark
from squeezebert.benchmark.schema import Benchmark
from squeezebert.config import EncoderConfig
from squeezebert.engine import available_isas
from squeezebert.errors import CheckpointError, InvalidInputError


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_config: EncoderConfig) -> Path:
    return write_random_model(tiny_config, tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def _few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that all there is to measure is soon done, however slow the machine is today."""
    monkeypatch.setattr(turns, "MOST_CALLS", 2)
    monkeypatch.setattr(turns, "TURN_S", 0.0)
    monkeypatch.setattr(limits, "LONGEST_S", 0.003)


PLENTY = 600.0
"""Seconds that are never needed."""


def measured(model: Path, **options: object) -> Benchmark:
    seen: list[str] = []
    found = benchmark(
        str(model),
        progress=lambda what, share: seen.append(what),
        **options,  # type: ignore[arg-type]
    )
    assert seen[0] == "loading the model"
    assert seen[-1] == "measuring"
    return found


def test_all_that_is_asked_for_is_measured(model: Path) -> None:
    isas = available_isas()
    found = measured(model, seconds=PLENTY, lengths=(8, 64), batches=(1, 2), threads=(1, 2))
    assert found.model == "tiny"
    assert found.isas == tuple(isas)
    assert not found.left_out
    main = [one for one in found.timings if one.setting.threads == 2]
    main = [one for one in main if one.setting.isa == isas[0]]
    assert {(one.batch, one.length) for one in main} == {(1, 8), (1, 64), (2, 64)}
    assert {one.setting.precision for one in main} == {"int8", "bf16", "float32"}
    settings = {(one.setting.isa, one.setting.threads) for one in found.timings}
    assert settings == {(isas[0], 1), *((isa, 2) for isa in isas)}
    for timing in found.timings:
        assert timing.calls >= 1
        assert 0 < timing.min_ms <= timing.median_ms
        assert timing.tokens_per_second > timing.texts_per_second > 0
        assert found.peak(timing.setting)


def test_stages_are_parts_of_a_call(model: Path) -> None:
    found = measured(model, seconds=PLENTY, isas=available_isas()[:1], precisions=("int8",))
    assert {stage.stage for stage in found.stages} >= {"attention", "output", "layer_norm"}
    shapes = {(stage.batch, stage.length) for stage in found.stages}
    assert (1, 64) in shapes  # the model has positions for no more
    for batch, length in shapes:
        own = [one for one in found.stages if (one.batch, one.length) == (batch, length)]
        assert sum(one.share for one in own) == pytest.approx(1.0)
        call = next(one for one in found.timings if (one.batch, one.length) == (batch, length))
        products = sum(one.giga_operations for one in own)
        assert products == pytest.approx(call.giga_operations)


def test_an_instruction_set_is_taken_for_the_benchmark_alone(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SQUEEZEBERT_ISA", raising=False)
    found = measured(
        model, seconds=PLENTY, isas=("portable",), precisions=("float32",), threads=(1,)
    )
    assert {one.setting.isa for one in found.timings} == {"portable"}
    assert "SQUEEZEBERT_ISA" not in os.environ


def test_little_time_leaves_out_and_says_what(model: Path) -> None:
    found = measured(model, seconds=1e-6)
    assert len(found.timings) == 1  # the first is measured whatever it takes
    assert found.left_out
    assert "in " in found.left_out[0]


def test_the_json_has_the_figures_too(model: Path) -> None:
    found = measured(model, seconds=PLENTY, precisions=("int8",), threads=(1,), batches=(1,))
    content = json.loads(found.to_json())
    assert content["schema"] == 1
    assert content["shape"]["hidden_size"] == 32
    timing = content["timings"][0]
    assert timing["setting"]["precision"] == "int8"
    assert timing["tokens_per_second"] == pytest.approx(found.timings[0].tokens_per_second)
    assert content["peaks"][0]["giga_operations_per_second"] > 0
    assert content["machine"]["cores"] >= 1


def test_a_mixture_that_the_model_takes_by_itself_is_measured_too(
    tmp_path: Path, tiny_bert_config: EncoderConfig
) -> None:
    tensors = random_tensors(tiny_bert_config)
    tensors["encoder.layer.0.output.LayerNorm.weight"][7] *= 40
    model = write_random_model(tiny_bert_config, tmp_path / "bert", tensors=tensors)
    found = measured(model, seconds=PLENTY, isas=("portable",), threads=(1,), lengths=(8,))
    names = {one.setting.precision for one in found.timings}
    assert len(names) == 4
    assert names > {"int8", "bf16", "float32"}
    mixed = next(one.setting for one in found.timings if "," in one.setting.precision)
    assert mixed.main_precision in ("int8", "bf16")
    assert found.peak(mixed)


def test_what_cannot_be_is_refused(model: Path) -> None:
    with pytest.raises(CheckpointError, match="no model is called"):
        measured(Path("no such model"), seconds=PLENTY)
    with pytest.raises(InvalidInputError, match="no shape is left"):
        measured(model, seconds=PLENTY, lengths=(128,), batches=())
    with pytest.raises(InvalidInputError, match="SQUEEZEBERT_ISA"):
        measured(model, seconds=PLENTY, isas=("sse9",))
