"""The one table of word vectors in which the guesses of all masked language models are compared."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from squeezebert.checkpoint.weights import read_tensors
from squeezebert.errors import InvalidInputError
from squeezebert.pipeline import Pipeline
from squeezebert.tasks import MaskedLM, ReferenceEmbeddings, make_task

SHIPPED = "pretrained/reference.safetensors"
"""Where the table that comes with the package lies in it."""

FITS = 0.9
"""The share of every vocabulary that the shipped table must know to be taken."""


def choose_reference(
    path: Path | None, pipelines: Sequence[Pipeline[Any]], owner: Pipeline[Any], directory: Path
) -> tuple[ReferenceEmbeddings, str]:
    """The table, and what to call it in the report.

    Args:
        path: A file that :meth:`ReferenceEmbeddings.save` wrote; where None, the table that comes
            with the package if it knows the vocabularies, else the word embeddings of a model.
        pipelines: The masked language models.
        owner: That model, the baseline.
        directory: Where it lies.

    Raises:
        CheckpointError: a file that cannot be read.
        InvalidInputError: a model without a readable word-embedding table.
    """
    if path is not None:
        return ReferenceEmbeddings.load(path), f"the word vectors of {path.name}"
    shipped = Path(str(resources.files("squeezebert"))) / SHIPPED
    if shipped.is_file():
        table = ReferenceEmbeddings.load(shipped)
        if all(coverage(table, pipeline) >= FITS for pipeline in pipelines):
            return table, "the word vectors that come with squeezebert"
    tensors = read_tensors(directory)
    names = [name for name in tensors if name.endswith("embeddings.word_embeddings.weight")]
    if len(names) != 1:
        raise InvalidInputError(
            f"the model in {directory} has {len(names)} word-embedding tables, expected one",
            hint="give a reference table",
        )
    return (
        ReferenceEmbeddings.from_embeddings(_masked_lm(owner).tokenizer, tensors[names[0]]),
        f"the word embeddings of {directory.resolve().name}",
    )


def coverage(table: ReferenceEmbeddings, pipeline: Pipeline[Any]) -> float:
    """The share of a model's ordinary tokens that the table knows."""
    tokenizer = _masked_lm(pipeline).tokenizer
    ordinary = [
        token for at, token in enumerate(tokenizer.tokens) if at not in tokenizer.special_ids
    ]
    return float((table.rows(ordinary) >= 0).mean()) if ordinary else 0.0


def with_reference(pipeline: Pipeline[Any], table: ReferenceEmbeddings) -> Pipeline[Any]:
    """The same model, scored by the table as well."""
    task = _masked_lm(pipeline)
    return Pipeline(
        make_task(task.spec, task.tokenizer, reference=table),
        pipeline.backend,
        name=pipeline.name,
        batch_tokens=pipeline.batch_tokens,
    )


def _masked_lm(pipeline: Pipeline[Any]) -> MaskedLM:
    if not isinstance(pipeline.task, MaskedLM):
        raise InvalidInputError(f"{pipeline.name} is for {pipeline.task.name}, not masked_lm")
    return pipeline.task
