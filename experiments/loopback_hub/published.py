"""What it serves: the study's two checkpoints in their published layouts, with random weights, and
its data sets in theirs, filled with the sample data of this package.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from experiments.loopback_hub.server import Hub
from squeezebert.checkpoint.shipped import PRETRAINED
from squeezebert.config import BERT_BASE, SQUEEZEBERT_BASE, EncoderConfig, as_bert
from squeezebert.data import open_dataset

MOST = 300
"""Of a part of a set: enough to see everything work."""

TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")

SMALLEST: Mapping[str, int] = {
    "embedding_size": 32,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}


def published(size: Literal["tiny", "base"], *, words: int | None = None) -> Hub:
    """The study's checkpoints with random weights, and its sets.

    Args:
        size: Two layers of width 32, or the published shape.
        words: The most of the vocabulary; all where None.
    """
    vocabulary = (PRETRAINED / "squeezebert-small-mlm" / "vocab.txt").read_text(encoding="utf-8")
    lines = vocabulary.rstrip("\n").split("\n")[:words]
    squeeze, bert = SQUEEZEBERT_BASE, BERT_BASE
    if size == "tiny":
        squeeze = dataclasses.replace(squeeze, vocab_size=len(lines), **SMALLEST)
        bert = as_bert(squeeze)
    hub = Hub()
    hub.put("models/squeezebert/squeezebert-uncased", old_layout(squeeze, lines))
    hub.put("models/bert-base-uncased", new_layout(bert, lines))
    hub.put("datasets/pixelsandpointers/better_daily_dialog", dialogues())
    hub.put("datasets/valurank/News_Articles_Categorization", news())
    script = {"README.md": b"# CoNLL-2003", "conll2003.py": b"raise SystemExit\n"}
    hub.put("datasets/eriktks/conll2003", script)
    hub.put("datasets/eriktks/conll2003", names(), "refs/convert/parquet")
    return hub


def _weights(config: EncoderConfig, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    import torch

    from squeezebert.model import HeadConfig, build_model
    from squeezebert.model.io import config_json, export_tensors

    torch.manual_seed(seed)
    model = build_model(config, HeadConfig(kind="masked_lm"))
    return config_json(model), export_tensors(model)


def _common(config: Mapping[str, Any], lines: list[str]) -> dict[str, bytes]:
    return {
        "config.json": json.dumps(config, indent=2).encode(),
        "vocab.txt": ("\n".join(lines) + "\n").encode(),
        "tokenizer_config.json": b'{"do_lower_case": true, "model_max_length": 512}',
        "README.md": b"# A model\n",
    }


def old_layout(config: EncoderConfig, lines: list[str]) -> dict[str, bytes]:
    """``pytorch_model.bin`` and ``vocab.txt``."""
    import torch

    told, tensors = _weights(config, 0)
    state = {name: torch.from_numpy(value) for name, value in tensors.items()}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return _common(told, lines) | {"pytorch_model.bin": buffer.getvalue()}


def new_layout(config: EncoderConfig, lines: list[str]) -> dict[str, bytes]:
    """Safetensors, with what BERT's own have besides: the old names of LayerNorms, and a head for
    the next sentence.
    """
    import numpy as np
    from safetensors.numpy import save

    told, tensors = _weights(config, 1)
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): np.ascontiguousarray(value)
        for name, value in tensors.items()
    }
    width = config.hidden_size
    old["cls.seq_relationship.weight"] = np.zeros((2, width), dtype=np.float32)
    old["cls.seq_relationship.bias"] = np.zeros(2, dtype=np.float32)
    return _common(told, lines) | {"model.safetensors": save(old)}


def parquet_of(rows: list[dict[str, Any]], features: Mapping[str, Any] | None = None) -> bytes:
    """A Parquet file of rows; ``features`` stand in its schema as the hub's library writes them."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = pa.Table.from_pylist(rows)
    if features is not None:
        told = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": told})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def _parts(write: Callable[[str, str], bytes], pattern: str) -> dict[str, bytes]:
    parts = {"train": "train", "dev": "validation", "test": "test"}
    return {pattern.format(theirs): write(ours, theirs) for ours, theirs in parts.items()}


def dialogues() -> dict[str, bytes]:
    """A turn a row, with the number of its dialogue."""

    def write(split: str, _: str) -> bytes:
        found = open_dataset("sample_dialogues", task="masked_lm", split=split).examples
        return parquet_of(
            [
                {"dialog_id": at, "utterance": turn, "turn_type": 1, "emotion": 0}
                for at, one in enumerate(found)
                for turn in one.turns
            ]
        )

    return _parts(write, "data/{}-00000-of-00001.parquet")


def news() -> dict[str, bytes]:
    """One CSV, with a row that lacks its text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["Text", "Category"])
    writer.writerow(["", "politics"])
    found = open_dataset("sample_news", task="text_classification", split="test").examples
    for one in found:
        writer.writerow([one.text, one.label])
    return {"News_Articles.csv": buffer.getvalue().encode(), ".gitattributes": b""}


def names() -> dict[str, bytes]:
    """Words, and tags as numbers whose names stand in the schema."""
    features = {
        "tokens": {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"},
        "ner_tags": {"feature": {"names": list(TAGS), "_type": "ClassLabel"}, "_type": "Sequence"},
    }

    def write(split: str, _: str) -> bytes:
        found = open_dataset("sample_ner_en", task="token_classification", split=split).examples
        found = found[:MOST]
        return parquet_of(
            [
                {"tokens": list(one.words), "ner_tags": [TAGS.index(tag) for tag in one.tags]}
                for one in found
            ],
            features,
        )

    return _parts(write, "conll2003/{}/0000.parquet")
