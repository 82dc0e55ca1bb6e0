"""A sequence's results in the engine are the same, bit for bit, in any company, in any order, on
any number of threads, in many threads at once and in a forked process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from squeezebert.batch import RaggedBatch
from squeezebert.config import SQUEEZEBERT_MINI, EncoderConfig, as_bert
from squeezebert.engine import PRECISIONS, Engine, available_isas

LENGTHS = (1, 2, 15, 17, 127, 511, 512, 64, 3, 33)

SHAPES = {
    "squeezebert": EncoderConfig(
        vocab_size=300,
        embedding_size=24,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=160,
    ),
    "bert": as_bert(
        EncoderConfig(
            vocab_size=300,
            embedding_size=44,
            hidden_size=44,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=100,
        )
    ),
}

every_isa = pytest.mark.parametrize("isa", available_isas())
every_shape = pytest.mark.parametrize("shape", SHAPES)
every_precision = pytest.mark.parametrize("precision", PRECISIONS)

MakeModel = Callable[..., object]
MakeBatch = Callable[..., RaggedBatch]


def encode(engine: Engine, batch: RaggedBatch) -> list[np.ndarray]:
    hidden = engine.encode(batch.input_ids, batch.cu_seqlens, batch.token_type_ids)
    return np.split(hidden, batch.cu_seqlens[1:-1])


def picked(batch: RaggedBatch, order: list[int]) -> RaggedBatch:
    """Some sequences of a batch, in the order given."""
    ids = np.split(batch.input_ids, batch.cu_seqlens[1:-1])
    types = np.split(batch.token_type_ids, batch.cu_seqlens[1:-1])
    ends = np.cumsum([0, *(len(ids[at]) for at in order)]).astype(np.int32)
    return RaggedBatch(
        np.concatenate([ids[at] for at in order]),
        ends,
        np.concatenate([types[at] for at in order]),
    )


def same(found: list[np.ndarray], expected: list[np.ndarray]) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(left.tobytes() == right.tobytes() for left, right in pairs)


@every_isa
@every_shape
@every_precision
def test_company_order_and_threads_change_no_bit(
    isa: str,
    shape: str,
    precision: str,
    random_model: MakeModel,
    ragged: MakeBatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SQUEEZEBERT_ISA", isa)
    saved = random_model(SHAPES[shape], "text_classification")
    batch = ragged(SHAPES[shape], LENGTHS)
    one = saved.engine(precision, threads=1)
    alone = [encode(one, picked(batch, [at]))[0] for at in range(len(LENGTHS))]
    order = [7, 0, 6, 2, 9, 4, 1, 8, 5, 3]
    for threads in (1, 2, 3, 4):
        engine = saved.engine(precision, threads=threads)
        assert engine.threads == threads
        assert same(encode(engine, batch), alone)
        assert same(encode(engine, picked(batch, order)), [alone[at] for at in order])
        pairs = engine.logits(*arrays(picked(batch, [6, 2])))
        assert pairs[1].tobytes() == one.logits(*arrays(picked(batch, [2])))[0].tobytes()
        means = engine.mean_pooled(*arrays(batch))
        assert means[5].tobytes() == one.mean_pooled(*arrays(picked(batch, [5])))[0].tobytes()


@every_isa
@every_precision
def test_the_best_tokens_are_the_same_in_any_company(
    isa: str,
    precision: str,
    random_model: MakeModel,
    ragged: MakeBatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SQUEEZEBERT_ISA", isa)
    saved = random_model(SQUEEZEBERT_MINI, "masked_lm")
    batch = ragged(SQUEEZEBERT_MINI, (5, 40, 9))
    alone = saved.engine(precision, threads=1).top_k(
        *arrays(picked(batch, [1])), positions=[7], k=5
    )
    together = saved.engine(precision, threads=3).top_k(
        *arrays(batch), positions=[*range(40), 12, 53], k=5
    )
    for left, right in zip(together, alone, strict=True):
        assert left[12].tobytes() == left[40].tobytes() == right[0].tobytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_many_threads_at_once_change_no_bit(
    threads: int, random_model: MakeModel, ragged: MakeBatch
) -> None:
    config = SHAPES["squeezebert"]
    engine = random_model(config, "token_classification").engine("int8", threads=threads)
    batches = [ragged(config, LENGTHS[at:] + LENGTHS[:at], seed=at) for at in range(8)]
    expected = [engine.logits(*arrays(batch)).tobytes() for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            found = pool.map(lambda batch: engine.logits(*arrays(batch)).tobytes(), batches)
            assert list(found) == expected


FORK = """
import os, sys, threading
import numpy as np
from squeezebert.engine import Engine
engine = Engine.load("squeezebert-mini-news", threads=2)
ids, ends = np.arange(5, 405, dtype=np.int32), np.array([0, 20, 300, 400], dtype=np.int32)
expected = engine.encode(ids, ends).tobytes()
for _ in range(3):
    child = os.fork()
    if child == 0:
        os._exit(0 if engine.encode(ids, ends).tobytes() == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert engine.encode(ids, ends).tobytes() == expected
"""


def test_a_forked_process_goes_on_with_the_engine() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr


def arrays(batch: RaggedBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return batch.input_ids, batch.cu_seqlens, batch.token_type_ids
