"""A model card: metadata as the Hugging Face hub reads it, and what the model knows of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from squeezebert import checkpoint
from squeezebert.checkpoint.pooling import MODULES
from squeezebert.checkpoint.shipped import read_measured
from squeezebert.complexity import HeadShape, count
from squeezebert.config import EncoderConfig
from squeezebert.exporting.manifest import MANIFEST
from squeezebert.spec import TaskSpec

CARD, RECIPE = "README.md", "recipe.toml"
TASK_TAGS = {
    "masked_lm": "fill-mask",
    "text_classification": "text-classification",
    "token_classification": "token-classification",
}
"""The hub's names of the tasks."""

FAMILY = {"squeezebert": "SqueezeBERT", "bert": "BERT"}

_METADATA = re.compile(r"\A---\n.*?\n---\n+", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What only a person can say of a model.

    Args:
        license: Of the weights, by the hub's name for it (``apache-2.0``); None leaves it out.
        base_model: What it was made of, a name on the hub.
        datasets: What it was trained on, names on the hub.
    """

    license: str | None = None
    base_model: str | None = None
    datasets: tuple[str, ...] = ()


def model_card(directory: Path, name: str, said: Said | None = None) -> str:
    """The card of the model in ``directory``. The text of a ``README.md`` that is there stays, and
    has its metadata renewed.

    Args:
        directory: A model's, or an export's.
        name: What the model is called on the hub.
        said: What a person adds.

    Raises:
        CheckpointError, ConfigError: no readable model.

    >>> from squeezebert.checkpoint.shipped import PRETRAINED
    >>> said = Said(license="apache-2.0")
    >>> card = model_card(PRETRAINED / "squeezebert-mini-news", "me/news", said)
    >>> card.splitlines()[:5]
    ['---', 'language:', '- en', 'library_name: squeezebert', 'license: apache-2.0']
    """
    config = checkpoint.read_config(directory)
    spec = checkpoint.read_spec(directory)
    written = directory / CARD
    if written.is_file():
        body = _METADATA.sub("", written.read_text(encoding="utf-8"))
    else:
        body = _body(directory, name, config, spec)
    return f"---\n{_metadata(directory, name, config, spec, said or Said())}\n---\n\n{body}"


def _metadata(
    directory: Path, name: str, config: EncoderConfig, spec: TaskSpec | None, said: Said
) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    tag = "feature-extraction" if spec is None else TASK_TAGS[spec.task]
    sentences = spec is None and (directory / MODULES).is_file()
    exported = (directory / MANIFEST).is_file()
    measured = read_measured(directory)
    results = [
        EvalResult(
            task_type=tag,
            dataset_type=score.data,
            dataset_name=score.data,
            dataset_split=score.split,
            metric_type=score.name,
            metric_value=score.value,
        )
        for score in measured.scores
    ]
    data = ModelCardData(
        language=list(spec.languages) if spec is not None and spec.languages else None,
        license=said.license,
        library_name="transformers.js" if exported else "squeezebert",
        pipeline_tag="sentence-similarity" if sentences else tag,
        base_model=said.base_model,
        datasets=list(said.datasets) or None,
        tags=["onnx"] if exported else [config.model_type],
        model_name=name if results else None,
        eval_results=results or None,
    )
    return data.to_yaml().rstrip()


def _body(directory: Path, name: str, config: EncoderConfig, spec: TaskSpec | None) -> str:
    parts = [f"# {name.rpartition('/')[2]}"]
    exported = (directory / MANIFEST).is_file()
    parts.append(_origin(directory) if exported else _shape(config, spec))
    if spec is not None:
        parts.append(f"Task: {spec.task}. Inputs have at most {spec.max_length} tokens.")
        if spec.labels:
            parts.append(f"Labels: {', '.join(spec.labels)}.")
    parts.append("## Use")
    if exported:
        parts.append(_in_javascript(name, spec))
    else:
        parts += _in_python(directory, name, config, spec)
    parts += _scores(directory)
    if (directory / RECIPE).is_file():
        parts += ["## Recipe", f"How it was trained stands in `{RECIPE}`."]
    return "\n\n".join(parts) + "\n"


def _shape(config: EncoderConfig, spec: TaskSpec | None) -> str:
    head = None if spec is None else HeadShape(kind=spec.task, outputs=len(spec.labels))
    counted = count(config, head, min(128, config.max_position_embeddings))
    return (
        f"{FAMILY[config.model_type]}: {config.num_hidden_layers} layers, hidden size "
        f"{config.hidden_size}, vocabulary of {config.vocab_size:,}; "
        f"{counted.parameters / 1e6:.1f} M parameters, {counted.gflop:.2f} GFLOP for a text of "
        f"{counted.tokens} tokens."
    )


def _origin(directory: Path) -> str:
    """What ``export.json`` tells; ``config.json`` there says BERT of every model."""
    manifest = checkpoint.read_json(directory / MANIFEST)
    rows = [
        f"| {one['path']} | {one['precision']} | {one['size_mb']:.1f} | "
        f"{one['agreement']['max_difference']:.2g} |"
        for one in manifest["files"]
    ]
    head = f"{manifest['source']} as ONNX. Answers beside those of the original in float32:"
    columns = "| file | precision | MB | largest difference |\n| --- | --- | ---: | ---: |"
    return "\n".join([head, "", columns, *rows])


def _in_javascript(name: str, spec: TaskSpec | None) -> str:
    tag = "feature-extraction" if spec is None else TASK_TAGS[spec.task]
    return (
        "```js\n"
        'import { pipeline } from "@huggingface/transformers";\n\n'
        f'const ask = await pipeline("{tag}", "{name}", {{ dtype: "q8" }});\n'
        "```"
    )


def _in_python(
    directory: Path, name: str, config: EncoderConfig, spec: TaskSpec | None
) -> list[str]:
    if spec is None:
        code = f'from squeezebert import TextEncoder\n\nencode = TextEncoder.load("{name}")'
    else:
        code = f'import squeezebert\n\nask = squeezebert.load("{name}")'
    parts = [f"```python\n{code}\n```"]
    if reads_in_transformers(directory, config):
        parts.append("`transformers` reads it too.")
    return parts


def _scores(directory: Path) -> list[str]:
    measured = read_measured(directory)
    scores, speed = measured.scores, measured.speed
    if not scores:
        return []
    rows = [f"| {one.name} | {one.value:.4f} | {one.data} | {one.split} |" for one in scores]
    table = "\n".join(["| score | value | data | part |", "| --- | ---: | --- | --- |", *rows])
    parts = ["## Scores", table]
    if speed is not None:
        parts.append(
            f"{speed.cpu_ms:.3g} ms of CPU time for a text of {speed.tokens} tokens, in "
            f"{speed.precision} on {speed.isa}, {speed.cpu}."
        )
    return parts


def reads_in_transformers(directory: Path, config: EncoderConfig) -> bool:
    """Whether ``AutoModel`` of ``transformers`` reads the model: weights as floating-point numbers,
    and no embedding bottleneck.
    """
    if config.has_bottleneck or not checkpoint.weight_files(directory):
        return False
    if not checkpoint.has_safetensors(directory):
        return True
    return not any(_holds_scales(path) for path in checkpoint.weight_files(directory))


def _holds_scales(path: Path) -> bool:
    import safetensors

    with safetensors.safe_open(path, framework="numpy") as file:
        names: Any = file.keys()
        return any(name.endswith(checkpoint.SCALE_SUFFIX) for name in names)
