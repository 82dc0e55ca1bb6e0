"""The checkpoints of the study: from the hub as they were published, or from a directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from squeezebert.checkpoint.directory import CONFIG, read_config
from squeezebert.checkpoint.hub import HUB_NAME
from squeezebert.checkpoint.shipped import PRETRAINED
from squeezebert.checkpoint.weights import BIN, BIN_INDEX, INDEX, WEIGHTS
from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError, InvalidInputError, shown
from squeezebert.study.hub import HubFile, Repository
from squeezebert.study.sources import Sources

TOKENIZER = (
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)


@dataclass(frozen=True, kw_only=True)
class ChosenModel:
    """A checkpoint that takes part.

    Args:
        given: As a person named it.
        name: What to call it, and its directories.
        config: Its shape.
        directory: Where it lies; None until it is downloaded.
        repository: Where it is downloaded from, or None.
        files: Which files.
    """

    given: str
    name: str
    config: EncoderConfig
    directory: Path | None = None
    repository: Repository | None = None
    files: tuple[HubFile, ...] = ()

    @property
    def family(self) -> str:
        """``squeezebert`` or ``bert``."""
        return self.config.model_type

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        if self.repository is None:
            return "a directory"
        return f"{self.repository.name} on the hub, commit {self.repository.commit[:12]}"


def choose_models(given: Sequence[str], sources: Sources) -> list[ChosenModel]:
    """The checkpoints by name. Of those on the hub only the shape is read.

    Raises:
        HubUnreachable: no connection where one is needed.
        CheckpointError: no such model, or a repository without weights that we read.
        ConfigError: a shape that is not supported.
        InvalidInputError: two models that would be called alike.
    """
    models = [_choose(name, sources) for name in given]
    for model in models:
        if model.config.has_bottleneck:
            raise InvalidInputError(
                f"{model.given} has embeddings of {model.config.embedding_size} beside a width of "
                f"{model.config.hidden_size}: transformers, which a study measures in, has no such "
                "shape",
                hint="name a checkpoint without that bottleneck; `squeezebert compare` measures "
                "any model in the engine",
            )
    names = [model.name for model in models]
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise InvalidInputError(
            f"two models are called {twice}", hint="rename the directory of one of them"
        )
    return models


def _choose(given: str, sources: Sources) -> ChosenModel:
    path = Path(given).expanduser()
    local = path if (path / CONFIG).is_file() else PRETRAINED / given
    if HUB_NAME.fullmatch(given) is None and not path.is_dir():
        raise CheckpointError(
            f"{shown(given)} is no directory, and no name that the Hugging Face hub could have"
        )
    if (local / CONFIG).is_file():
        directory = local.resolve()
        return ChosenModel(
            given=given,
            name=directory.name,
            config=read_config(directory),
            directory=directory,
        )
    if path.is_dir():
        raise CheckpointError(
            f"{path} holds no {CONFIG}", hint="name the directory of a checkpoint"
        )
    repository = sources.repository("model", given)
    files = wanted_files(repository)
    config = next(file for file in files if file.path == CONFIG)
    directory = sources.fetch(repository, [config])[CONFIG].parent
    return ChosenModel(
        given=given,
        name=given.rpartition("/")[2],
        config=read_config(directory),
        repository=repository,
        files=files,
    )


def wanted_files(repository: Repository) -> tuple[HubFile, ...]:
    """The shape, the tokenizer and the weights: safetensors, or where there are none the old
    ``.bin``.

    Raises:
        CheckpointError: a repository that lacks one of them.
    """
    found = [repository.file(path) for path in (CONFIG, *TOKENIZER)]
    files = [file for file in found if file is not None]
    for single, index in ((WEIGHTS, INDEX), (BIN, BIN_INDEX)):
        suffix = Path(single).suffix
        stem = single.removesuffix(suffix)
        whole = repository.file(single)
        listed = repository.file(index)
        shards = [
            file
            for file in repository.files
            if file.path.startswith(f"{stem}-") and file.path.endswith(suffix)
        ]
        weights = [whole] if whole else [listed, *shards] if listed else []
        if weights:
            files += weights
            break
    else:
        raise CheckpointError(
            f"{repository.title} holds neither {WEIGHTS} nor {BIN}",
            hint="name a checkpoint of PyTorch's; those of other frameworks are not read",
        )
    if not any(file.path == CONFIG for file in files):
        raise CheckpointError(f"{repository.title} holds no {CONFIG}")
    if not any(file.path in ("vocab.txt", "tokenizer.json") for file in files):
        raise CheckpointError(f"{repository.title} holds no tokenizer (vocab.txt, tokenizer.json)")
    return tuple(files)
