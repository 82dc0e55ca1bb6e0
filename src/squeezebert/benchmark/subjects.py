"""Engines to be measured: one a setting, all loaded at once, so that they can take turns."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from squeezebert.benchmark.plan import Shape
from squeezebert.benchmark.schema import Setting
from squeezebert.engine import Engine, describe_precision

ISA_VARIABLE = "SQUEEZEBERT_ISA"


@dataclass(frozen=True, eq=False)
class Subject:
    """A loaded engine and what to call it."""

    engine: Engine
    setting: Setting


def open_subject(directory: Path, *, isa: str, precision: str, threads: int | None) -> Subject:
    """Loads a model under one setting.

    Raises:
        CheckpointError, ConfigError, InvalidInputError: As
            :meth:`squeezebert.engine.Engine.load`; an instruction set that doesn't run here.
    """
    with _isa(isa):
        engine = Engine.load(directory, precision=precision, threads=threads)
    return Subject(
        engine,
        Setting(
            isa=engine.isa,
            precision=describe_precision(engine.precision),
            threads=engine.threads,
        ),
    )


@contextmanager
def _isa(name: str) -> Generator[None]:
    """The engines loaded in the ``with`` block take this instruction set."""
    before = os.environ.get(ISA_VARIABLE)
    os.environ[ISA_VARIABLE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[ISA_VARIABLE]
        else:
            os.environ[ISA_VARIABLE] = before


def random_batch(
    shape: Shape, vocab_size: int, seed: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """``(input_ids, cu_seqlens)`` of random tokens: an encoder takes as long over any."""
    generator = np.random.default_rng(seed)
    input_ids = generator.integers(0, vocab_size, shape.tokens, dtype=np.int32)
    return input_ids, np.arange(shape.batch + 1, dtype=np.int32) * np.int32(shape.length)
