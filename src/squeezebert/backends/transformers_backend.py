"""Hugging Face's own BERT and SqueezeBERT as a backend: the yardstick of comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from squeezebert import checkpoint
from squeezebert.backends.base import Float32
from squeezebert.backends.torch_backend import BATCH_TOKENS, flat_positions, pad, ragged, to_numpy
from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError, MissingDependencyError
from squeezebert.model.io import config_json, export_tensors, load_model


class TransformersBackend:
    """Runs ``transformers``' eager model code on padded batches, in float32.

    Args:
        model: A ``transformers`` model with a head.
        config: Its shape.
        kind: Its task.
        threads: Sets torch's thread count, which is the process's.
    """

    name = "transformers"
    pads = True
    batch_tokens = BATCH_TOKENS
    precision = "float32"

    def __init__(
        self, model: Any, config: EncoderConfig, kind: str, *, threads: int | None = None
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.model = model
        self.config = config
        self.kind = kind

    @classmethod
    def open(cls, directory: Path, *, threads: int | None = None) -> TransformersBackend:
        """Loads our checkpoint, or one of theirs, into their model.

        Raises:
            MissingDependencyError: ``transformers`` is not installed.
            CheckpointError: a model that ``transformers`` has no code for: no head for one of the
                tasks, or an embedding bottleneck.
        """
        try:
            import transformers
        except ModuleNotFoundError as error:
            raise MissingDependencyError.for_extra(
                "transformers", "baselines", "the transformers baseline"
            ) from error
        ours = load_model(directory)
        spec = checkpoint.read_spec(directory)
        if spec is None:
            raise CheckpointError(f"the model in {directory} has no head for any of our tasks")
        if ours.config.has_bottleneck:
            raise CheckpointError(
                f"the model in {directory} has an embedding_size of {ours.config.embedding_size} "
                f"beside a hidden_size of {ours.config.hidden_size}, which transformers refuses"
            )
        values = config_json(ours)
        kind = values["architectures"][0]
        config: Any = transformers.AutoConfig.for_model(values.pop("model_type"), **values)
        model: Any = getattr(transformers, kind)(config)
        state = {name: torch.from_numpy(value) for name, value in export_tensors(ours).items()}
        # Tied and unused parameters are theirs to fill; load_model has checked all of ours.
        _, left_over = model.load_state_dict(state, strict=False)
        if left_over:
            raise CheckpointError(f"transformers does not know the tensors {', '.join(left_over)}")
        model.tie_weights()
        return cls(model.eval(), ours.config, spec.task, threads=threads)

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
        input_ids, mask, token_type_ids = pad(batch, self.config, torch.device("cpu"))
        with torch.inference_mode():
            hidden = self.model.base_model(
                input_ids, attention_mask=mask, token_type_ids=token_type_ids
            ).last_hidden_state
        return to_numpy(ragged(hidden, mask, "token_classification"))

    def logits(self, batch: RaggedBatch, positions: NDArray[np.int64] | None = None) -> Float32:
        """See :class:`~squeezebert.backends.base.Backend`. ``transformers`` computes the logits of
        all tokens of a masked LM; the wanted ones are taken out afterwards.
        """
        input_ids, mask, token_type_ids = pad(batch, self.config, torch.device("cpu"))
        with torch.inference_mode():
            logits = self.model(
                input_ids,
                attention_mask=None if mask is None else mask.long(),
                token_type_ids=token_type_ids,
            ).logits
        if self.kind == "masked_lm":
            return to_numpy(logits.flatten(0, 1)[flat_positions(batch, positions)])
        return to_numpy(ragged(logits, mask, self.kind))
