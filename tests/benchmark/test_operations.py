"""What is computed and moved, against sums made by hand."""

from __future__ import annotations

import pytest

from squeezebert.benchmark.operations import call_work, stage_work
from squeezebert.complexity import count
from squeezebert.config import BERT_BASE, SQUEEZEBERT_BASE, SQUEEZEBERT_MINI, EncoderConfig
from squeezebert.engine import PROJECTION_KINDS

INT8 = dict.fromkeys(PROJECTION_KINDS, "int8")
FLOAT32 = dict.fromkeys(PROJECTION_KINDS, "float32")


@pytest.mark.parametrize("config", [SQUEEZEBERT_BASE, BERT_BASE, SQUEEZEBERT_MINI])
@pytest.mark.parametrize(("batch", "length"), [(1, 8), (4, 128)])
def test_a_call_computes_what_the_model_does_but_for_its_pooler(
    config: EncoderConfig, batch: int, length: int
) -> None:
    counted = count(config, tokens=length)
    pooler = next(row.multiply_adds for row in counted.rows if row.name == "pooler")
    work = call_work(config, INT8, batch=batch, length=length)
    assert work.operations == 2 * batch * (counted.multiply_adds - pooler)


def test_stages_add_up_to_the_call() -> None:
    stages = stage_work(SQUEEZEBERT_MINI, INT8, batch=2, length=16)
    whole = call_work(SQUEEZEBERT_MINI, INT8, batch=2, length=16)
    assert sum(work.operations for work in stages.values()) == whole.operations
    assert "embeddings" in stages  # its bottleneck
    assert "embeddings" not in stage_work(SQUEEZEBERT_BASE, INT8, batch=2, length=16)


def test_bytes_are_weights_once_and_rows_in_and_out() -> None:
    # One group: 768 x 768 weights and 768 biases a layer, a row in and a row out.
    stage = stage_work(SQUEEZEBERT_BASE, INT8, batch=2, length=8)["post_attention"]
    assert stage.bytes == 12 * (768 * 768 + 768) + 16 * 12 * 2 * 768 * 4
    four = stage_work(SQUEEZEBERT_BASE, FLOAT32, batch=2, length=8)["post_attention"]
    assert four.bytes - stage.bytes == 3 * 12 * (768 * 768 + 768)
    assert four.operations == stage.operations


def test_attention_has_no_weights() -> None:
    stage = stage_work(BERT_BASE, FLOAT32, batch=1, length=64)["attention"]
    assert stage.bytes == 64 * 12 * 4 * 768 * 4
    assert stage.operations == 2 * 12 * 2 * 64 * 64 * 768


def test_more_tokens_mean_more_operations_for_each_byte() -> None:
    found = [
        call_work(SQUEEZEBERT_BASE, INT8, batch=batch, length=length).intensity
        for batch, length in ((1, 8), (1, 128), (8, 128))
    ]
    assert found == sorted(found)


def test_a_mixture_is_weighed_product_by_product() -> None:
    mixed = INT8 | {"value": "bf16"}
    plain = stage_work(BERT_BASE, INT8, batch=1, length=8)["query_key_value"]
    found = stage_work(BERT_BASE, mixed, batch=1, length=8)["query_key_value"]
    assert found.bytes - plain.bytes == 12 * (768 * 768 + 768)
