"""How ``sentence-transformers`` writes down that a text's vector is the mean of its last states."""

from __future__ import annotations

import json
from pathlib import Path

from squeezebert import files
from squeezebert.checkpoint.directory import CONFIG, read_json
from squeezebert.errors import CheckpointError

POOLING = "1_Pooling"
MODULES = "modules.json"
LENGTH = "sentence_bert_config.json"


def save_pooling(directory: Path, *, hidden_size: int, max_length: int) -> None:
    """Writes the files that make ``directory`` a model of ``sentence-transformers``.

    Args:
        directory: Of the encoder.
        hidden_size: Numbers of a vector.
        max_length: Tokens of a text, special ones included.
    """
    kinds = (("", "Transformer"), (POOLING, "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {
            "idx": number,
            "name": str(number),
            "path": path,
            "type": f"sentence_transformers.models.{kind}",
        }
        for number, (path, kind) in enumerate(kinds)
    ]
    pooling = {
        "word_embedding_dimension": hidden_size,
        "pooling_mode_cls_token": False,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
    }
    contents = {
        MODULES: modules,
        f"{POOLING}/{CONFIG}": pooling,
        LENGTH: {"max_seq_length": max_length, "do_lower_case": False},
    }
    for name, content in contents.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        files.write_text(directory / name, json.dumps(content, indent=2) + "\n")


def check_pooling(directory: Path) -> None:
    """Refuses a model of ``sentence-transformers`` that does not take the mean.

    Raises:
        CheckpointError: another way of pooling.
    """
    path = directory / POOLING / CONFIG
    if not path.is_file():
        return
    values = read_json(path)
    modes = [name for name, value in values.items() if "pooling_mode" in name and value]
    if modes not in (["pooling_mode_mean_tokens"], ["pooling_mode"]) or (
        values.get("pooling_mode", "mean") != "mean"
    ):
        raise CheckpointError(
            f"{path} asks for {', '.join(modes) or 'no pooling'}, expected the mean of the tokens"
        )


def trained_length(directory: Path) -> int | None:
    """The length in tokens that a model of sentences was trained for; None where nothing says."""
    path = directory / LENGTH
    length = read_json(path).get("max_seq_length") if path.is_file() else None
    return length if isinstance(length, int) else None
