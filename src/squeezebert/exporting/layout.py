"""What lies beside the graphs: the files by which optimum and transformers.js load them."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from squeezebert import checkpoint, files
from squeezebert.added_tokens import ROLE_FIELDS
from squeezebert.checkpoint.pooling import LENGTH, MODULES, POOLING
from squeezebert.config import GROUP_FIELDS, EncoderConfig
from squeezebert.exporting.subject import Subject
from squeezebert.spec import TaskSpec
from squeezebert.tokenizer import CONFIG as TOKENIZER_CONFIG
from squeezebert.tokenizer import Tokenizer

COPIED = ("LICENSE*", "NOTICE*", MODULES, LENGTH, f"{POOLING}/*.json")
"""Of the model: licenses, and how sentence-transformers pools."""

TOKENIZER = "tokenizer.json"


def write_layout(subject: Subject, target: Path) -> None:
    """Writes ``config.json``, ``task.json`` and the tokenizer, and copies what else belongs to the
    model.

    Args:
        subject: The model.
        target: The export's directory.
    """
    source, tokenizer = subject.source, subject.tokenizer
    config, spec = subject.parameters.config, subject.parameters.spec
    _write_json(target / checkpoint.CONFIG, _config(config, spec))
    tokenizer.save(target)
    settings = checkpoint.read_json(target / TOKENIZER_CONFIG)
    settings |= dict(zip(ROLE_FIELDS, tokenizer.roles, strict=True))
    _write_json(target / TOKENIZER_CONFIG, settings | {"model_max_length": subject.max_length})
    content = checkpoint.read_json(target / TOKENIZER)
    content["post_processor"] = _template(tokenizer)
    _write_json(target / TOKENIZER, content)
    if spec is not None:
        _write_json(target / checkpoint.TASK, asdict(spec))
    for pattern in COPIED:
        for path in sorted(source.glob(pattern)):
            copy = target / path.relative_to(source)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copy)


def _config(config: EncoderConfig, spec: TaskSpec | None) -> dict[str, Any]:
    """A BERT's, whose inputs and outputs it has: the group counts are in the graph, and
    transformers.js knows no token classification of another model type.
    """
    content = config.to_dict() | {"model_type": "bert"}
    for name in (*GROUP_FIELDS, "embedding_size"):
        content.pop(name, None)
    ending = "Model" if spec is None else checkpoint.ARCHITECTURES[spec.task]
    content["architectures"] = [f"Bert{ending}"]
    if spec is None or not spec.labels:
        return content
    content["id2label"] = {str(index): label for index, label in enumerate(spec.labels)}
    content["label2id"] = {label: index for index, label in enumerate(spec.labels)}
    if spec.task == "text_classification":
        regression = spec.problem_type == "regression"
        content["problem_type"] = (
            spec.problem_type if regression else f"{spec.problem_type}_classification"
        )
    return content


def _template(tokenizer: Tokenizer) -> dict[str, Any]:
    """How a text, or a pair of them, stands between the tokens of start and end."""

    def special(token: str, kind: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": token, "type_id": kind}}

    def text(name: str, kind: int) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": kind}}

    _, _, start, end, _ = tokenizer.roles
    single = [special(start, 0), text("A", 0), special(end, 0)]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, text("B", 1), special(end, 1)],
        "special_tokens": {
            token: {"id": token, "ids": [at], "tokens": [token]}
            for token, at in ((start, tokenizer.cls_id), (end, tokenizer.sep_id))
        },
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    files.write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
