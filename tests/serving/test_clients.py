"""The clients that people have: huggingface_hub's, and one that speaks as OpenAI's does."""

from __future__ import annotations

import base64

import httpx2
import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

import squeezebert
from squeezebert.embedding import TextEncoder

NEWS = "The striker scored twice in the second half."
NAMES = "Ada Lovelace met Charles Babbage in London."


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def inference(url: str, model: str) -> InferenceClient:
    return InferenceClient(model=f"{url}/models/{model}", timeout=60)


def test_text_classification(url: str) -> None:
    told = inference(url, "news").text_classification(NEWS)
    expected = squeezebert.load("squeezebert-mini-news", threads=1)(NEWS)
    assert {row.label: row.score for row in told} == expected.probabilities
    assert [row.score for row in told] == sorted((row.score for row in told), reverse=True)
    assert told[0].label == "sport"


def test_text_classification_with_choices(url: str) -> None:
    client = inference(url, "news")
    assert len(client.text_classification(NEWS, top_k=2)) == 2
    raw = client.text_classification(NEWS, function_to_apply="none")
    soft = client.text_classification(NEWS, function_to_apply="softmax")
    one_by_one = client.text_classification(NEWS, function_to_apply="sigmoid")
    logits = np.array([row.score for row in raw])
    powers = np.exp(logits - logits.max())
    np.testing.assert_allclose([row.score for row in soft], powers / powers.sum(), rtol=1e-6)
    np.testing.assert_allclose(
        [row.score for row in one_by_one], 1 / (1 + np.exp(-logits)), rtol=1e-6
    )


def test_token_classification(url: str) -> None:
    told = inference(url, "ner").token_classification(NAMES, aggregation_strategy="simple")
    expected = squeezebert.load("squeezebert-mini-ner", threads=1)(NAMES)
    assert [(e.word, e.entity_group, e.start, e.end, e.score) for e in told] == [
        (e.text, e.type, e.start, e.end, e.score) for e in expected
    ]
    assert [e.entity_group for e in told] == ["PER", "PER", "LOC"]
    without = inference(url, "ner").token_classification(NAMES, ignore_labels=["PER"])
    assert [e.word for e in without] == ["London"]


def test_fill_mask(url: str) -> None:
    text = "The bread smells [MASK] this morning."
    told = inference(url, "mlm").fill_mask(text, top_k=3)
    pipeline = squeezebert.load("squeezebert-mini-mlm", task="masked_lm", threads=1)
    expected = pipeline(text, top_k=3)[0].candidates
    assert [(t.token_str, t.score, t.sequence) for t in told] == [
        (c.token, c.score, c.text) for c in expected
    ]
    assert [pipeline.task.tokenizer.token(t.token) for t in told] == [t.token_str for t in told]
    assert len(inference(url, "mlm").fill_mask(text)) == 5


def test_feature_extraction(url: str) -> None:
    encoder = TextEncoder.load("squeezebert-mini-mlm", threads=1)
    client = InferenceClient(timeout=60)
    path = f"{url}/models/mlm/pipeline/feature-extraction"
    assert np.array_equal(client.feature_extraction(NEWS, model=path), encoder(NEWS))
    plain = client.feature_extraction([NEWS, NAMES], model=path, normalize=False)
    assert np.array_equal(plain, encoder([NEWS, NAMES], normalize=False))


def test_info_and_health(url: str) -> None:
    client = InferenceClient(model=f"{url}/models/ner", provider="hf-inference")
    assert client.health_check()
    assert client.get_endpoint_info()["task"] == "token-classification"


def test_errors_reach_the_person(url: str) -> None:
    with pytest.raises(HfHubHTTPError, match=r"holds no \[MASK\]"):
        inference(url, "mlm").fill_mask("nothing to fill")
    with pytest.raises(HfHubHTTPError, match="targets is not supported"):
        inference(url, "mlm").fill_mask("a [MASK]", targets=["b"])
    with pytest.raises(HfHubHTTPError, match="aggregation_strategy none is not supported"):
        inference(url, "ner").token_classification(NAMES, aggregation_strategy="none")


def test_several_texts_and_pairs(client: httpx2.Client) -> None:
    told = client.post("/models/news", json={"inputs": [NEWS, "It rained."]}).json()
    assert [len(row) for row in told] == [6, 6]
    pair = {"text": NEWS, "text_pair": "It rained."}
    pipeline = squeezebert.load("squeezebert-mini-news", task="text_classification", threads=1)
    (row,) = client.post("/models/news", json={"inputs": pair}).json()
    assert row[0]["score"] == pipeline((NEWS, "It rained.")).score
    told = client.post("/models/ner", json={"inputs": [NAMES, "", "..."]}).json()
    assert [len(row) for row in told] == [3, 0, 0]
    told = client.post("/models/mlm", json={"inputs": ["a [MASK]", "[MASK] and [MASK]"]}).json()
    assert len(told[0]) == 5
    assert [len(gap) for gap in told[1]] == [5, 5]


def test_different_wishes_in_one_batch(client: httpx2.Client) -> None:
    """Whatever the company, a text gets as many candidates as it asked for, and the same ones."""
    body = {"inputs": "a [MASK] b"}
    alone = client.post("/models/mlm", json={**body, "parameters": {"top_k": 9}}).json()
    for wanted in (1, 4):
        told = client.post("/models/mlm", json={**body, "parameters": {"top_k": wanted}}).json()
        assert told == alone[:wanted]


def test_what_was_not_read_is_told(client: httpx2.Client) -> None:
    answer = client.post("/models/news", json={"inputs": "word " * 200})
    assert answer.status_code == 200
    assert answer.headers["x-truncated-tokens"] == str(200 - (128 - 2))
    path = "/models/news/pipeline/feature-extraction"
    assert client.post(path, json={"inputs": "word " * 200}).status_code == 200
    refused = client.post(path, json={"inputs": "word " * 200, "truncate": False})
    assert refused.status_code == 413
    assert refused.json()["error_type"] == "too_large"


def test_embeddings_as_openai_asks_for_them(client: httpx2.Client) -> None:
    """Its Python client asks for base64 unless told otherwise, and reads little-endian float32."""
    assert [m["id"] for m in client.get("/v1/models").json()["data"]] == ["news", "ner", "mlm"]
    body = {"model": "mlm", "input": [NEWS, NAMES]}
    numbers = client.post("/v1/embeddings", json={**body, "encoding_format": "float"}).json()
    packed = client.post("/v1/embeddings", json={**body, "encoding_format": "base64"}).json()
    assert numbers["object"] == "list"
    assert [row["index"] for row in numbers["data"]] == [0, 1]
    assert numbers["usage"]["prompt_tokens"] == numbers["usage"]["total_tokens"] > 10
    expected = TextEncoder.load("squeezebert-mini-mlm", threads=1)([NEWS, NAMES])
    for row, same, vector in zip(numbers["data"], packed["data"], expected, strict=True):
        decoded = np.frombuffer(base64.b64decode(same["embedding"]), dtype="<f4")
        assert np.array_equal(decoded, vector)
        assert np.array_equal(np.array(row["embedding"], dtype=np.float32), vector)


def test_errors_as_openai_spells_them(client: httpx2.Client) -> None:
    answer = client.post("/v1/embeddings", json={"model": "gpt", "input": "a"})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_model"
    assert "news, ner, mlm" in answer.json()["error"]["message"]
    answer = client.post("/v1/embeddings", json={"model": "mlm", "input": "a", "dimensions": 3})
    assert answer.status_code == 422
    assert answer.json()["error"]["type"] == "unsupported_parameter"
