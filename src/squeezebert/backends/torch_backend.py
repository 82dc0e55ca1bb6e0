"""Our model in PyTorch as a backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from squeezebert.backends.base import Float32
from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig
from squeezebert.errors import InvalidInputError
from squeezebert.model import LogitsOutput, TaskModel, load_model

BATCH_TOKENS = 512
"""On a CPU more cost more: of 256 to 8192 the least CPU time was taken at 512, by mini and base
models alike (less padding, less to push through the caches)."""


class TorchBackend:
    """Runs a :class:`~squeezebert.model.TaskModel` on padded batches.

    Args:
        model: The model; it is put in evaluation mode for each call and left as it was.
        threads: Sets torch's thread count, which is the process's.
    """

    name = "torch"
    pads = True
    batch_tokens = BATCH_TOKENS
    precision = "float32"

    def __init__(self, model: TaskModel, *, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.model = model

    @classmethod
    def open(cls, directory: Path, *, threads: int | None = None) -> TorchBackend:
        """Loads the model in ``directory``.

        Raises:
            CheckpointError: see :func:`squeezebert.model.load_model`.
            InvalidInputError: the checkpoint has no head.
        """
        model = load_model(directory)
        if not isinstance(model, TaskModel):
            raise InvalidInputError(
                f"the model in {directory} has no head, so it answers nothing",
                hint="fine-tune it: squeezebert train --help",
            )
        return cls(model, threads=threads)

    @property
    def config(self) -> EncoderConfig:
        """The shape of the model."""
        return self.model.config

    @property
    def instruction_set(self) -> str:
        """See :class:`~squeezebert.backends.base.Backend`."""
        return torch.backends.cpu.get_cpu_capability()

    @property
    def threads(self) -> int:
        """See :class:`~squeezebert.backends.base.Backend`; they are the process's."""
        return torch.get_num_threads()

    def encode(self, batch: RaggedBatch) -> Float32:
        """See :class:`~squeezebert.backends.base.Backend`."""
        input_ids, mask, token_type_ids = pad(batch, self.config, self._device)
        was_training = self.model.training
        self.model.eval()
        with torch.inference_mode():
            hidden = self.model.encoder(input_ids, mask, token_type_ids).last_hidden_state
        self.model.train(was_training)
        return to_numpy(hidden if mask is None else hidden[mask]).reshape(-1, hidden.shape[-1])

    def logits(self, batch: RaggedBatch, positions: NDArray[np.int64] | None = None) -> Float32:
        """See :class:`~squeezebert.backends.base.Backend`."""
        input_ids, mask, token_type_ids = pad(batch, self.config, self._device)
        at = None
        if self.model.head_config.kind == "masked_lm":
            at = flat_positions(batch, positions).to(self._device)
        was_training = self.model.training
        self.model.eval()
        with torch.inference_mode():
            output = self.model(input_ids, mask, token_type_ids, at)
        self.model.train(was_training)
        assert isinstance(output, LogitsOutput)
        return to_numpy(ragged(output.logits, mask, self.model.head_config.kind))

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device


def pad(
    batch: RaggedBatch, config: EncoderConfig, device: torch.device
) -> tuple[Tensor, Tensor | None, Tensor]:
    """``(input_ids, attention_mask, token_type_ids)`` as tensors, (sequences, longest) each; no
    mask where all sequences have one length, so that the fused attention needs none.

    Raises:
        InvalidInputError: a sequence longer than the model has positions for.
    """
    longest = int(batch.lengths.max(initial=0))
    if longest > config.max_position_embeddings:
        raise InvalidInputError(
            f"a sequence has {longest} tokens, but the model has positions "
            f"for {config.max_position_embeddings}",
            hint="lower max_length",
        )
    input_ids, mask, token_type_ids = batch.padded(config.pad_token_id)
    return (
        torch.from_numpy(input_ids).to(device),
        None if mask.all() else torch.from_numpy(mask).to(device),
        torch.from_numpy(token_type_ids).long().to(device),
    )


def flat_positions(batch: RaggedBatch, positions: NDArray[np.int64] | None) -> Tensor:
    """Indices into the ragged tokens as indices into the padded rectangle, flattened."""
    lengths = batch.lengths
    rows = np.repeat(np.arange(len(batch)), lengths)
    columns = np.arange(len(batch.input_ids)) - np.repeat(batch.cu_seqlens[:-1], lengths)
    flat = rows * int(lengths.max(initial=0)) + columns
    return torch.from_numpy(flat if positions is None else flat[positions])


def ragged(logits: Tensor, mask: Tensor | None, kind: str) -> Tensor:
    """A head's logits with padding taken out; only token classification's have any."""
    if kind != "token_classification":
        return logits
    return logits.flatten(0, 1) if mask is None else logits[mask]


def to_numpy(value: Tensor) -> Float32:
    """A float32 array that owns its memory or shares the tensor's."""
    return value.float().cpu().numpy()
