"""Tiny models with random weights and tiny data sets, as the verbs take them: on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.config import EncoderConfig
from squeezebert.spec import TaskSpec
from squeezebert.tokenizer import Tokenizer

SPECS = {
    "masked_lm": TaskSpec(task="masked_lm", max_length=32),
    "text_classification": TaskSpec(
        task="text_classification", labels=("bad", "good"), max_length=32
    ),
    "token_classification": TaskSpec(
        task="token_classification",
        labels=("O", "B-LOC", "I-LOC", "B-PER", "I-PER"),
        max_length=32,
    ),
}


def write_model(
    directory: Path, config: EncoderConfig, vocabulary: tuple[str, ...], spec: TaskSpec
) -> Path:
    import torch

    from squeezebert.model import HeadConfig, build_model, save_model

    torch.manual_seed(0)
    model = build_model(config, HeadConfig(kind=spec.task, labels=spec.labels))
    save_model(model, directory, spec=spec)
    Tokenizer.from_vocabulary(vocabulary, lowercase=True).save(directory)
    return directory


@pytest.fixture(scope="session")
def models(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_config: EncoderConfig,
    tiny_bert_config: EncoderConfig,
    tiny_vocabulary: tuple[str, ...],
) -> dict[str, Path]:
    """A SqueezeBERT for each task by its name, and a BERT by ``bert_`` and the task's name."""
    root = tmp_path_factory.mktemp("models")
    made: dict[str, Path] = {}
    for task, spec in SPECS.items():
        made[task] = write_model(root / f"squeeze-{task}", tiny_config, tiny_vocabulary, spec)
        made[f"bert_{task}"] = write_model(
            root / f"bert-{task}", tiny_bert_config, tiny_vocabulary, spec
        )
    return made


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file for each task by its name."""
    root = tmp_path_factory.mktemp("data")
    reviews = [("good", "the cat sat on the mat"), ("bad", "the dog ran home")] * 8
    table = root / "reviews.csv"
    table.write_text(
        "label,text\n"
        + "".join(f"{label},{text} {n}\n" for n, (label, text) in enumerate(reviews)),
        encoding="utf-8",
    )
    columns = root / "names.conll"
    columns.write_text("ada\tB-PER\nran\tO\n\nlondon\tB-LOC\n\n" * 6, encoding="utf-8")
    dialogues = root / "dialogues.jsonl"
    turns = ["the cat sat on the mat .", "the dog ran home ."]
    dialogues.write_text((json.dumps({"turns": turns}) + "\n") * 6, encoding="utf-8")
    return {
        "text_classification": table,
        "token_classification": columns,
        "masked_lm": dialogues,
    }
