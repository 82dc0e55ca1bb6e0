"""The native engine against our model in PyTorch: every instruction set that runs here, both model
types, every head, odd shapes, ragged batches, every precision.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from squeezebert.batch import RaggedBatch
from squeezebert.config import BERT_MINI, SQUEEZEBERT_MINI, EncoderConfig, as_bert
from squeezebert.engine import Engine, available_isas

LENGTHS = (1, 2, 15, 17, 127, 511, 512)
TOKENS = sum(LENGTHS)

SMALL = EncoderConfig(
    vocab_size=90,
    embedding_size=32,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
)
FAMILIES = {"squeezebert": SMALL, "bert": as_bert(SMALL)}
HEADS = (
    "masked_lm",
    "text_classification",
    "token_classification",
    "question_answering",
    "multiple_choice",
)

ODD_SHAPES = {
    "five groups of 12, heads of 20": dataclasses.replace(
        SMALL,
        embedding_size=60,
        hidden_size=60,
        num_attention_heads=3,
        intermediate_size=100,
        **dict.fromkeys(("q_groups", "k_groups", "v_groups"), 5),
        intermediate_groups=5,
        output_groups=5,
        post_attention_groups=5,
        hidden_act="gelu_new",
    ),
    "a bottleneck of 24": dataclasses.replace(
        SMALL,
        embedding_size=24,
        hidden_size=48,
        num_attention_heads=4,
        intermediate_size=96,
        type_vocab_size=3,
        hidden_act="relu",
    ),
    "every projection in groups of its own": dataclasses.replace(
        SMALL,
        vocab_size=1,
        embedding_size=40,
        hidden_size=40,
        num_attention_heads=5,
        intermediate_size=120,
        q_groups=1,
        k_groups=2,
        v_groups=4,
        post_attention_groups=8,
        intermediate_groups=10,
        output_groups=20,
        hidden_act="silu",
        layer_norm_eps=1e-3,
    ),
    "one head of width 1, one layer": dataclasses.replace(
        as_bert(SMALL),
        embedding_size=1,
        hidden_size=1,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=7,
        layer_norm_eps=0.5,
    ),
    "a dense one of prime sizes": dataclasses.replace(
        as_bert(SMALL),
        embedding_size=23,
        hidden_size=37,
        num_hidden_layers=3,
        num_attention_heads=1,
        intermediate_size=131,
        type_vocab_size=1,
    ),
    "wider than the engine's blocks": dataclasses.replace(
        SMALL,
        embedding_size=320,
        hidden_size=640,
        num_hidden_layers=1,
        num_attention_heads=5,
        intermediate_size=2000,
    ),
}

MINI = {"squeezebert": SQUEEZEBERT_MINI, "bert": BERT_MINI}

every_isa = pytest.mark.parametrize("isa", available_isas())
both_types = pytest.mark.parametrize("family", FAMILIES)

MakeBatch = Callable[..., RaggedBatch]


@pytest.fixture(autouse=True)
def chosen_isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that a test loads run on its ``isa``."""
    if "isa" in request.fixturenames:
        monkeypatch.setenv("SQUEEZEBERT_ISA", request.getfixturevalue("isa"))


def arrays(batch: RaggedBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return batch.input_ids, batch.cu_seqlens, batch.token_type_ids


# float32: the exact reference


@every_isa
@both_types
@pytest.mark.parametrize("kind", HEADS)
def test_every_head_in_float32(
    isa: str, family: str, kind: str, random_model: Callable[..., object], ragged: MakeBatch
) -> None:
    saved = random_model(FAMILIES[family], kind)
    batch = ragged(saved.model.config, LENGTHS)
    engine = saved.engine()
    assert (engine.isa, engine.head) == (isa, kind)
    logits = engine.logits(*arrays(batch))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, saved.logits(batch), rtol=0, atol=1e-4)


@every_isa
@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_odd_shapes_in_float32(
    isa: str, shape: str, random_model: Callable[..., object], ragged: MakeBatch
) -> None:
    saved = random_model(ODD_SHAPES[shape], "masked_lm")
    batch = ragged(saved.model.config, LENGTHS)
    engine = saved.engine(threads=2)
    hidden = engine.encode(*arrays(batch))
    assert hidden.shape == (TOKENS, saved.model.config.hidden_size)
    np.testing.assert_allclose(hidden, saved.hidden(batch), rtol=0, atol=1e-4)
    np.testing.assert_allclose(
        engine.logits(*arrays(batch)), saved.logits(batch), rtol=0, atol=1e-4
    )


