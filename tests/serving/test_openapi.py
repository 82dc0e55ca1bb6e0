"""The OpenAPI document tells the truth."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from pydantic import TypeAdapter

from squeezebert.serving import schemas

ANSWERS: dict[str, Any] = {
    "mlm": schemas.FillMaskAnswer,
    "fill-mask": schemas.FillMaskAnswer,
    "news": schemas.TextClassificationAnswer,
    "text-classification": schemas.TextClassificationAnswer,
    "ner": schemas.TokenClassificationAnswer,
    "token-classification": schemas.TokenClassificationAnswer,
    "feature-extraction": schemas.FeatureExtractionAnswer,
    "embeddings": schemas.EmbeddingsAnswer,
}
"""What a path gives, by its last part."""


@pytest.fixture(scope="module")
def spec(client: httpx2.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


def test_each_model_has_its_own_paths(spec: dict[str, Any]) -> None:
    assert "/models/news/pipeline/text-classification" in spec["paths"]
    assert "/models/ner/pipeline/feature-extraction" in spec["paths"]
    body = spec["paths"]["/models/mlm"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["$ref"].endswith("/FillMaskRequest")
    operations = [op["operationId"] for path in spec["paths"].values() for op in path.values()]
    assert len(set(operations)) == len(operations)


def test_every_example_is_answered(spec: dict[str, Any], client: httpx2.Client) -> None:
    tried = 0
    for path, methods in spec["paths"].items():
        if "post" not in methods:
            assert client.get(path).status_code == 200, path
            continue
        content = methods["post"]["requestBody"]["content"]["application/json"]
        for name, example in content["examples"].items():
            answer = client.post(path, json=example["value"])
            assert answer.status_code == 200, (path, name, answer.text)
            TypeAdapter(ANSWERS[path.rsplit("/", 1)[1]]).validate_python(answer.json())
            tried += 1
    assert tried > 15


def test_every_status_that_is_told_of_has_its_schema(spec: dict[str, Any]) -> None:
    responses = spec["paths"]["/models/news"]["post"]["responses"]
    assert {"200", "400", "401", "408", "413", "415", "422", "429", "500", "504"} <= set(responses)
    for status, response in responses.items():
        if status != "200":
            schema = response["content"]["application/json"]["schema"]
            assert schema["$ref"].endswith("/Failure")
