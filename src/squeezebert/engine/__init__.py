"""The native engine: models on the CPU, without torch, at the speed of the processor.

Its C++ sources lie in ``native/``. Everything that predicts runs on it through
:class:`~squeezebert.backends.engine_backend.EngineBackend`; :class:`Engine` is for those who have
token ids already.
"""

from __future__ import annotations

from squeezebert.engine.engine import Engine, TopK, available_isas, usable_cores
from squeezebert.engine.precision import PRECISIONS, PROJECTION_KINDS, describe_precision

__all__ = [
    "PRECISIONS",
    "PROJECTION_KINDS",
    "Engine",
    "TopK",
    "available_isas",
    "describe_precision",
    "usable_cores",
]