@both_types
def test_an_encoder_without_a_head(
    family: str, random_model: Callable[..., object], ragged: MakeBatch
) -> None:
    saved = random_model(FAMILIES[family], None)
    batch = ragged(saved.model.config, LENGTHS)
    engine = saved.engine()
    assert engine.head is None
    np.testing.assert_allclose(
        engine.encode(*arrays(batch)), saved.hidden(batch), rtol=0, atol=1e-4
    )


def test_means_are_over_each_sequence(
    random_model: Callable[..., object], ragged: MakeBatch
) -> None:
    saved = random_model(SMALL, "masked_lm")
    batch = ragged(SMALL, LENGTHS)
    engine = saved.engine()
    expected = np.stack([part.mean(axis=0) for part in split(engine.encode(*arrays(batch)), batch)])
    np.testing.assert_allclose(engine.mean_pooled(*arrays(batch)), expected, rtol=0, atol=1e-5)


def test_token_types_count(random_model: Callable[..., object], ragged: MakeBatch) -> None:
    saved = random_model(SMALL, "masked_lm")
    batch = ragged(SMALL, (9,))
    engine = saved.engine()
    zeros = dataclasses.replace(batch, token_type_ids=np.zeros_like(batch.token_type_ids))
    without = engine.encode(batch.input_ids, batch.cu_seqlens)
    assert np.array_equal(without, engine.encode(*arrays(zeros)))
    assert not np.allclose(without, engine.encode(*arrays(batch)), atol=1e-3)


# The masked LM's positions and best tokens


@every_isa
@pytest.mark.parametrize("precision", ["float32", "bf16", "int8"])
def test_positions_in_any_order(
    isa: str, precision: str, random_model: Callable[..., object], ragged: MakeBatch
) -> None:
    """Twice the same, unsorted, more than a block of them."""
    saved = random_model(SMALL, "masked_lm")
    batch = ragged(SMALL, LENGTHS)
    engine = saved.engine(precision, threads=2)
    positions = np.array([TOKENS - 1, 0, 5, 5, 300, 2, 0], dtype=np.int64)
    positions = np.concatenate([positions, np.arange(200, 400)[::-1]])
    every = engine.logits(*arrays(batch))
    assert np.array_equal(engine.logits(*arrays(batch), positions=positions), every[positions])


@every_isa
@pytest.mark.parametrize("vocab_size", [3, 1024, 1025, 3000])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_best_tokens(
    isa: str,
    vocab_size: int,
    precision: str,
    random_model: Callable[..., object],
    ragged: MakeBatch,
) -> None:
    """Against all logits, sorted; a vocabulary is walked in parts of 1,024."""
    config = dataclasses.replace(SMALL, vocab_size=vocab_size)
    saved = random_model(config, "masked_lm")
    batch = ragged(config, (40, 3, 77))
    engine = saved.engine(precision, threads=2)
    positions = np.array([119, 0, 41, 41, *range(100)], dtype=np.int64)
    logits = engine.logits(*arrays(batch), positions=positions)
    for k in {1, 3, min(vocab_size, 40), min(vocab_size, 2000)}:
        found = engine.top_k(*arrays(batch), positions=positions, k=k)
        order = np.argsort(-logits, axis=1, kind="stable")[:, :k]
        assert np.array_equal(found.ids, order)
        assert np.array_equal(found.logits, np.take_along_axis(logits, order, axis=1))
        exact = np.log(np.exp(logits.astype(np.float64)).sum(axis=1))
        np.testing.assert_allclose(found.log_normalizers, exact, rtol=0, atol=1e-5)


