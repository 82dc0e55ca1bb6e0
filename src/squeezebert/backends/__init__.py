"""What runs a model, chosen by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from squeezebert.backends.base import Backend
from squeezebert.errors import InvalidInputError, MissingDependencyError

if TYPE_CHECKING:
    from squeezebert.engine.precision import Precision

BACKENDS = ("engine", "torch", "transformers")
"""The names that :func:`open_backend` knows: our native engine; our model in PyTorch; and Hugging
Face's own model code, as a yardstick."""

DEFAULT_BACKEND = BACKENDS[0]

__all__ = ["BACKENDS", "DEFAULT_BACKEND", "Backend", "open_backend"]


def open_backend(
    name: str,
    directory: Path,
    *,
    precision: Precision = "auto",
    threads: int | None = None,
) -> Backend:
    """Loads the model in ``directory`` for running.

    Args:
        name: One of :data:`BACKENDS`.
        directory: A model directory.
        precision: As for :meth:`squeezebert.engine.Engine.load`. The other backends compute in
            float32 and take nothing else.
        threads: How many threads a call may use; the run-time's own choice where None.

    Raises:
        InvalidInputError: an unknown backend, or a precision that it does not have.
        MissingDependencyError: the backend's package is not installed.
        CheckpointError: see :func:`squeezebert.model.load_model`.
    """
    if name not in BACKENDS:
        raise InvalidInputError(
            f"no backend is called {name!r}", hint=f"the backends are {', '.join(BACKENDS)}"
        )
    if name != "engine" and precision not in ("auto", "float32"):
        raise InvalidInputError(
            f"the precision is {precision!r}, but the backend {name} computes in float32",
            hint="the backend engine takes others",
        )
    try:
        if name == "engine":
            from squeezebert.backends.engine_backend import EngineBackend

            return EngineBackend.open(directory, precision=precision, threads=threads)
        if name == "torch":
            from squeezebert.backends.torch_backend import TorchBackend

            return TorchBackend.open(directory, threads=threads)
        from squeezebert.backends.transformers_backend import TransformersBackend

        return TransformersBackend.open(directory, threads=threads)
    except ModuleNotFoundError as error:
        if error.name in ("jaxtyping", "torch"):
            raise MissingDependencyError.for_extra(
                error.name, "torch", f"the backend {name}"
            ) from error
        raise
