"""The models that are measured in a browser, as our bundle and as ONNX of the same int8 weights."""

from __future__ import annotations

import shutil
from pathlib import Path

from experiments.peers.checkpoints import random_encoder
from squeezebert.checkpoint.bundle import write_bundle
from squeezebert.checkpoint.shipped import PRETRAINED
from squeezebert.exporting import export_onnx
from squeezebert.spec import TaskSpec

LABELS = ("no", "yes")
SMALL = ("squeezebert-mini-news", "bert-mini-news")
BASE = ("squeezebert-base", "bert-base")
"""Presets, with random weights and a classifier."""


def make_model(name: str, root: Path) -> None:
    """Makes what is not there yet: ``NAME.safetensors`` for us, and the directory ``NAME`` for
    ONNX Runtime Web and transformers.js.
    """
    root.mkdir(parents=True, exist_ok=True)
    source = PRETRAINED / name
    if not source.is_dir():
        source = root / "checkpoints" / name
        if not source.is_dir():
            make_random(name, source)
    if not (root / f"{name}.safetensors").is_file():
        write_bundle(source, root / f"{name}.safetensors")
    if not (root / name).is_dir():
        export_onnx(source, root / name)


def make_random(preset: str, target: Path) -> None:
    """A classifier of a preset's shape: int8 weights, which both sides then have, and the words of
    a model that ships.
    """
    import torch

    from squeezebert.model import HeadConfig, attach_head, save_model

    torch.manual_seed(0)
    words = PRETRAINED / "squeezebert-mini-mlm"
    vocabulary = len((words / "vocab.txt").read_text(encoding="utf-8").splitlines())
    encoder = random_encoder(preset, vocab_size=vocabulary)
    head = HeadConfig(kind="text_classification", labels=LABELS)
    spec = TaskSpec(task="text_classification", labels=LABELS, max_length=512)
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    save_model(attach_head(encoder, head).eval(), partial, spec=spec, storage="int8")
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copyfile(words / name, partial / name)
    partial.rename(target)
