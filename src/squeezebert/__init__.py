"""SqueezeBERT beside BERT: load a model, predict, embed, train, evaluate, compare and quantize.

The names below are imported on first use, so that ``import squeezebert`` costs next to nothing
and never imports torch.

>>> import squeezebert
>>> squeezebert.SqueezeBertError.__name__
'SqueezeBertError'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from squeezebert.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    InvalidInputError,
    MissingDependencyError,
    SqueezeBertError,
)

if TYPE_CHECKING:
    from squeezebert.comparison import CompareSettings, compare
    from squeezebert.data import open_dataset
    from squeezebert.embedding import TextEncoder
    from squeezebert.evaluation import evaluate
    from squeezebert.pipeline import Pipeline, load
    from squeezebert.quantization import quantize
    from squeezebert.training import train

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "CompareSettings",
    "ConfigError",
    "DataError",
    "InvalidInputError",
    "MissingDependencyError",
    "Pipeline",
    "SqueezeBertError",
    "TextEncoder",
    "__version__",
    "compare",
    "evaluate",
    "load",
    "open_dataset",
    "quantize",
    "train",
]

_HOMES = {
    "CompareSettings": "squeezebert.comparison",
    "Pipeline": "squeezebert.pipeline",
    "TextEncoder": "squeezebert.embedding",
    "compare": "squeezebert.comparison",
    "evaluate": "squeezebert.evaluation",
    "load": "squeezebert.pipeline",
    "open_dataset": "squeezebert.data",
    "quantize": "squeezebert.quantization",
    "train": "squeezebert.training",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
