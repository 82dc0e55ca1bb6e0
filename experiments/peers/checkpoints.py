"""The models that are measured: presets with random weights, made once, or a directory."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from squeezebert.model.encoder import Encoder

SPREAD = 0.04
"""The deviation of the random weights: that of trained BERTs, twice that of their start."""

REFERENCE_LENGTHS = (5, 17, 48, 33)
"""The ragged batch that every peer's output is checked on."""


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """Where a model and what is made of it lie.

    Args:
        name: As tables call it.
        checkpoint: The float32 directory.
        compact: The same as int8.
        reference: Inputs and what ``transformers`` in float32 makes of them.
        tokenizer: A ``tokenizer.json``.
        cache: Exported graphs.
        preset: Whether the checkpoint is ours to make.
    """

    name: str
    checkpoint: Path
    compact: Path
    reference: Path
    tokenizer: Path
    cache: Path
    preset: bool


def model_files(name_or_path: str, root: Path) -> ModelFiles:
    """The files of a preset (``squeezebert-base``, ``bert-base``, …) or of a directory that
    ``transformers`` reads.
    """
    directory = Path(name_or_path)
    preset = not directory.is_dir()
    name = name_or_path if preset else directory.resolve().name
    cache = root / name
    checkpoint = cache / "checkpoint" if preset else directory.resolve()
    tokenizer = checkpoint / "tokenizer.json"
    return ModelFiles(
        name=name,
        checkpoint=checkpoint,
        compact=cache / "compact",
        reference=cache / "reference.npz",
        tokenizer=tokenizer,
        cache=cache / "graphs",
        preset=preset,
    )


def make_checkpoint(name_or_path: str, root: Path, seed: int) -> None:
    """Makes what is not there yet of a model's files, graphs aside."""
    import torch

    from squeezebert.model import load_encoder, save_model

    files = model_files(name_or_path, root)
    torch.manual_seed(seed)
    if files.preset and not (files.checkpoint / "config.json").is_file():
        files.checkpoint.mkdir(parents=True, exist_ok=True)
        # Any WordPiece will do for random weights: the one that ships with the package.
        shipped = Path(str(resources.files("squeezebert"))) / "pretrained" / "squeezebert-mini-mlm"
        from squeezebert.tokenizer import Tokenizer

        Tokenizer.load(shipped / "vocab.txt").save(files.checkpoint)
        save_model(random_encoder(files.name), files.checkpoint)
    if not (files.compact / "config.json").is_file():
        save_model(load_encoder(files.checkpoint), files.compact, storage="int8")
        for tokenizer in files.checkpoint.glob("*token*.json"):
            shutil.copy(tokenizer, files.compact)
    if not files.reference.is_file():
        _write_reference(files, seed)


def random_encoder(preset: str, vocab_size: int | None = None) -> Encoder:
    """An encoder of a preset's shape, with a vocabulary of another size if need be."""
    import torch
    from torch import nn

    from squeezebert.config import PRESETS
    from squeezebert.model.encoder import Encoder

    config = dataclasses.replace(PRESETS[preset], initializer_range=SPREAD)
    if vocab_size is not None:
        config = dataclasses.replace(config, vocab_size=vocab_size)
    encoder = Encoder(config)
    with torch.no_grad():
        for module in encoder.modules():
            bias = getattr(module, "bias", None)
            if bias is not None:
                bias.normal_(0.0, SPREAD)
            if isinstance(module, nn.LayerNorm):
                module.weight.normal_(1.0, SPREAD)
    return encoder.eval()


def _write_reference(files: ModelFiles, seed: int) -> None:
    import torch

    from experiments.peers.runtimes.torch_models import Theirs

    model = Theirs(str(files.checkpoint)).eval()
    config = model.model.config
    generator = np.random.default_rng(seed)
    rows = [
        generator.integers(5, config.vocab_size, min(length, config.max_position_embeddings))
        for length in REFERENCE_LENGTHS
    ]
    with torch.inference_mode():
        hidden = [model(torch.from_numpy(row[None]))[0].numpy() for row in rows]
    np.savez(
        files.reference,
        input_ids=np.concatenate(rows).astype(np.int32),
        cu_seqlens=np.cumsum([0, *(len(row) for row in rows)]).astype(np.int32),
        hidden=np.concatenate(hidden),
    )