# bf16 and int8: what rounding alone may do
#
# A product of rows x weights adds n terms. Rounding gives each factor an independent relative error
# of some root mean square r, so each term one of sqrt(2) r; terms and their errors add up alike, by
# root of squares, so the relative error of the sum (norm of the error over norm of the result) is
# sqrt(2) r as well, whatever n is.
#
# bf16 keeps 8 bits, a half step is at most 2^-9 of the number, and evenly spread over that half
# step: r = 2^-9 / sqrt(3).
# int8 has steps of the largest / 127, the error is evenly spread over half a step:
# r = (largest / rms) / 127 / sqrt(12). The largest of some hundred normal numbers is about 3 times
# their rms, of a GELU's output about 6 times: 4.5 in the mean of the two.
#
# A block has 6 products of rounded factors and attention's 2. Their errors add up by root of
# squares, over the blocks too: what a block adds to is normalised again, so an error stays as large
# as it was beside what it stands in. That a product is added to a state no smaller than itself
# makes its error smaller, and is left to make up for what softmax and GELU make larger.

ROUNDING = {"bf16": 2.0**-9 / math.sqrt(3), "int8": 4.5 / 127 / math.sqrt(12)}


def bound(precision: str, config: EncoderConfig) -> float:
    """Of the relative error of all hidden states together."""
    products = 8 * config.num_hidden_layers + config.has_bottleneck
    return math.sqrt(products) * math.sqrt(2) * ROUNDING[precision]


def relative_error(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@every_isa
@both_types
@pytest.mark.parametrize("precision", ["bf16", "int8"])
@pytest.mark.parametrize("spread", [0.0, 0.05], ids=["as initialised", "strong biases"])
def test_rounding_stays_within_its_bound(
    isa: str,
    family: str,
    precision: str,
    spread: float,
    random_model: Callable[..., object],
    ragged: MakeBatch,
) -> None:
    config = MINI[family]
    saved = random_model(config, None, spread)
    batch = ragged(config, LENGTHS)
    exact = saved.hidden(batch)
    error = relative_error(saved.engine(precision, threads=2).encode(*arrays(batch)), exact)
    assert error < bound(precision, config)
    # It was rounded, that is: float32 differs by far less.
    assert error > 1e-4


@every_isa
@pytest.mark.parametrize("precision", ["bf16", "int8"])
@pytest.mark.parametrize("shape", [name for name in ODD_SHAPES if "width 1" not in name])
def test_odd_shapes_are_rounded_no_worse(
    isa: str, precision: str, shape: str, random_model: Callable[..., object], ragged: MakeBatch
) -> None:
    config = ODD_SHAPES[shape]
    # So that a projection's results are about as large as what goes in.
    saved = random_model(config, None, 0.7 / math.sqrt(config.hidden_size))
    batch = ragged(config, LENGTHS)
    error = relative_error(saved.engine(precision).encode(*arrays(batch)), saved.hidden(batch))
    assert error < bound(precision, config)


@pytest.mark.parametrize(
    "kind", ["query", "key", "value", "post_attention", "intermediate", "output", "bottleneck"]
)
def test_each_kind_of_product_has_a_precision_of_its_own(
    kind: str, random_model: Callable[..., object], ragged: MakeBatch
) -> None:
    """One in int8 errs, and less than all in int8 together."""
    saved = random_model(SQUEEZEBERT_MINI, None, 0.05)
    batch = ragged(SQUEEZEBERT_MINI, (60, 5, 33))
    exact = saved.engine("float32").encode(*arrays(batch))
    all_kinds = relative_error(saved.engine("int8").encode(*arrays(batch)), exact)
    others = dict.fromkeys(saved.engine("float32").precision, "float32")
    engine = Engine.load(saved.directory, precision=others | {kind: "int8"}, threads=1)
    assert 1e-5 < relative_error(engine.encode(*arrays(batch)), exact) < all_kinds


def test_the_vocabulary_has_a_precision_of_its_own(
    random_model: Callable[..., object], ragged: MakeBatch
) -> None:
    saved = random_model(SMALL, "masked_lm")
    batch = ragged(SMALL, (60, 5, 33))
    exact = saved.engine("float32")
    mixed = Engine.load(
        saved.directory, precision=dict(exact.precision) | {"vocabulary": "int8"}, threads=1
    )
    assert np.array_equal(mixed.encode(*arrays(batch)), exact.encode(*arrays(batch)))
    error = relative_error(mixed.logits(*arrays(batch)), exact.logits(*arrays(batch)))
    assert 1e-5 < error < math.sqrt(2) * ROUNDING["int8"]


def split(rows: np.ndarray, batch: RaggedBatch) -> list[np.ndarray]:
    return np.split(rows, batch.cu_seqlens[1:-1])
