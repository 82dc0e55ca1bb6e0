"""From a name to a model directory: a path, a model that ships, or a hub name."""

from __future__ import annotations

import re
from pathlib import Path

from squeezebert.checkpoint.directory import CONFIG
from squeezebert.checkpoint.shipped import PRETRAINED, shipped_models
from squeezebert.errors import CheckpointError

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
HUB_FILES = ("*.json", "*.txt", "*.safetensors", "pytorch_model.bin")


def resolve(name_or_path: str | Path) -> Path:
    """The directory of a model: ``name_or_path`` itself if it is one, else the shipped model of
    that name, else a download from the Hugging Face hub (kept in its cache).

    Raises:
        CheckpointError: none of the three; the message lists the shipped names.
    """
    path = Path(name_or_path).expanduser()
    if (path / CONFIG).is_file():
        return path
    if path.is_dir():
        raise CheckpointError(
            f"{path} holds no {CONFIG}",
            hint="name the directory that a training run or save_model wrote",
        )
    name = str(name_or_path)
    if not HUB_NAME.fullmatch(name):
        raise _unknown(name)
    if (PRETRAINED / name / CONFIG).is_file():
        return PRETRAINED / name
    return _download(name)


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise _unknown(name) from error


def _unknown(name: str) -> CheckpointError:
    shipped = [model.name for model in shipped_models()]
    return CheckpointError(
        f"no model is called {name!r}: it is no directory, no shipped model, and could not be "
        "had from the Hugging Face hub",
        hint=f"the shipped models are {', '.join(shipped) or 'none'}",
    )
