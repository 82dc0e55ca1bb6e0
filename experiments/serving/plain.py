"""What people write by hand: FastAPI around a `transformers` model, one text a call, mean of the
last hidden states. FastAPI runs such a handler in a thread, so that requests overlap.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
import uvicorn
from fastapi import FastAPI
from transformers import AutoModel, AutoTokenizer


def make_app(directory: str) -> FastAPI:
    """The application. ``POST /`` takes ``{"inputs": text}`` and gives a vector of length 1."""
    torch.set_num_threads(1)
    tokenizer: Any = AutoTokenizer.from_pretrained(directory)
    model = AutoModel.from_pretrained(directory).eval()
    app = FastAPI()

    @app.post("/")
    def vector(body: dict[str, str]) -> list[float]:
        inputs = tokenizer(body["inputs"], return_tensors="pt", truncation=True, max_length=256)
        with torch.inference_mode():
            mean = model(**inputs).last_hidden_state[0].mean(dim=0)
            return torch.nn.functional.normalize(mean, dim=0).tolist()

    return app


if __name__ == "__main__":
    uvicorn.run(make_app(sys.argv[1]), port=int(sys.argv[2]), log_level="warning")
