"""What runs a model, chosen by name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from squeezebert.backends.base import Backend
from squeezebert.errors import InvalidInputError, MissingDependencyError

BACKENDS = ("torch", "transformers")
"""The names that :func:`open_backend` knows. ``transformers`` is Hugging Face's own model code, as
a yardstick."""

__all__ = ["BACKENDS", "Backend", "open_backend"]


def open_backend(name: str, directory: Path, *, threads: int | None = None) -> Backend:
    """Loads the model in ``directory`` for running.

    Args:
        name: One of :data:`BACKENDS`.
        directory: A model directory.
        threads: How many threads a call may use; the run-time's own choice where None.

    Raises:
        InvalidInputError: an unknown backend.
        MissingDependencyError: the backend's package is not installed.
        CheckpointError: see :func:`squeezebert.model.load_model`.
    """
    if name not in BACKENDS:
        raise InvalidInputError(
            f"no backend is called {name!r}", hint=f"the backends are {', '.join(BACKENDS)}"
        )
    if find_spec("torch") is None:
        raise MissingDependencyError.for_extra("torch", "torch", "running models")
    if name == "torch":
        from squeezebert.backends.torch_backend import TorchBackend

        return TorchBackend.open(directory, threads=threads)
    from squeezebert.backends.transformers_backend import TransformersBackend

    return TransformersBackend.open(directory, threads=threads)
