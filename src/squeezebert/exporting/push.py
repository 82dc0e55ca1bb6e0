"""A model directory onto the Hugging Face hub."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from squeezebert import checkpoint, files
from squeezebert.checkpoint.bundle import copy_model
from squeezebert.checkpoint.hub import HUB_NAME, resolve
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.exporting.card import CARD, Said, model_card
from squeezebert.exporting.manifest import MANIFEST

UPLOADED = (
    CARD,
    "LICENSE*",
    "NOTICE*",
    "*config.json",
    "task.json",
    "measured.json",
    "modules.json",
    "1_Pooling/config.json",
    "tokenizer.json",
    "vocab.txt",
    "words.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "recipe.toml",
    "model*.safetensors",
    "model.safetensors.index.json",
    "pytorch_model*.bin",
    MANIFEST,
    "onnx/*.onnx",
)
"""What belongs to a model; logs and states of its training stay at home."""


def push(
    model: str | Path,
    name: str,
    *,
    private: bool = False,
    said: Said | None = None,
    message: str | None = None,
) -> str:
    """Uploads a model or an export with its card; a repository of that name is made where there is
    none. Tables that it shares with neighbors come into its own weight file.

    Args:
        model: A model directory, an export, or the name of a shipped model.
        name: Of the repository: ``user/model``.
        private: Whether a new repository is for its owner alone.
        said: What a person adds to the card.
        message: Of the commit.

    Returns:
        The address of the commit.

    Raises:
        CheckpointError: no such model, or a hub that does not take it; the message says why.
        InvalidInputError: a name that no repository can have.
    """
    if not HUB_NAME.fullmatch(name) or "/" not in name:
        raise InvalidInputError(
            f"{name!r} is no name of a repository", hint="name it as user/model"
        )
    source = resolve(model)
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / "model"
        _stage(source, staged)
        files.write_text(staged / CARD, model_card(source, name, said))
        return _upload(staged, name, private=private, message=message or f"Upload {name}")


def _stage(source: Path, staged: Path) -> None:
    """A copy that needs no other directory."""
    shared = (source / checkpoint.INDEX).is_file()
    if shared:
        copy_model(source, staged)
    for pattern in UPLOADED:
        for path in source.glob(pattern):
            copy = staged / path.relative_to(source)
            if path.is_file() and not (shared and path.name.startswith("model")):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)


def _upload(directory: Path, name: str, *, private: bool, message: str) -> str:
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        api.create_repo(name, private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=name,
            folder_path=directory,
            commit_message=message,
            allow_patterns=list(UPLOADED),
        )
    except Exception as error:  # the library's own, and those of its HTTP client
        reason, way_out = _reason(error)
        raise CheckpointError(f"{name} could not be uploaded: {reason}", hint=way_out) from error
    return done.commit_url


def _reason(error: Exception) -> tuple[str, str]:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"you may not write there ({status})", "run: hf auth login, with a token that may"
    if status is not None:
        return f"the hub answered {status}", "try again later; what was sent is not visible"
    own = str(error).partition("\n")[0] or type(error).__name__
    return own, "try again, or look whether the hub can be reached"
