"""The model that is exported, and what our engine answers with it."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from squeezebert import checkpoint
from squeezebert.checkpoint.hub import resolve
from squeezebert.checkpoint.pooling import trained_length
from squeezebert.engine import Engine
from squeezebert.exporting.parameters import Parameters
from squeezebert.exporting.verify import Asked, Float32, questions, reference_answers
from squeezebert.loading import model_name
from squeezebert.quantization.compact import read_float32, write_copy
from squeezebert.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A model to be exported.

    Args:
        name: What to call it.
        source: Its directory.
        parameters: Its weights, the temperature of its logits among them.
        tokenizer: Its tokenizer.
        max_length: The most tokens of an input.
        temperature: What our engine's logits are to be divided by to be those of ``parameters``.
    """

    name: str
    source: Path
    parameters: Parameters
    tokenizer: Tokenizer
    max_length: int
    temperature: float

    @classmethod
    def find(cls, model: str | Path) -> Subject:
        """A model directory, the name of a shipped model, or one on the Hugging Face hub.

        Raises:
            CheckpointError, ConfigError, InvalidInputError, MissingDependencyError: no such model,
                or one that cannot be exported; see :meth:`Parameters.read`.
        """
        source = resolve(model)
        given = Parameters.read(source)
        parameters = given.calibrated()
        temperature = 1.0
        if given.spec is None:
            positions = given.config.max_position_embeddings
            max_length = min(trained_length(source) or positions, positions)
        else:
            max_length = given.spec.max_length
            if parameters is not given:
                temperature = given.spec.temperature
        return cls(
            name=model_name(model),
            source=source,
            parameters=parameters,
            tokenizer=Tokenizer.load(source),
            max_length=max_length,
            temperature=temperature,
        )

    def ask(self) -> tuple[list[Asked], list[Float32]]:
        """Batches of the sample's texts, and what our engine answers in float32."""
        asked = questions(self.parameters.spec, self.tokenizer, self.max_length)
        with _as_safetensors(self.source) as readable:
            answers = reference_answers(Engine.load(readable, precision="float32"), asked)
        return asked, [rows / np.float32(self.temperature) for rows in answers]


@contextmanager
def _as_safetensors(source: Path) -> Generator[Path]:
    """The model as the engine reads it: an old ``pytorch_model.bin`` in a copy."""
    if checkpoint.has_safetensors(source):
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        write_copy(source, Path(folder), read_float32(source), "float32")
        yield Path(folder)
