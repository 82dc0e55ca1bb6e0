"""From a name to a model directory: a path, a model that ships, or a hub name."""

from __future__ import annotations

import re
from pathlib import Path

from squeezebert.checkpoint.directory import CHECKPOINTS, CONFIG
from squeezebert.checkpoint.shipped import PRETRAINED, shipped_models
from squeezebert.checkpoint.weights import weight_files
from squeezebert.errors import CheckpointError, near, shown

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
HUB_FILES = ("*.json", "*.txt", "*.safetensors")
HUB_BIN_FILES = ("pytorch_model*.bin",)
"""Asked for where a repository has no safetensors."""


def resolve(name_or_path: str | Path) -> Path:
    """The directory of a model: ``name_or_path`` itself if it is one, else the shipped model of
    that name, else a download from the Hugging Face hub (kept in its cache).

    Raises:
        CheckpointError: none of the three; the message says why the hub gave nothing, and lists the
            shipped names.
    """
    try:
        path = Path(name_or_path).expanduser()
        if (path / CONFIG).is_file():
            return path
        is_directory = path.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # too long, or no such user's home
        raise CheckpointError(f"{shown(str(name_or_path))} is no path: {error}") from error
    if is_directory and (path / CHECKPOINTS).is_dir():
        raise CheckpointError(
            f"{path} holds a run that is not done, and no model yet",
            hint="go on with it: the command that began it, with --resume",
        )
    if is_directory:
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

    try:
        directory = Path(snapshot_download(name, allow_patterns=list(HUB_FILES)))
        if not any(path.is_file() for path in weight_files(directory)):
            patterns = [*HUB_FILES, *HUB_BIN_FILES]
            directory = Path(snapshot_download(name, allow_patterns=patterns))
    except CheckpointError:
        raise
    except Exception as error:  # the library's own, and those of its HTTP client
        raise _unknown(name, *hub_reason(error)) from error
    return directory


def hub_reason(error: Exception) -> tuple[str, str]:
    """Why nothing could be had from the hub, and what to do about it, by what its client raised."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    own = str(error).partition("\n")[0] or type(error).__name__
    if isinstance(error, LocalEntryNotFoundError):
        cause = error.__cause__
        if cause is None or isinstance(cause, OfflineModeIsEnabled):
            return "HF_HUB_OFFLINE is set, and it is not in the cache", "unset HF_HUB_OFFLINE"
        if isinstance(cause, HfHubHTTPError):
            return _of_status(cause)
        return "there is no connection, and it is not in the cache", "go online once"
    match error:
        case OfflineModeIsEnabled():
            return "HF_HUB_OFFLINE is set, and it is not in the cache", "unset HF_HUB_OFFLINE"
        case GatedRepoError():
            return (
                "it is gated, and you have no access",
                "ask for access on its page, then run: hf auth login",
            )
        case RepositoryNotFoundError():
            return (
                "there is no such repository, or it is private",
                "mind the spelling; for a private one run: hf auth login",
            )
        case HfHubHTTPError():
            return _of_status(error)
        case HFValidationError():
            return "it is no name that a repository can have", "mind the spelling"
        case _:
            return own, "try again, or copy the model's files into a directory and name that"


def _of_status(error: Exception) -> tuple[str, str]:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", "no status")
    if status in (401, 403):
        return f"you have no access ({status})", "run: hf auth login"
    return f"the hub answered {status}", "try again later"


def _unknown(name: str, reason: str = "", way_out: str = "") -> CheckpointError:
    shipped = [model.name for model in shipped_models()]
    meant = near(name, shipped)
    listed = f"the shipped models are {', '.join(shipped) or 'none'}"
    hint = f"{way_out}; {listed}" if way_out else listed
    return CheckpointError(
        f"no model is called {shown(name)}: it is no directory, no shipped model, and "
        + (
            f"could not be had from the Hugging Face hub: {reason}"
            if reason
            else "no name that the Hugging Face hub could have"
        ),
        hint=f"{meant} Else {hint}" if meant else hint,
    )
