"""Tiny models with random weights for all three tasks, and a few examples for each."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from squeezebert.config import EncoderConfig
from squeezebert.data.catalog import Dataset
from squeezebert.data.examples import Document, TextExample, TokenExample
from squeezebert.model import HeadConfig, build_model, save_model
from squeezebert.spec import TaskName, TaskSpec
from squeezebert.tokenizer import Tokenizer

LABELS: dict[TaskName, tuple[str, ...]] = {
    "masked_lm": (),
    "text_classification": ("animal", "place"),
    "token_classification": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
}


def write_model(
    directory: Path,
    config: EncoderConfig,
    vocabulary: tuple[str, ...],
    task: TaskName,
    *,
    seed: int = 0,
    labels: tuple[str, ...] | None = None,
    languages: tuple[str, ...] = (),
) -> Path:
    """A model directory as training would leave it."""
    torch.manual_seed(seed)
    vocabulary = tuple(dict.fromkeys(vocabulary))
    config = dataclasses.replace(config, vocab_size=len(vocabulary))
    labels = LABELS[task] if labels is None else labels
    spec = TaskSpec(
        task=task,
        labels=labels,
        max_length=config.max_position_embeddings,
        languages=languages,
    )
    model = build_model(config, HeadConfig(kind=task, labels=labels))
    save_model(model, directory, spec=spec)
    Tokenizer.from_vocabulary(vocabulary, lowercase=True).save(directory)
    return directory


@pytest.fixture(scope="session")
def tiny_models(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_config: EncoderConfig,
    tiny_bert_config: EncoderConfig,
    tiny_vocabulary: tuple[str, ...],
) -> dict[str, Path]:
    """``squeeze-TASK`` and ``bert-TASK`` for each of the three tasks."""
    root = tmp_path_factory.mktemp("models")
    return {
        f"{family}-{task}": write_model(
            root / f"{family}-{task}", config, tiny_vocabulary, task, seed=seed
        )
        for seed, (family, config) in enumerate(
            {"squeeze": tiny_config, "bert": tiny_bert_config}.items()
        )
        for task in LABELS
    }


@pytest.fixture(scope="session")
def tiny_sets() -> dict[TaskName, Dataset]:
    """Twelve examples for each task."""
    animals = [TextExample(text=f"the cat sat on mat {i}", label="animal") for i in range(6)]
    places = [TextExample(text=f"ada ran home to london {i}", label="place") for i in range(6)]
    sentences = [
        TokenExample.from_words(["Ada", "ran", "to", "London", str(i)], tags)
        for i in range(12)
        for tags in [["B-PER", "O", "O", "B-LOC", "O"]]
    ]
    dialogues = [
        Document(turns=(f"the dog ran home {i}", "good dog!", "the cat sat on the mat."))
        for i in range(12)
    ]
    return {
        "masked_lm": Dataset(name="talk", task="masked_lm", split="test", examples=dialogues),
        "text_classification": Dataset(
            name="topics",
            task="text_classification",
            split="test",
            examples=[*animals, *places],
            labels=LABELS["text_classification"],
        ),
        "token_classification": Dataset(
            name="names",
            task="token_classification",
            split="test",
            examples=sentences,
            labels=LABELS["token_classification"],
        ),
    }
