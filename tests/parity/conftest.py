"""Random models of any shape and head, saved once, with what torch computes of a ragged batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig
from squeezebert.engine import Engine
from squeezebert.model import Encoder, HeadConfig, TaskModel, build_model, save_model
from squeezebert.model.heads import HeadKind, SpanOutput

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")

Float32 = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class RandomModel:
    """A model in PyTorch, and the directory that holds the same weights."""

    model: TaskModel | Encoder
    directory: Path

    def engine(self, precision: str = "float32", threads: int = 1) -> Engine:
        return Engine.load(self.directory, precision=precision, threads=threads)

    def hidden(self, batch: RaggedBatch) -> Float32:
        """(tokens, hidden_size), each sequence run by itself."""
        encoder = self.model if isinstance(self.model, Encoder) else self.model.encoder
        return self._by_sequence(
            batch, lambda ids, types: encoder(ids, None, types).last_hidden_state
        )

    def logits(self, batch: RaggedBatch) -> Float32:
        """What the head gives, in the layout of ``Engine.logits``."""
        model = self.model
        assert isinstance(model, TaskModel)

        def run(ids: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
            if model.head_config.kind == "multiple_choice":
                return model(ids[:, None], None, types[:, None]).logits
            output = model(ids, None, types)
            if isinstance(output, SpanOutput):
                return torch.stack([output.start_logits, output.end_logits], dim=-1)
            return output.logits

        return self._by_sequence(batch, run)

    def _by_sequence(
        self,
        batch: RaggedBatch,
        run: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    ) -> Float32:
        rows: list[torch.Tensor] = []
        for start, end in zip(batch.cu_seqlens, batch.cu_seqlens[1:], strict=False):
            ids = torch.from_numpy(batch.input_ids[start:end]).long()[None]
            types = torch.from_numpy(batch.token_type_ids[start:end]).long()[None]
            with torch.no_grad():
                rows.append(run(ids, types).flatten(0, -2))
        return torch.cat(rows).numpy()


def build(config: EncoderConfig, kind: HeadKind | None, spread: float) -> TaskModel | Encoder:
    """A model whose biases and LayerNorms are random too: at 0 and 1 they would hide a mix-up."""
    torch.manual_seed(1)
    model: TaskModel | Encoder
    if kind is None:
        model = Encoder(config)
    else:
        labels = LABELS if "classification" in kind else ()
        model = build_model(config, HeadConfig(kind=kind, labels=labels))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * spread)
    return model.eval()


MakeModel = Callable[..., RandomModel]


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """``random_model(config, kind, spread=0.1)``, each made once."""
    made: dict[object, RandomModel] = {}

    def make(config: EncoderConfig, kind: HeadKind | None, spread: float = 0.1) -> RandomModel:
        key = (config, kind, spread)
        if key not in made:
            directory = tmp_path_factory.mktemp("random")
            model = build(config, kind, spread)
            save_model(model, directory)
            made[key] = RandomModel(model, directory)
        return made[key]

    return make


@pytest.fixture(scope="session")
def ragged() -> Callable[..., RaggedBatch]:
    """``ragged(config, lengths)``: random ids and token types."""

    def make(config: EncoderConfig, lengths: tuple[int, ...], seed: int = 0) -> RaggedBatch:
        generator = np.random.default_rng(seed)
        batch = RaggedBatch.of(
            [generator.integers(0, config.vocab_size, size=length) for length in lengths]
        )
        types = generator.integers(0, config.type_vocab_size, size=len(batch.input_ids))
        return dataclasses.replace(batch, token_type_ids=types.astype(np.int32))

    return make
