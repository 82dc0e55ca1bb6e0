"""Bodies that show in the OpenAPI document how to ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FILL_MASK: Mapping[str, Any] = {
    "a text": {"inputs": "The bread smells [MASK] this morning."},
    "several texts": {
        "inputs": ["He [MASK] home.", "She [MASK] a letter to [MASK]."],
        "parameters": {"top_k": 3},
    },
}

TEXT_CLASSIFICATION: Mapping[str, Any] = {
    "a text": {"inputs": "The striker scored twice."},
    "several texts, the best class of each": {
        "inputs": ["The striker scored twice.", "The bank raised its interest rate."],
        "parameters": {"top_k": 1},
    },
    "a pair of texts": {"inputs": {"text": "A man sleeps.", "text_pair": "Nobody is awake."}},
}

TOKEN_CLASSIFICATION: Mapping[str, Any] = {
    "a text": {"inputs": "Ada Lovelace met Charles Babbage in London."},
    "without places": {
        "inputs": ["Ada Lovelace lived in London."],
        "parameters": {"ignore_labels": ["LOC"]},
    },
}

FEATURE_EXTRACTION: Mapping[str, Any] = {
    "a text": {"inputs": "The striker scored twice."},
    "several texts": {"inputs": ["Two goals decided the match.", "It rained."], "normalize": False},
}


def embeddings(model: str) -> Mapping[str, Any]:
    """Bodies for ``/v1/embeddings`` that name a model which is served."""
    return {
        "a text": {"input": "The striker scored twice.", "model": model},
        "several texts, compactly": {
            "input": ["Two goals decided the match.", "It rained."],
            "model": model,
            "encoding_format": "base64",
        },
    }
