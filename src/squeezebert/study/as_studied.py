"""A model timed and scored as the study did it: in ``transformers``, float32, every text padded to
one length, and a masked LM's cosine in its own table of input vectors.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.backends.transformers_backend import TransformersBackend
from squeezebert.batch import RaggedBatch
from squeezebert.checkpoint.weights import read_tensors
from squeezebert.comparison.reference import with_reference
from squeezebert.data.catalog import Dataset
from squeezebert.errors import CheckpointError
from squeezebert.evaluation import evaluate
from squeezebert.pipeline import load
from squeezebert.study.published import Protocol
from squeezebert.tasks import MaskedLM, ReferenceEmbeddings
from squeezebert.timing import Stopwatch, rotations

MOST_BATCHES = 12
"""Of a pass: all are of one size, so that more of them say no more."""


@dataclass(frozen=True, kw_only=True)
class Padded:
    """What a text costs.

    Args:
        cpu_ms, wall_ms: Medians over the passes.
        texts: Of a pass.
    """

    cpu_ms: float
    wall_ms: float
    texts: int


def time_padded(
    directories: Mapping[str, Path],
    dataset: Dataset,
    protocol: Protocol,
    *,
    passes: int,
    threads: int | None,
) -> dict[str, Padded]:
    """The models in turn over batches whose texts are all padded to the study's length.

    Args:
        directories: Fine-tuned models by name.
        dataset: Whose texts are read.
        protocol: Length and batch.
        passes: How often.
        threads: CPU threads.
    """
    backends = {
        name: TransformersBackend.open(directory, threads=threads)
        for name, directory in directories.items()
    }
    batches = {
        name: _batches(load(directory, precision="float32"), dataset, protocol)
        for name, directory in directories.items()
    }
    for name, backend in backends.items():
        backend.logits(batches[name][0])
    taken: dict[str, list[Stopwatch]] = {name: [] for name in backends}
    turns = rotations(list(backends))
    for _ in range(passes):
        watches = {name: Stopwatch() for name in backends}
        for at in range(max(len(own) for own in batches.values())):
            for name in next(turns):
                if at < len(batches[name]):
                    with watches[name].running():
                        backends[name].logits(batches[name][at])
        for name, watch in watches.items():
            taken[name].append(watch)
    found: dict[str, Padded] = {}
    for name, watches in taken.items():
        texts = sum(len(batch) for batch in batches[name])
        found[name] = Padded(
            cpu_ms=1000 * statistics.median(one.cpu_seconds for one in watches) / texts,
            wall_ms=1000 * statistics.median(one.wall_seconds for one in watches) / texts,
            texts=texts,
        )
    return found


def _batches(pipeline: Any, dataset: Dataset, protocol: Protocol) -> list[RaggedBatch]:
    length = min(protocol.length, pipeline.backend.config.max_position_embeddings)
    examples = dataset.examples[: MOST_BATCHES * protocol.batch]
    rows = [item.input_ids[:length] for item in pipeline.task.encode(examples, with_labels=True)]
    rows = rows[: MOST_BATCHES * protocol.batch]
    return [
        RaggedBatch.of([_filled(rows[start], length), *rows[start + 1 : start + protocol.batch]])
        for start in range(0, len(rows), protocol.batch)
    ]


def _filled(row: NDArray[np.integer[Any]], length: int) -> NDArray[np.integer[Any]]:
    """The row at full length, so that the batch is padded up to it."""
    return np.resize(row, length)


def own_table_cosine(directory: Path, examples: Sequence[Any]) -> float | None:
    """The average cosine similarity of a masked LM's guesses in its own input table, as that
    stands; None where no two of the masked tokens are in it.

    Raises:
        CheckpointError: a model without a table of its own.
    """
    pipeline = load(directory, precision="float32")
    assert isinstance(pipeline.task, MaskedLM)
    tokenizer = pipeline.task.tokenizer
    tensors = read_tensors(directory)
    tables = [name for name in tensors if name.endswith("embeddings.word_embeddings.weight")]
    if len(tables) != 1:
        raise CheckpointError(f"{directory} has {len(tables)} word-embedding tables, expected one")
    # "Centred" keeps the mean where it is.
    table = ReferenceEmbeddings(
        tokenizer.tokens, tensors[tables[0]][: tokenizer.vocab_size], centred=True
    )
    scores = evaluate(with_reference(pipeline, table), examples).scores
    return scores.values.get("average_cosine_similarity")
