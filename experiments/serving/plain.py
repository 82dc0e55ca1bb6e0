"""What people write by hand: FastAPI around a model in `transformers` or in ONNX Runtime.

``python -m experiments.serving.plain transformers MODEL PORT`` or ``… plain onnx FILE PORT``. One
text a call. FastAPI runs such a handler in a thread, so that requests overlap. A bare encoder gives
the mean of the last hidden states as a vector of length 1, a classifier its labels.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI

MAX_LENGTH = 256

Rows = Callable[[str], np.ndarray]
"""From a text to the model's output, without the axis of the batch."""


def transformers_rows(directory: str) -> Rows:
    """A bare encoder in `transformers`, float32, on one thread."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer: Any = AutoTokenizer.from_pretrained(directory)
    model = AutoModel.from_pretrained(directory).eval()

    def rows(text: str) -> np.ndarray:
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=MAX_LENGTH)
        with torch.inference_mode():
            return model(**inputs).last_hidden_state[0].numpy()

    return rows


def onnx_rows(file: Path) -> Rows:
    """A file that ``squeezebert export`` wrote, on one thread, with its tokenizer."""
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(file.parents[1] / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_LENGTH)
    tokenizer.no_padding()

    def rows(text: str) -> np.ndarray:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        feeds = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        return session.run(None, feeds)[0][0]

    return rows


def labels_of(directory: Path) -> list[str]:
    """The labels of a classifier; none of a bare encoder."""
    config = json.loads((directory / "config.json").read_text())
    if not config["architectures"][0].endswith("ForSequenceClassification"):
        return []
    return [config["id2label"][str(at)] for at in range(len(config["id2label"]))]


def make_app(rows: Rows, labels: list[str]) -> FastAPI:
    """The application. ``POST /`` takes ``{"inputs": text}``."""
    app = FastAPI()

    @app.post("/")
    def answer(body: dict[str, str]) -> Any:
        output = rows(body["inputs"])
        if not labels:
            mean = output.mean(axis=0)
            return (mean / np.linalg.norm(mean)).tolist()
        shares = np.exp(output - output.max())
        shares /= shares.sum()
        best = np.argsort(-shares)
        return [[{"label": labels[at], "score": float(shares[at])} for at in best]]

    return app


def main() -> None:
    """Serves until it is stopped."""
    runtime, model, port = sys.argv[1:]
    if runtime == "onnx":
        app = make_app(onnx_rows(Path(model)), labels_of(Path(model).parents[1]))
    else:
        app = make_app(transformers_rows(model), [])
    uvicorn.run(app, port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
