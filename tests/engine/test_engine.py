"""The engine's face: what it takes, what it refuses, what it tells."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from squeezebert import checkpoint
from squeezebert.cli.main import run
from squeezebert.config import EncoderConfig
from squeezebert.engine import PROJECTION_KINDS, Engine, available_isas, describe_precision
from squeezebert.errors import CheckpointError, ConfigError, InvalidInputError
from squeezebert.model import Encoder, HeadConfig, build_model, save_model

IDS = np.array([3, 1, 4, 1, 5], dtype=np.int32)
ENDS = np.array([0, 2, 5], dtype=np.int32)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory, tiny_config: EncoderConfig) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("engine") / "masked_lm"
    save_model(build_model(tiny_config, HeadConfig(kind="masked_lm")), path)
    return path


@pytest.fixture(scope="module")
def engine(directory: Path) -> Engine:
    return Engine.load(directory, precision="float32", threads=1)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory, tiny_config: EncoderConfig) -> Engine:
    path = tmp_path_factory.mktemp("engine") / "classifier"
    head = HeadConfig(kind="text_classification", labels=("a", "b", "c"))
    save_model(build_model(tiny_config, head), path)
    return Engine.load(path, threads=1)


# What it tells


def test_it_tells_what_it_is(engine: Engine, tiny_config: EncoderConfig) -> None:
    assert dataclasses.replace(engine.config, initializer_range=0.02) == tiny_config
    assert engine.head == "masked_lm"
    assert engine.threads == 1
    assert engine.isa in available_isas()
    assert engine.precision == dict.fromkeys(PROJECTION_KINDS, "float32")
    assert describe_precision(engine.precision) == "float32"


def test_all_usable_cores_unless_said_otherwise(directory: Path) -> None:
    assert Engine.load(directory).threads >= 1
    assert Engine.load(directory, threads=3).threads == 3


def test_the_environment_chooses_the_instruction_set(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUEEZEBERT_ISA", "portable")
    assert Engine.load(directory).isa == "portable"
    monkeypatch.setenv("SQUEEZEBERT_ISA", "mmx")
    with pytest.raises(InvalidInputError, match=r'SQUEEZEBERT_ISA is "mmx".*expected one of') as e:
        Engine.load(directory)
    assert e.value.hint == "unset it to use the best"


def test_shipped_models_go_by_name() -> None:
    assert Engine.load("squeezebert-mini-ner", threads=1).head == "token_classification"


def test_a_profile_adds_up_to_something(engine: Engine) -> None:
    seconds = engine.profile(IDS, ENDS)
    assert {"embeddings", "attention", "output"} < set(seconds)
    assert all(value >= 0.0 for value in seconds.values())
    assert sum(seconds.values()) > 0.0


# What it takes


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array: np.ndarray) -> np.ndarray:
    return np.frombuffer(b"x" + array.tobytes(), dtype=array.dtype, offset=1)


@pytest.mark.parametrize("dtype", ["i4", ">i4", "i8", ">i8", "u1", "u2", ">u2", "u4", "u8", ">u8"])
@pytest.mark.parametrize(
    "lay",
    [
        lambda array: array,
        lambda array: np.repeat(array, 2)[::2],
        lambda array: array[::-1].copy()[::-1],
        read_only,
        lambda array: read_only(np.repeat(array, 3))[::3],
        unaligned,
        np.ma.masked_array,
        memoryview,
    ],
    ids=["plain", "strided", "backward", "read-only", "both", "unaligned", "masked", "memoryview"],
)
def test_whole_numbers_of_any_kind_do(
    engine: Engine, dtype: str, lay: Callable[[np.ndarray], Any]
) -> None:
    types, places = np.zeros_like(IDS), np.array([4, 0, 2])
    expected = engine.logits(IDS, ENDS, types, positions=places)
    given = [lay(array.astype(dtype)) for array in (IDS, ENDS, types, places)]
    received = engine.logits(*given[:3], positions=given[3])
    assert received.tobytes() == expected.tobytes()


def test_lists_do(engine: Engine) -> None:
    expected = engine.encode(IDS, ENDS, np.zeros_like(IDS))
    assert np.array_equal(engine.encode(IDS.tolist(), ENDS.tolist(), [0] * len(IDS)), expected)


def test_a_stretched_array_does(engine: Engine) -> None:
    """One number in memory, five in the array."""
    ids = np.broadcast_to(np.int32(7), 5)
    assert np.array_equal(engine.encode(ids, ENDS), engine.encode([7] * 5, ENDS))


def test_results_are_the_callers_own(engine: Engine) -> None:
    first = engine.encode(IDS, ENDS)
    kept = first.copy()
    first[:] = 7.0
    assert np.array_equal(engine.encode(IDS, ENDS), kept)
    assert first.flags.writeable


def test_results_outlive_the_engine(directory: Path) -> None:
    hidden = Engine.load(directory, threads=2).encode(IDS, ENDS)
    kept = hidden.copy()
    assert np.array_equal(hidden, kept)


def test_no_sequences_give_no_rows(engine: Engine, classifier: Engine) -> None:
    width, vocab_size = engine.config.hidden_size, engine.config.vocab_size
    assert engine.encode([], [0]).shape == (0, width)
    assert engine.mean_pooled([], [0]).shape == (0, width)
    assert engine.logits([], [0]).shape == (0, vocab_size)
    assert classifier.logits([], [0]).shape == (0, 3)
    assert sum(engine.profile([], [0]).values()) == 0.0


def test_no_positions_give_no_rows(engine: Engine) -> None:
    assert engine.logits(IDS, ENDS, positions=[]).shape == (0, engine.config.vocab_size)
    found = engine.top_k(IDS, ENDS, positions=[], k=3)
    assert [part.shape for part in found] == [(0, 3), (0, 3), (0,)]


# What it refuses

TOO_LONG = np.zeros(65, dtype=np.int32)

MALFORMED: list[tuple[list[Any], str]] = [
    ([IDS, []], "cu_seqlens is empty"),
    ([IDS, [0, 2]], "cu_seqlens ends with 2, but there are 5 input_ids"),
    ([IDS, [0, 6]], "cu_seqlens ends with 6, but there are 5 input_ids"),
    ([IDS, [5]], "cu_seqlens begins with 5, expected 0"),
    ([IDS, [1, 5]], "cu_seqlens begins with 1, expected 0"),
    ([IDS, [-1, 5]], "cu_seqlens begins with -1, expected 0"),
    ([IDS, [0, 4, 2, 5]], "sequence 1 has -2 tokens"),
    ([IDS, [0, 9, 5]], "sequence 1 has -4 tokens"),
    ([IDS, [0, -3, 5]], "sequence 0 has -3 tokens"),
    ([IDS, [0, -(2**31), 2**31 - 1, 5]], "sequence 0 has -2147483648 tokens"),
    ([IDS, [0, 2, 2, 5]], "sequence 1 has 0 tokens, but the model takes 1 to 64"),
    ([[], [0, 0]], "sequence 0 has 0 tokens"),
    ([TOO_LONG, [0, 65]], "sequence 0 has 65 tokens, but the model takes 1 to 64"),
    ([[3, -1], [0, 2]], r"input_ids\[1\] is -1"),
    ([[2000, 3], [0, 2]], r"input_ids\[0\] is 2000, but the model has embeddings for 0 to"),
    ([[2**31, 3], [0, 2]], "input_ids holds 2147483648, which int32 cannot hold"),
    ([[-(2**40), 3], [0, 2]], "input_ids holds -1099511627776, which int32 cannot hold"),
    ([IDS, [0, 2**32 + 5]], "cu_seqlens holds 4294967301, which int32 cannot hold"),
    ([IDS, ENDS, [0, 0, 0, 0]], "there are 4 token_type_ids, but 5 input_ids"),
    ([IDS, ENDS, [0, 0, 2, 0, 0]], r"token_type_ids\[2\] is 2, but the model has types 0 to 1"),
    ([IDS, ENDS, [0, 0, -1, 0, 0]], r"token_type_ids\[2\] is -1"),
    ([IDS.astype(float), ENDS], "input_ids is an array of float64 with shape"),
    ([IDS.astype(bool), ENDS], "input_ids is an array of bool"),
    ([IDS.astype(complex), ENDS], "input_ids is an array of complex"),
    ([["3", "1"], [0, 2]], "input_ids is an array of <U1"),
    ([[None, 1], [0, 2]], "input_ids is an array of object"),
    ([[2**70, 1], [0, 2]], "input_ids is an array of object"),
    ([[[1], [2, 3]], [0, 2]], "input_ids cannot be read as an array: .*inhomogeneous"),
    ([IDS[None], ENDS], r"input_ids is an array of int32 with shape \(1, 5\)"),
    ([np.int32(3), [0, 1]], r"input_ids is an array of int32 with shape \(\)"),
    ([np.zeros((0, 4), np.int32), [0]], r"shape \(0, 4\)"),
    ([IDS, ENDS[None]], "cu_seqlens is an array of int32 with shape"),
    ([IDS, ENDS, IDS[None]], "token_type_ids is an array of int32 with shape"),
]


@pytest.mark.parametrize("call", ["encode", "logits", "mean_pooled", "profile"])
@pytest.mark.parametrize(("given", "message"), MALFORMED)
def test_malformed_batches_are_refused(
    engine: Engine, call: str, given: list[Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        getattr(engine, call)(*given)
    # And it is none the worse for it.
    assert np.isfinite(engine.encode(IDS, ENDS)).all()


@pytest.mark.parametrize("position", [-1, 5, 2**62, -(2**63)])
def test_positions_out_of_range_are_refused(engine: Engine, position: int) -> None:
    with pytest.raises(InvalidInputError, match=rf"positions\[1\] is {position}, .* 0 to 4"):
        engine.logits(IDS, ENDS, positions=[0, position])
    with pytest.raises(InvalidInputError, match=rf"positions\[1\] is {position}, .* 0 to 4"):
        engine.top_k(IDS, ENDS, positions=[0, position], k=1)


def test_other_positions_are_refused(engine: Engine, classifier: Engine) -> None:
    with pytest.raises(InvalidInputError, match="positions is an array of float64"):
        engine.logits(IDS, ENDS, positions=[0.5])
    with pytest.raises(InvalidInputError, match="positions holds 9223372036854775808"):
        engine.logits(IDS, ENDS, positions=np.array([2**63], dtype=np.uint64))
    with pytest.raises(InvalidInputError, match="the model's is text_classification"):
        classifier.logits(IDS, ENDS, positions=[0])
    with pytest.raises(InvalidInputError, match="masked"):
        classifier.top_k(IDS, ENDS, positions=[0], k=1)
    with pytest.raises(InvalidInputError, match=r"positions\[0\] is 0"):
        engine.logits([], [0], positions=[0])


@pytest.mark.parametrize("k", [0, -1, 1000, 2**40])
def test_k_out_of_range_is_refused(engine: Engine, k: int) -> None:
    with pytest.raises(InvalidInputError, match=f"k is {k}, expected 1 to the vocabulary's size"):
        engine.top_k(IDS, ENDS, positions=[0], k=k)


def test_a_bare_encoder_has_no_logits(tiny_config: EncoderConfig, tmp_path: Path) -> None:
    save_model(Encoder(tiny_config), tmp_path)
    engine = Engine.load(tmp_path)
    assert engine.head is None
    with pytest.raises(InvalidInputError, match="no head"):
        engine.logits(IDS, ENDS)
    with pytest.raises(InvalidInputError, match="head"):
        engine.top_k(IDS, ENDS, positions=[0], k=1)


@pytest.mark.parametrize("threads", [0, -2])
def test_no_threads_are_refused(directory: Path, threads: int) -> None:
    with pytest.raises(InvalidInputError, match=f"threads is {threads}, expected 1 or more"):
        Engine.load(directory, threads=threads)


def test_too_many_threads_are_refused(directory: Path) -> None:
    with pytest.raises(InvalidInputError, match="threads is 1000000"):
        Engine.load(directory, threads=1_000_000)


def test_unknown_precisions_and_projections_are_refused(directory: Path) -> None:
    with pytest.raises(InvalidInputError, match="no precision is called 'int4'") as caught:
        Engine.load(directory, precision="int4")
    assert "int8, bf16, float32" in str(caught.value.hint)
    with pytest.raises(InvalidInputError, match="no projection is called 'pooler'") as caught:
        Engine.load(directory, precision={"pooler": "int8"})
    assert "query, key, value" in str(caught.value.hint)


def test_directories_that_are_none_are_refused(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        Engine.load(tmp_path)
    (tmp_path / checkpoint.CONFIG).write_text((directory / checkpoint.CONFIG).read_text())
    with pytest.raises(CheckpointError, match=r"there is no model\.safetensors"):
        Engine.load(tmp_path)
    (tmp_path / checkpoint.WEIGHTS).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        Engine.load(tmp_path, precision="float32")
    config = json.loads((directory / checkpoint.CONFIG).read_text())
    (tmp_path / checkpoint.CONFIG).write_text(json.dumps(config | {"num_attention_heads": 5}))
    with pytest.raises(ConfigError, match="num_attention_heads is 5"):
        Engine.load(tmp_path, precision="float32")


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode elsewhere")
def test_a_directory_whose_name_is_no_text(directory: Path, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xf6del\x1b"))
    try:
        odd.mkdir()
    except OSError:
        pytest.skip("this file system takes no such names")
    for path in directory.iterdir():
        (odd / path.name).write_bytes(path.read_bytes())
    assert Engine.load(odd).head == "masked_lm"
    (odd / checkpoint.WEIGHTS).write_bytes(b"12345678")
    with pytest.raises(
        CheckpointError, match=r"m\\xf6del\\x1b/model.safetensors is not a readable"
    ):
        Engine.load(odd)


def test_an_old_pickle_is_converted_as_the_hint_says(directory: Path, tmp_path: Path) -> None:
    (tmp_path / checkpoint.CONFIG).write_text((directory / checkpoint.CONFIG).read_text())
    tensors = checkpoint.read_tensors(directory)
    torch.save(
        {name: torch.from_numpy(value) for name, value in tensors.items()},
        tmp_path / "pytorch_model.bin",
    )
    with pytest.raises(CheckpointError, match=r"there is no model\.safetensors") as caught:
        Engine.load(tmp_path)
    command = str(caught.value.hint).partition(": squeezebert ")[2]
    new = tmp_path / "new"
    assert run(command.replace("NEW", str(new)).split()) == 0
    exact = Engine.load(directory, precision="float32").encode(IDS, ENDS)
    # Half an int8 step of weights that are 0.02 large.
    np.testing.assert_allclose(Engine.load(new).encode(IDS, ENDS), exact, rtol=0, atol=0.05)


def test_it_needs_no_torch() -> None:
    code = """
import sys
sys.modules["torch"] = sys.modules["transformers"] = None
from squeezebert.engine import Engine
print(Engine.load("squeezebert-mini-news").encode([2, 5, 3], [0, 3]).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.stdout.strip() == "(3, 256)", done.stderr
